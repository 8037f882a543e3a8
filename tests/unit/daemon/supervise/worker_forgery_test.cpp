// SPDX-License-Identifier: MIT
// What a worker that was taken over may try: each forged message ends it, and says what was wrong.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/daemon/supervise/worker_admission_rig.hpp"

namespace kanhu {
namespace {

using namespace admission;
using std::chrono::seconds;

TEST_CASE("every kind of forged message ends the worker, and says what was wrong") {
  const auto changed = [](auto body, const std::function<void(Observation&)>& change) {
    Observation observation = seen(std::move(body));
    change(observation);
    return relay::Observed{std::move(observation)};
  };
  const auto none = [](Observation&) {};
  const auto of_track = [&](const std::function<void(TrackObservation&)>& change) {
    TrackObservation body = track();
    change(body);
    return relay::Observed{seen(std::move(body))};
  };
  const auto of_clip = [&](const std::function<void(ClipRecord&)>& change) {
    ClipRecord record = record_of_hall();
    change(record);
    return relay::ClipDone{std::move(record)};
  };
  const auto of_counters = [](const std::function<void(relay::CameraReport&)>& change) {
    relay::CameraReport stats = counters("hall");
    change(stats);
    return stats;
  };
  const auto of_health = [](const std::function<void(HealthObservation&)>& change) {
    HealthObservation body;
    change(body);
    return relay::Observed{seen(std::move(body))};
  };
  const auto of_presence = [](const std::function<void(PresenceObservation&)>& change) {
    PresenceObservation body = presence("door");
    change(body);
    return relay::Observed{seen(std::move(body))};
  };
  const std::string alien = "spoke for a camera that is not its own";
  const std::vector<std::pair<relay::Message, std::string>> forged = {
      {changed(TickObservation{}, [](Observation& o) { o.source = "other"; }), alien},
      {changed(track(), [](Observation& o) { o.source = "other"; }), alien},
      {changed(presence("door"), [](Observation& o) { o.source = "other"; }), alien},
      {changed(presence("kitchen"), none), "none of its zones"},
      {of_track([](TrackObservation& t) { t.zone = "kitchen"; }), "none of its zones"},
      {changed(ThermalObservation{}, none), "it shows no warmth"},
      {changed(IdentityObservation{}, none), "the gateway alone decides"},
      {changed(ContactObservation{}, none), "it is no sensor"},
      {changed(TickObservation{}, [](Observation& o) { o.run = "../../x"; }), "a run that is none"},
      {changed(TickObservation{}, [](Observation& o) { o.run = ""; }), "a run that is none"},
      {changed(TickObservation{}, [](Observation& o) { o.models = std::string(5000, 'x'); }), "a word"},
      {changed(TickObservation{}, [](Observation& o) { o.time = kNow + std::chrono::hours(1); }), "still to come"},
      {changed(TickObservation{}, [](Observation& o) { o.time = kNow - std::chrono::hours(2); }), "long over"},
      {changed(TickObservation{}, [](Observation& o) { o.time = WallTime::max(); }), "a time that cannot be"},
      {changed(TickObservation{}, [](Observation& o) { o.pts = MediaTime::min(); }), "a time that cannot be"},
      {changed(TickObservation{}, [](Observation& o) { o.clock_offset = std::chrono::microseconds::min(); }), "a time that cannot be"},
      {changed(TickObservation{}, [](Observation& o) { o.clock = ClockSource::kFile; }), "a recording's time"},
      {changed(TickObservation{}, [](Observation& o) { o.arrived = kNow + std::chrono::hours(24 * 365 * 170); }), "still to arrive"},
      {changed(TickObservation{}, [](Observation& o) { o.arrived = kNow + seconds(60); }), "still to arrive"},
      {changed(TickObservation{}, [](Observation& o) { o.arrived = kNow - std::chrono::hours(2); }), "arrived long ago"},
      {changed(TickObservation{}, [](Observation& o) { o.arrived = WallTime::min(); }), "a time that cannot be"},
      {changed(TickObservation{}, [](Observation& o) { o.clock_offset = std::chrono::hours(24 * 365 * 190); }), "a time that cannot be"},
      {changed(TickObservation{},
               [](Observation& o) {
                 o.clock = ClockSource::kRtcp;
                 o.clock_offset = std::chrono::hours(-2);
               }),
       "a time that cannot be"},
      {of_health([](HealthObservation& h) { h.last_packet = kNow + seconds(60); }), "still to come"},
      {of_track([](TrackObservation& t) { t.label = "dog:evil"; }), "a word"},
      {of_track([](TrackObservation& t) { t.label = ""; }), "a word"},
      {of_track([](TrackObservation& t) { t.end_reason = "gateway_stopped"; }), "a word"},
      {of_track([](TrackObservation& t) { t.phase = Phase::kPoint; }), "without length"},
      {of_track([](TrackObservation& t) { t.score = 1.5; }), "numbers"},
      {of_track([](TrackObservation& t) { t.quality = FaceQuality{24, 9, 5, -3, 1, 120, 40, 0.1, 0.3}; }), "numbers"},
      {of_track([](TrackObservation& t) { t.quality = FaceQuality{24, 0.9, 5, -3, 1, 400, 40, 0.1, 0.3}; }), "numbers"},
      {of_track([](TrackObservation& t) { t.quality = FaceQuality{-1, 0.9, 5, -3, 1, 120, 40, 0.1, 0.3}; }), "numbers"},
      {of_presence([](PresenceObservation& p) { p.reason = "all.is.well"; }), "a word"},
      {of_presence([](PresenceObservation& p) { p.track_label = "dog"; }), "a word"},
      {of_presence([](PresenceObservation& p) { p.score = 7; }), "numbers"},
      {of_track([](TrackObservation& t) { t.label = "face\nhall"; }), "a word"},
      {of_track([](TrackObservation& t) { t.end_reason = std::string(400, 'x'); }), "a word"},
      {of_track([](TrackObservation& t) { t.score = 1e300; }), "numbers"},
      {of_track([](TrackObservation& t) { t.box.x = -1e9; }), "numbers"},
      {of_track([](TrackObservation& t) { t.start_time = kNow + seconds(1); }), "begins after"},
      {of_track([](TrackObservation& t) { t.start_time = kNow - std::chrono::hours(30); }), "older than the worker"},
      {relay::SourceUp{"other", StreamRole::kMain, {}}, alien},
      {relay::SourceUp{"hall", StreamRole::kSub, {}}, "nobody opened"},
      {relay::SourceUp{"hall", StreamRole::kMain, {Codec::kH264, -5, 1080, 25, ""}}, "a format"},
      {relay::SourceConnected{"other", StreamRole::kMain}, alien},
      {relay::SourceEnded{"other", StreamRole::kMain, {ErrorKind::kUnauthorized, "no"}}, alien},
      {relay::SourceEnded{"hall", StreamRole::kSub, {ErrorKind::kUnauthorized, "no"}}, "nobody opened"},
      {counters("other"), alien},
      {relay::WorkerReport{1, false, {{"other", false, 9000}}, 0}, alien},
      {of_clip([](ClipRecord& r) { r.clip = content_id({"two"}); }), "nobody asked it for"},
      {of_clip([](ClipRecord& r) { r.source = "other"; }), alien},
      {of_clip([](ClipRecord& r) { r.facility = "yunshan"; }), alien},
      {of_clip([](ClipRecord& r) { r.parts = {"yunshan/2026/09/21/" + r.clip + ".mp4"}; }), "not of its clip"},
      {of_clip([](ClipRecord& r) { r.parts = {"fuxing/../../etc/passwd"}; }), "not of its clip"},
      {of_clip([](ClipRecord& r) { r.parts = {"/etc/kanhu/secrets/hall"}; }), "not of its clip"},
      {of_clip([](ClipRecord& r) { r.sha256 = {"short"}; }), "without their digests"},
      {of_clip([](ClipRecord& r) { r.reason = "a sentence\n"; }), "a word"},
      {of_clip([](ClipRecord& r) { r.to = WallTime::max(); }), "a time"},
      {of_clip([](ClipRecord& r) { r.from = WallTime(seconds(0)); }), "of another time"},
      {of_clip([](ClipRecord& r) { r.to = kNow + std::chrono::hours(24 * 365); }), "of another time"},
      {of_clip([](ClipRecord& r) { std::swap(r.from, r.to); }), "a time that cannot be"},
      {of_clip([](ClipRecord& r) { r.bytes = 9'223'372'036'854'775'807ULL; }), "numbers"},
      {of_clip([](ClipRecord& r) { r.status = ClipStatus::kPending; }), "without saying it"},
      {of_clip([](ClipRecord& r) { r.status = ClipStatus::kMissing; }), "without saying it"},
      {of_clip([](ClipRecord& r) { r.reason = "gap"; }), "without saying it"},
      {of_clip([](ClipRecord& r) { r.reason = "evil.reason"; }), "a word"},
      {of_clip([](ClipRecord& r) { r.reason = "no_answer"; }), "a word"},
      {of_clip([](ClipRecord& r) {
         r.parts.clear();
         r.sha256.clear();
       }),
       "without a file"},
      {of_counters([](relay::CameraReport& c) { c.keep_alive = std::string(30'000, '\x01'); }), "a word"},
      {relay::PicturePart{78, kNow, kNow, 64, 48, 4, 0, "jpeg"}, "nobody asked it for"},
      {relay::PictureFailed{78, {ErrorKind::kInternal, "no"}}, "nobody asked it for"},
      {relay::Drain{}, "only a gateway sends"},
      {relay::Release{"hall"}, "only a gateway sends"},
      {hall(), "only a gateway sends"},
      {relay::Setup{}, "only a gateway sends"},
  };
  for (const auto& [message, words] : forged) {
    Rig rig;
    const auto answer = rig.say(message);
    INFO(relay::encode(message));
    CHECK(answer.verdict == Verdict::kKill);
    CHECK(answer.why.find(words) != std::string::npos);
    INFO(answer.why);
    CHECK(answer.why.size() < 300);
  }
}

TEST_CASE("what a source of its kind cannot know ends the worker that says it") {
  struct Forged {
    relay::Assign assign;
    decltype(Observation::body) body;
    std::string words;
  };
  TrackObservation person = track();
  person.label = "person";
  const std::vector<Forged> forged = {
      {looking_by("none"), track(), "it follows nobody"},
      {sensing(SensorKind::kPir), track(), "it follows nobody"},
      {sensing(SensorKind::kContact), person, "it follows nobody"},
      {looking_by("blazeface"), person, "it does not look for"},
      {looking_by("thermal"), track(), "it does not look for"},
      {sensing(SensorKind::kThermalArray), track(), "it does not look for"},
      {looking_by("none"), presence("door", Presence::kPresent), "tells nothing of people"},
      {looking_by("none"), presence("door", Presence::kAbsent), "tells nothing of people"},
      {sensing(SensorKind::kContact), presence("door", Presence::kPresent), "tells nothing of people"},
      {sensing(SensorKind::kContact), presence("door", Presence::kUnknown), "tells nothing of people"},
      {looking_by("blazeface"), presence("door", Presence::kAbsent), "cannot know that nobody is there"},
      {looking_by("hog"), presence("door", Presence::kAbsent), "cannot know that nobody is there"},
      {sensing(SensorKind::kPir), presence("door", Presence::kAbsent), "cannot know that nobody is there"},
      {looking_by("thermal"), presence("", Presence::kAbsent), "none of its zones"},
      {looking_by("blazeface"), presence("", Presence::kPresent), "none of its zones"},
      {sensing(SensorKind::kPir), ContactObservation{true}, "it is no contact"},
      {sensing(SensorKind::kThermalArray), ContactObservation{true}, "it is no contact"},
      {looking_by("thermal"), ContactObservation{true}, "it is no sensor"},
      {sensing(SensorKind::kPir), ThermalObservation{}, "it shows no warmth"},
      {sensing(SensorKind::kContact), ThermalObservation{}, "it shows no warmth"},
      {looking_by("blazeface"), ThermalObservation{}, "it shows no warmth"},
      {looking_by("thermal"), FaceShotObservation{1, {}, {}, {0.5F}, kDigest}, "not to be compared"},
      {sensing(SensorKind::kPir), FaceShotObservation{1, {}, {}, {0.5F}, kDigest}, "not to be compared"},
  };
  for (const Forged& each : forged) {
    WorkerAdmission admission(3, false);
    admission.told(each.assign);
    admission.told(relay::Open{"hall", StreamRole::kMain});
    relay::Message message = relay::Observed{seen(each.body)};
    INFO(each.assign.camera.detector.name << ": " << relay::encode(message));
    const auto answer = admission.judge(message, 300, kMono, kNow);
    CHECK(answer.verdict == Verdict::kKill);
    CHECK(answer.why.find(each.words) != std::string::npos);
  }
}

}  // namespace
}  // namespace kanhu
