// SPDX-License-Identifier: MIT
// A facility or two, a sink that writes everything down, and short words for observations.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "pipelines/rules/event_types.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu::rules::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline WallTime at(double s) { return wall_from_microseconds(1'790'000'000'000'000 + static_cast<std::int64_t>(s * 1e6)); }

inline CameraConfig camera(const std::string& id, std::vector<std::string> clips = {}) {
  CameraConfig made;
  made.id = id;
  made.name = "Camera " + id;
  made.main = StreamConfig{"rtsp://192.0.2.1/main", "", Transport::kTcp};
  made.record = StreamRole::kMain;
  made.detector.name = "thermal";  // may say absent
  made.zones = {ZoneView{"hall", {}}};
  made.clips.on = std::move(clips);
  return made;
}

// One that looks for faces: it may never say absent.
inline CameraConfig face_camera(const std::string& id) {
  CameraConfig made = camera(id);
  made.detector.name = "blazeface";
  return made;
}

inline FacilityConfig facility(const std::string& id, std::vector<CameraConfig> cameras) {
  FacilityConfig made;
  made.id = id;
  made.name = "\u9f99\u6eaa\u793e\u533a\u517b\u8001\u670d\u52a1\u7ad9";
  made.facility_class = "community_station";
  made.time_zone = "Asia/Shanghai";
  made.zones = {ZoneConfig{"hall", "Hall", "entrance", false}};
  made.cameras = std::move(cameras);
  return made;
}

inline ConfigPtr config(std::vector<FacilityConfig> facilities) {
  auto made = std::make_shared<Config>();
  made->gateway.id = "gw1";
  made->facilities = std::move(facilities);
  made->digest = to_hex(sha256("config"));
  return made;
}

class Record final : public RulesSink {
 public:
  void emit(EventDraft draft) override { events.push_back(std::move(draft)); }
  void request_clip(ClipRequest request) override {
    requests.push_back(std::move(request));
    events_before_request.push_back(events.size());
  }
  void keep_series(ThermalSeries one) override { series.push_back(std::move(one)); }
  std::vector<std::string> types() const {
    std::vector<std::string> types;
    for (const EventDraft& each : events) types.push_back(each.type + "/" + to_string(each.phase));
    return types;
  }
  int count(const std::string& type) const {
    int n = 0;
    for (const EventDraft& each : events) n += each.type == type ? 1 : 0;
    return n;
  }
  const EventDraft& last(const std::string& type) const {
    for (auto it = events.rbegin(); it != events.rend(); ++it) {
      if (it->type == type) return *it;
    }
    throw std::runtime_error("no event " + type);
  }
  std::vector<EventDraft> events;
  std::vector<ClipRequest> requests;
  std::vector<ThermalSeries> series;
  std::vector<std::size_t> events_before_request;
};

inline std::vector<std::string> bodies(const Record& record) {
  std::vector<std::string> bodies;
  std::uint64_t seq = 0;
  for (const EventDraft& draft : record.events) {
    EventId id{std::string(32, 'a'), ++seq, seq};
    bodies.push_back(event_body(draft, id, "gw1", Provenance{to_hex(sha256("config")), to_hex(sha256("models")), "", "0.1.0+x86-64-v3"}));
  }
  return bodies;
}

// The rules and the cameras that talk to them; each camera counts its own ordinals.
class Bench {
 public:
  explicit Bench(ConfigPtr made) : rules(made, record) {}

  void see(const std::string& source, double s, decltype(Observation::body) body) {
    Observation observation;
    observation.source = source;
    observation.run = runs.count(source) != 0 ? runs[source] : "run-" + source;
    observation.time = at(s);
    observation.pts = MediaTime(milliseconds(static_cast<std::int64_t>(s * 1000)));
    observation.ordinal = ordinals[source + observation.run]++;
    const bool sees = std::holds_alternative<TrackObservation>(body) || std::holds_alternative<PresenceObservation>(body);
    if (sees) observation.models = to_hex(sha256("models"));
    observation.body = std::move(body);
    if (adjust) adjust(observation);
    rules.observe(observation);
  }
  static HealthObservation health(Truth connected, Truth packets, Truth decodable, Truth picture = Truth::kTrue) {
    HealthObservation made;
    made.facts = {connected, packets, picture, decodable, Truth::kTrue};
    return made;
  }
  void up(const std::string& source, double s) { see(source, s, health(Truth::kTrue, Truth::kTrue, Truth::kTrue)); }
  void down(const std::string& source, double s, ErrorKind kind = ErrorKind::kStalled, const std::string& words = "no packets for 8 s") {
    HealthObservation made = health(Truth::kFalse, Truth::kFalse, Truth::kUnknown, Truth::kUnknown);
    made.error = kind;
    made.cause = words;
    made.last_packet = at(s - 8);
    see(source, s, made);
  }
  void face(const std::string& source, double s, Phase phase, std::uint64_t id, double score = 0.7, const std::string& zone = "hall") {
    TrackObservation track;
    track.phase = phase;
    track.id = id;
    track.label = "face";
    track.box = {0.1, 0.2, 0.1, 0.15};
    track.score = score;
    track.threshold = 0.6;
    track.zone = zone;
    track.start_pts = MediaTime(seconds(static_cast<std::int64_t>(id)));
    track.quality = FaceQuality{24, 0.8, 5, -3, 1, 120, 40, 0.1, score / 2};
    if (phase == Phase::kEnd) track.end_reason = "left";
    see(source, s, track);
  }
  void identity(const std::string& source, double s, std::uint64_t track, IdentityDecision decision) {
    IdentityObservation said{track, decision, "", "", 0.81, 0.74, 0.12, 3, 7, to_hex(sha256("gallery")), to_hex(sha256("ledger"))};
    if (decision == IdentityDecision::kUncertain) said.reason = "ambiguous";
    if (decision == IdentityDecision::kRecognized) said.person_ref = std::string(26, 'k');
    see(source, s, said);
  }
  void presence(const std::string& source, double s, Presence state, int count = 0, const std::string& reason = "") {
    PresenceObservation seen;
    seen.zone = "hall";
    seen.state = state;
    seen.reason = reason;
    seen.count = count;
    seen.score = state == Presence::kPresent ? 0.8 : 0;
    seen.threshold = 0.6;
    seen.coverage = 0.95;
    seen.track_label = "person";
    see(source, s, seen);
  }
  // Ticks of all `sources` and of the gateway, second by second, up to and with `to`.
  void run_until(const std::vector<std::string>& sources, double from, double to) {
    for (double s = from; s <= to; s += 1) {
      for (const std::string& source : sources) see(source, s, TickObservation{});
      rules.advance(at(s));
    }
  }

  std::function<void(Observation&)> adjust;  // of each observation, before it is seen
  Record record;
  Rules rules;
  std::map<std::string, std::string> runs;
  std::map<std::string, std::uint64_t> ordinals;
};

// What `state` says of the presence that `source` tells; "-" is the zone itself.
inline Json presence_of(const Bench& bench, const std::string& source) {
  const Json state = bench.rules.state();
  for (const Json& each : state["presences"])
    if (each["source"] == source) return each;
  return {};
}

using Types = std::vector<std::string>;

}  // namespace kanhu::rules::test
