// SPDX-License-Identifier: MIT
// What the gateway takes from a worker, message by message: honest ones stay, whatever was on its way; forged ones end them.
#include "daemon/supervise/worker_admission.hpp"

#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/unit/daemon/supervise/worker_admission_rig.hpp"

namespace kanhu {
namespace {

using namespace admission;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("what an honest worker says of its own camera is taken") {
  Rig rig;
  CHECK(rig.says(relay::Hello{}) == Verdict::kTake);
  CHECK(rig.says(relay::SourceConnected{"hall", StreamRole::kMain}) == Verdict::kTake);
  CHECK(rig.says(relay::SourceUp{"hall", StreamRole::kMain, {Codec::kH264, 1920, 1080, 25, ""}}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen()}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen(HealthObservation{})}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen(track())}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen(track(Phase::kEnd))}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen(presence("door"))}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen(FaceShotObservation{1, {}, {}, {0.5F}, kDigest})}) == Verdict::kTake);
  CHECK(rig.says(counters("hall")) == Verdict::kTake);
  CHECK(rig.says(relay::WorkerReport{1, false, {{"hall", false, 1200}}, 0}) == Verdict::kTake);
  CHECK(rig.says(relay::ClipDone{record_of_hall()}) == Verdict::kTake);
  CHECK(rig.says(relay::PicturePart{77, kNow, kNow, 64, 48, 4, 0, "jpeg"}) == Verdict::kTake);
  CHECK(rig.says(relay::LogLine{1, "ingest", "all is well"}) == Verdict::kTake);
  CHECK(rig.says(relay::SourceEnded{"hall", StreamRole::kMain, {ErrorKind::kStalled, "no packets"}}) == Verdict::kTake);
}

TEST_CASE("what was on its way when a camera was taken away is left out, and does not end the worker") {
  Rig rig;
  CHECK(rig.says(relay::Observed{seen(presence("door"))}) == Verdict::kTake);
  rig.admission.told(relay::Release{"hall"});
  CHECK(rig.says(relay::Observed{seen(presence("door"))}) == Verdict::kLeaveOut);
  CHECK(rig.says(counters("hall")) == Verdict::kLeaveOut);
  CHECK(rig.says(relay::SourceEnded{"hall", StreamRole::kMain, {ErrorKind::kClosed, "stopped"}}) == Verdict::kLeaveOut);
  // Its clip is closed after it.
  CHECK(rig.says(relay::ClipDone{record_of_hall()}) == Verdict::kTake);

  // Assigned again, with other zones: the old session's last words are about the old ones.
  relay::Assign again = hall();
  again.camera.zones = {{"window", {}}};
  again.camera.faces.recognize = false;
  rig.admission.told(again);
  CHECK(rig.says(relay::Observed{seen(presence("door"))}) == Verdict::kLeaveOut);
  CHECK(rig.says(relay::Observed{seen(FaceShotObservation{1, {}, {}, {0.5F}, kDigest})}) == Verdict::kLeaveOut);
  CHECK(rig.says(relay::Observed{seen(presence("window"))}) == Verdict::kLeaveOut);  // of the old run
  rig.admission.told(relay::Open{"hall", StreamRole::kMain});
  Observation fresh = seen(presence("window"));
  fresh.run = std::string(32, 'b');
  CHECK(rig.says(relay::Observed{fresh}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen(presence("attic"))}) == Verdict::kKill);
}

TEST_CASE("each kind of source may say what it can know") {
  const auto taken = [](const relay::Assign& assign, const decltype(Observation::body)& body) {
    Rig rig;
    rig.admission.told(assign);
    rig.admission.told(relay::Open{"hall", StreamRole::kMain});
    return rig.says(relay::Observed{seen(body)}) == Verdict::kTake;
  };
  TrackObservation person = track();
  person.label = "person";
  TrackObservation nowhere = track();
  nowhere.zone.clear();  // in none of the zones
  for (const char* name : {"blazeface", "yunet", "hog"}) {
    CHECK(taken(looking_by(name), track()));
    CHECK(taken(looking_by(name), nowhere));
    CHECK(taken(looking_by(name), presence("door", Presence::kPresent)));
    CHECK(taken(looking_by(name), presence("door", Presence::kUnknown)));
    CHECK(taken(looking_by(name), FaceShotObservation{1, {}, {}, {0.5F}, kDigest}));
  }
  for (const char* name : {"thermal", "thermal-blob"}) {
    CHECK(taken(looking_by(name), person));
    CHECK(taken(looking_by(name), presence("door", Presence::kAbsent)));
    CHECK(taken(looking_by(name), ThermalObservation{}));
  }
  // A camera that looks for nobody says so.
  CHECK(taken(looking_by("none"), presence("door", Presence::kUnknown)));
  CHECK(taken(sensing(SensorKind::kThermalArray), person));
  CHECK(taken(sensing(SensorKind::kThermalArray), presence("door", Presence::kAbsent)));
  CHECK(taken(sensing(SensorKind::kThermalArray), ThermalObservation{}));
  CHECK(taken(sensing(SensorKind::kPir), presence("door", Presence::kPresent)));
  CHECK(taken(sensing(SensorKind::kPir), presence("door", Presence::kUnknown)));
  CHECK(taken(sensing(SensorKind::kContact), ContactObservation{true}));
  relay::Assign without_zones = looking_by("thermal");
  without_zones.camera.zones.clear();
  CHECK(taken(without_zones, presence("", Presence::kAbsent)));
}

TEST_CASE("a session that was opened once begins one run and ends once") {
  Rig rig;
  CHECK(rig.says(relay::Observed{seen()}) == Verdict::kTake);
  Observation made_up = seen();
  made_up.run = std::string(32, 'c');
  CHECK(rig.says(relay::Observed{made_up}) == Verdict::kKill);
  CHECK(rig.says(relay::SourceEnded{"hall", StreamRole::kMain, {ErrorKind::kUnauthorized, "401"}}) == Verdict::kTake);
  CHECK(rig.says(relay::SourceEnded{"hall", StreamRole::kMain, {ErrorKind::kUnauthorized, "401"}}) == Verdict::kKill);
}

TEST_CASE("no line of a worker passes for another's, breaks a line or grows") {
  Rig rig;
  CHECK(rig.says(relay::LogLine{9, "control\n2026-01-01 info gateway", "one\ntwo\x1b[2K\xe2\x80\xae" + std::string(9000, 'x')}) ==
        Verdict::kTake);
  const auto& line = std::get<relay::LogLine>(rig.last);
  CHECK(line.area == "worker");
  CHECK(line.text.rfind("worker 3: one two ", 0) == 0);
  CHECK(line.text.find_first_of("\n\r\x1b") == std::string::npos);
  CHECK(line.text.size() < 1100);
  CHECK(line.level <= 3);
  CHECK(rig.says(relay::LogLine{1, "gateway", "draining"}) == Verdict::kTake);
  CHECK(std::get<relay::LogLine>(rig.last).area == "worker");
}

TEST_CASE("log lines beyond their bound are left out and counted, in one line a minute") {
  Rig rig;
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) taken += rig.says(relay::LogLine{2, "ingest", std::string(900, 'x')}) == Verdict::kTake ? 1 : 0;
  CHECK(taken > 20);
  CHECK(taken <= 200);
  const auto notice = rig.admission.left_out(kMono);
  REQUIRE(notice);
  CHECK(notice->find(std::to_string(10'000 - taken) + " log lines were left out") != std::string::npos);
  CHECK_FALSE(rig.admission.left_out(kMono + seconds(1)));
  // A megabyte an hour, whatever it writes.
  std::size_t bytes = 0;
  for (int i = 0; i < 36'000; ++i) {
    if (rig.say(relay::LogLine{2, "ingest", std::string(900, 'x')}, kMono + milliseconds(100 * i)).verdict == Verdict::kTake) bytes += 918;
  }
  CHECK(bytes < 1'100'000);
}

TEST_CASE("floods of anything else end the worker, an honest crowd does not") {
  SECTION("observations") {
    Rig rig;
    Verdict last = Verdict::kTake;
    for (int i = 0; i < 20'000 && last == Verdict::kTake; ++i) last = rig.says(relay::Observed{seen()});
    CHECK(last == Verdict::kKill);
  }
  SECTION("bytes of observations") {
    Rig rig;
    Verdict last = Verdict::kTake;
    for (int i = 0; i < 1000 && last == Verdict::kTake; ++i) last = rig.say(relay::Observed{seen()}, kMono, kNow, 60'000).verdict;
    CHECK(last == Verdict::kKill);
  }
  SECTION("counters, reports, garbage and pictures") {
    Rig rig;
    Verdict stats = Verdict::kTake, beats = Verdict::kTake, garbage = Verdict::kLeaveOut, picture = Verdict::kTake;
    for (int i = 0; i < 500; ++i) {
      if (stats == Verdict::kTake) stats = rig.says(counters("hall"));
      if (beats == Verdict::kTake) beats = rig.says(relay::WorkerReport{});
      if (garbage == Verdict::kLeaveOut) garbage = rig.admission.garbled(kMono).verdict;
      if (picture == Verdict::kTake) picture = rig.says(relay::PicturePart{77, kNow, kNow, 64, 48, 1u << 30, 0, std::string(45'000, 'j')});
    }
    CHECK(stats == Verdict::kKill);
    CHECK(beats == Verdict::kKill);
    CHECK(garbage == Verdict::kKill);
    CHECK(picture == Verdict::kKill);
  }
  SECTION("256 people, told once a second for ten minutes, with shots of their faces") {
    Rig rig;
    for (std::uint64_t id = 1; id <= 256; ++id) REQUIRE(rig.says(relay::Observed{seen(track(Phase::kStart, id))}) == Verdict::kTake);
    Verdict last = Verdict::kTake;
    for (int s = 1; s <= 600 && last == Verdict::kTake; ++s) {
      for (std::uint64_t id = 1; id <= 256 && last == Verdict::kTake; ++id) {
        Observation observation = seen(track(Phase::kUpdate, id));
        observation.time = kNow + seconds(s);
        last = rig.say(relay::Observed{observation}, kMono + seconds(s), kNow + seconds(s), 700).verdict;
      }
      for (int shot = 0; shot < 30 && last == Verdict::kTake; ++shot) {
        Observation observation = seen(FaceShotObservation{1, {}, {}, {0.5F}, kDigest});
        observation.time = kNow + seconds(s);
        last = rig.say(relay::Observed{observation}, kMono + seconds(s), kNow + seconds(s), 6000).verdict;
      }
    }
    CHECK(last == Verdict::kTake);
  }
}

TEST_CASE("people who come in faster than people do are left out from start to end, and do not end the worker") {
  Rig rig;
  int begun = 0, ended = 0;
  for (int i = 0; i < 1039; ++i) {
    const MonoTime now = kMono + milliseconds(4 * i);
    const auto id = static_cast<std::uint64_t>(i + 1);
    const auto start = rig.say(relay::Observed{seen(track(Phase::kStart, id))}, now, kNow + milliseconds(4 * i)).verdict;
    const auto update = rig.say(relay::Observed{seen(track(Phase::kUpdate, id))}, now, kNow + milliseconds(4 * i)).verdict;
    const auto end = rig.say(relay::Observed{seen(track(Phase::kEnd, id))}, now, kNow + milliseconds(4 * i)).verdict;
    REQUIRE(start != Verdict::kKill);
    CHECK(update == start);
    CHECK(end == start);
    begun += start == Verdict::kTake ? 1 : 0;
    ended += end == Verdict::kTake ? 1 : 0;
  }
  CHECK(begun == ended);
  CHECK(begun >= 600);
  CHECK(begun < 700);
  const auto notice = rig.admission.left_out(kMono + seconds(5));
  REQUIRE(notice);
  CHECK(notice->find(std::to_string(1039 - begun) + " people or faces were left out") != std::string::npos);
}

TEST_CASE("a clip is answered as often as it was asked for, and a flood of answers ends the worker") {
  Rig rig;
  // Asked again to move its end, and once more after it was closed.
  for (int i = 1; i <= 2; ++i) {
    ClipRequest later = clip_of_hall();
    later.to += std::chrono::hours(i);
    rig.admission.told(relay::AskClip{later});
  }
  ClipRecord record = record_of_hall();
  record.to = kNow + std::chrono::hours(2);
  for (int i = 0; i < 3; ++i) CHECK(rig.says(relay::ClipDone{record}) == Verdict::kTake);
  Verdict last = Verdict::kTake;
  int more = 0;
  for (; more < 3000 && last != Verdict::kKill; ++more) last = rig.says(relay::ClipDone{record});
  CHECK(last == Verdict::kKill);
  CHECK(more <= 2);
}

TEST_CASE("what a recorder says of clips it has or has not is taken") {
  const auto taken = [](ClipStatus status, const std::string& reason, bool file, WallTime from, WallTime to) {
    Rig rig;
    ClipRecord record = record_of_hall();
    record.status = status;
    record.reason = reason;
    record.from = from;
    record.to = to;
    if (!file) {
      record.parts.clear();
      record.sha256.clear();
    }
    return rig.says(relay::ClipDone{record}) == Verdict::kTake;
  };
  for (const char* reason : {"no_packets", "request_too_late", "invalid_request", "disk_full", "io_error", "not_muxable", "camera_lost",
                             "ring_overflow", "recorder_closed", "gateway_restarted"})
    CHECK(taken(ClipStatus::kMissing, reason, false, kNow, kNow));
  CHECK(taken(ClipStatus::kMissing, "not_recorded", false, WallTime{}, WallTime{}));
  CHECK(taken(ClipStatus::kPartial, "newer_format", false, kNow, kNow));
  for (const char* reason : {"camera_lost", "camera_connected_late", "pre_roll_missing", "ring_overflow", "queue_overflow", "gap",
                             "disk_full", "io_error", "not_muxable", "recorder_closed", "gateway_restarted"})
    CHECK(taken(ClipStatus::kPartial, reason, true, kNow - seconds(8), kNow + seconds(4)));
  // Longer than asked by a group of pictures.
  CHECK(taken(ClipStatus::kComplete, "", true, kNow - seconds(30), kNow + seconds(40)));
}

TEST_CASE("what detectors, streams and sensors say of themselves is taken word by word") {
  Rig rig;
  for (const char* reason : {"", "starting", "camera_offline", "frozen", "dark", "not_analysed", "detector_failed", "no_face", "no_motion",
                             "too_warm", "lost_sight", "not_yet_clear", "stuck", "unreadable", "no_contrast", "low_contrast",
                             "scene_changed", "palette_unknown", "polarity_unknown"}) {
    PresenceObservation unknown = presence("door", Presence::kUnknown);
    unknown.reason = reason;
    CHECK(rig.says(relay::Observed{seen(unknown)}) == Verdict::kTake);
  }
  std::uint64_t id = 0;
  for (const char* reason : {"left", "closed", "camera_lost", "camera_frozen", "camera_dark", "not_analysed", "detector_failed", "stuck"}) {
    CHECK(rig.says(relay::Observed{seen(track(Phase::kStart, ++id))}) == Verdict::kTake);
    TrackObservation end = track(Phase::kEnd, id);
    end.end_reason = reason;
    end.quality = FaceQuality{3000, 1, -89, 89, 180, 255, 120, 1, 1};
    CHECK(rig.says(relay::Observed{seen(end)}) == Verdict::kTake);
  }
  for (const char* keep_alive : {"", "get_parameter", "options", "refused"}) {
    relay::CameraReport stats = counters("hall");
    stats.keep_alive = keep_alive;
    CHECK(rig.says(stats) == Verdict::kTake);
  }
  // A camera whose clock woke up years ago, and one that was heard last week.
  Observation early = seen();
  early.clock_offset = -std::chrono::hours(24 * 365 * 6);
  early.arrived = kNow;
  CHECK(rig.says(relay::Observed{early}) == Verdict::kTake);
  HealthObservation lost;
  lost.last_packet = kNow - std::chrono::hours(24 * 7);
  CHECK(rig.says(relay::Observed{seen(lost)}) == Verdict::kTake);
}

TEST_CASE("texts a camera may have had a hand in are cut and made one line, not held against the worker") {
  Rig rig;
  HealthObservation health;
  health.cause = "it said: \r\n\x07" + std::string(50'000, 'x');
  CHECK(rig.says(relay::Observed{seen(health)}) == Verdict::kTake);
  const auto& taken = std::get<HealthObservation>(std::get<relay::Observed>(rig.last).observation.body);
  CHECK(taken.cause.size() <= 400);
  CHECK(taken.cause.find('\n') == std::string::npos);
  CHECK(rig.says(relay::SourceEnded{"hall", StreamRole::kMain, {ErrorKind::kCorrupt, std::string(50'000, '\n')}}) == Verdict::kTake);
  CHECK(std::get<relay::SourceEnded>(rig.last).why.message.size() <= 400);
}

TEST_CASE("a wall clock that is stepped while a worker lives is not held against it") {
  Rig rig;
  CHECK(rig.say(relay::Observed{seen()}, kMono, kNow).verdict == Verdict::kTake);
  // Back by an hour: the run's time stays where it was until the clock has caught up.
  CHECK(rig.say(relay::Observed{seen()}, kMono + seconds(5), kNow - seconds(3595)).verdict == Verdict::kTake);
  CHECK(rig.say(relay::Observed{seen()}, kMono + seconds(1800), kNow - seconds(1800)).verdict == Verdict::kTake);
  // And forth by a day: what was captured just before is a day old.
  CHECK(rig.say(relay::Observed{seen()}, kMono + seconds(1810), kNow + std::chrono::hours(24)).verdict == Verdict::kTake);
}

TEST_CASE("in replay neither speed nor the recording's own times are judged, cameras and zones are") {
  Rig rig(true);
  Observation old = seen();
  old.time = WallTime(seconds(1'000'000'000));
  old.clock = ClockSource::kFile;
  for (int i = 0; i < 20'000; ++i) REQUIRE(rig.says(relay::Observed{old}) == Verdict::kTake);
  CHECK(rig.says(relay::Observed{seen(presence("kitchen"))}) == Verdict::kKill);
}

}  // namespace
}  // namespace kanhu
