// SPDX-License-Identifier: MIT
#include "pipelines/analyze/source_analyzer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/log.hpp"
#include "config/detectors.hpp"
#include "pipelines/analyze/face_watch.hpp"
#include "pipelines/analyze/geometry.hpp"
#include "pipelines/analyze/health_facts.hpp"
#include "pipelines/analyze/ignore_mask.hpp"
#include "pipelines/analyze/picture_watch.hpp"
#include "pipelines/analyze/presence.hpp"
#include "pipelines/analyze/time_line.hpp"
#include "pipelines/analyze/tracker.hpp"

namespace kanhu::analyze {
namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kSecond = std::chrono::seconds(1);
constexpr nanoseconds kNotAnalysedAfter = std::chrono::seconds(5);
// A thermal camera's flat-field correction blinds it for about 0.9 s every few minutes; that is held, not reported.
constexpr nanoseconds kBlindAfter = std::chrono::seconds(1);
constexpr std::size_t kMostDetections = 256;  // of one picture; the best ones

constexpr const char* kOffline = "camera_offline";
constexpr const char* kFrozen = "frozen";
constexpr const char* kDark = "dark";
constexpr const char* kNotAnalysed = "not_analysed";
constexpr const char* kDetectorFailed = "detector_failed";

std::string end_reason(const std::string& unknown) {
  if (unknown == kOffline) return "camera_lost";
  if (unknown == kFrozen) return "camera_frozen";
  if (unknown == kDark) return "camera_dark";
  return unknown;
}

// `sized`: the detector has judged sizes itself, in metres.
bool counts(const Detection& detection, const DetectorConfig& config, const ImageView& image, bool sized) {
  const Box& box = detection.box;
  if (!std::isfinite(box.x + box.y + box.width + box.height + detection.score) || box.width <= 0 || box.height <= 0) return false;
  const double width = box.width * image.width;
  const double side = detection.label == "face" ? width : std::max(width, box.height * image.height);
  return detection.score >= config.score_min && (sized || side >= config.smallest_px - 0.01);  // fractions lose the last bit of a pixel
}

// From the ceiling somebody's box has its middle where he stands.
bool looks_from_above(const CameraConfig& camera) {
  return knows_mount(camera.detector.name) && (camera.sensor || camera.detector.mount.height_m > 0) &&
         camera.detector.mount.tilt_degrees < 45;
}

}  // namespace

struct SourceAnalyzer::State {
  State(const CameraConfig& camera_config, ObservationSink& observation_sink)
      : camera(camera_config),
        sink(observation_sink),
        mask(camera.ignore),
        picture(camera.health),
        tracker(camera.detector.frames_per_second),
        faces(camera.faces),
        health(camera.health) {
    if (camera.detector.frames_per_second > 0)
      silence =
          std::max(silence, std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>(3 / camera.detector.frames_per_second)));
    std::vector<std::string> names;
    for (const ZoneView& view : camera.zones)
      if (std::find(names.begin(), names.end(), view.zone) == names.end()) names.push_back(view.zone);
    if (names.empty()) names.emplace_back();
    for (std::string& name : names)
      zones.push_back({name, ZonePresence(name, camera.presence, camera.detector.frames_per_second, silence_of(camera))});
  }

  struct Zone {
    std::string name;
    ZonePresence presence;
  };

  const CameraConfig camera;
  const bool from_above = looks_from_above(camera);
  ObservationSink& sink;
  IgnoreMask mask;
  PictureWatch picture;
  Tracker tracker;
  FaceWatch faces;
  TimeLine line;
  HealthFacts health;
  Coverage coverage;
  std::vector<Zone> zones;
  AnalyzerStats stats;
  std::optional<ThermalObservation> thermal;  // of the last frame, until it is said
  std::optional<MediaTime> thermal_said;

  bool active = false;
  bool warming = true;         // as of the last frame: a tick alone shows nobody
  bool detector_down = false;  // already logged
  std::string run;
  std::uint64_t ordinal = 0;
  std::uint64_t next_track = 1;
  MediaTime now{};
  MonoTime arrival{};
  std::optional<MediaTime> first_frame;
  std::optional<MediaTime> last_frame;
  std::optional<MediaTime> blind_since;
  std::unique_ptr<models::DetectorState> detector_state;
  std::string models;
  std::string unknown;  // why the source cannot see now
  nanoseconds silence = kNotAnalysedAfter;

  bool incident() const {
    return !tracker.tracks().empty() || std::any_of(zones.begin(), zones.end(), [](const Zone& zone) { return zone.presence.present(); });
  }

  template <typename Body>
  void say(Body body, bool from_models) {
    Observation observation;
    observation.source = camera.id;
    observation.run = run;
    observation.time = line.now();
    observation.clock = line.clock();
    observation.clock_offset = line.offset();
    observation.clock_uncertainty = line.uncertainty();
    if (line.arrived() != WallTime{}) observation.arrived = line.arrived();
    observation.pts = now;
    observation.ordinal = ordinal++;
    observation.arrival = arrival;
    if (from_models) observation.models = models;
    observation.body = std::move(body);
    sink.observe(std::move(observation));
  }

  void say_track(const Track& track, Phase phase, const std::string& reason = {}) {
    TrackObservation body;
    body.phase = phase;
    body.id = track.id;
    body.label = track.label;
    body.box = track.box;
    body.score = track.best_score;
    body.threshold = camera.detector.score_min;
    body.zone = track.zone;
    body.start_pts = track.first_pts;
    body.start_time = track.first_time;
    body.end_reason = reason;
    body.quality = track.face.best;
    body.is_static = track.face.is_static;
    say(std::move(body), true);
  }

  void say_health() {
    if (auto report = health.report()) say(std::move(*report), false);
  }

  void end_tracks(const std::string& reason) {
    for (const Track& track : tracker.clear())
      if (track.id != 0) say_track(track, Phase::kEnd, reason);
  }

  // What led to a change is told before it.
  void say_thermal(bool at_once) {
    if (!thermal || (!at_once && thermal_said && now - *thermal_said < kSecond)) return;
    thermal_said = now;
    say(*std::exchange(thermal, std::nullopt), true);
  }

  void say_presence() {
    for (Zone& zone : zones) {
      auto report = zone.presence.report(now, {unknown, warming});
      if (!report) continue;
      say_thermal(true);
      report->threshold = camera.detector.score_min;
      report->coverage = coverage.share();
      say(std::move(*report), true);
    }
  }

  // The source cannot see any more, and why; nothing is concluded from what it did not show.
  void lose_sight(const std::string& why) {
    unknown = why;
    end_tracks(end_reason(why));
  }

  bool accept(const Frame& frame);
  std::optional<models::DetectionResult> ask(const ImageView& image, MediaTime pts, models::Detector& detector);
  void analyse(const Frame& frame, models::Detector* detector, models::FaceEmbedder* embedder, const std::string& why_none);
  void judge(const std::vector<Detection>& detections, const ImageView& image, models::FaceEmbedder* embedder);
  std::vector<Detection> gate(std::vector<Detection> found, const ImageView& image, bool sized);
  ZoneEvidence evidence(const Zone& zone) const;
};

// Frames of an older run and pictures out of order are not of this time line.
bool SourceAnalyzer::State::accept(const Frame& frame) {
  if (!active || frame.run != run || (last_frame && frame.pts <= *last_frame)) return false;
  if (!first_frame) first_frame = frame.pts;
  now = frame.pts;
  arrival = frame.arrival;
  const WallTime before = line.now();
  const bool knew_time = before != WallTime{};
  line.observe(frame.captured, incident());
  if (last_frame)
    coverage.add(frame.pts - *last_frame, unknown.empty() && frame.pts - *last_frame < silence);
  else if (knew_time)
    coverage.add(line.now() - before, false);
  health.frame_arrived(line.now());
  return true;
}

std::optional<models::DetectionResult> SourceAnalyzer::State::ask(const ImageView& image, MediaTime pts, models::Detector& detector) {
  std::string fault;
  try {
    models = detector.info().digest;
    if (!detector_state) detector_state = detector.make_state();
    auto result = detector.detect(image, pts, *detector_state);
    detector_down = false;
    return result;
  } catch (const std::exception& error) {
    fault = error.what();
  } catch (...) {
    fault = "unknown exception";
  }
  detector_state.reset();  // whatever it was left in
  if (!detector_down) log::error("analyze", "{}: the detector failed: {}", camera.id, fault);
  detector_down = true;
  return std::nullopt;
}

std::vector<Detection> SourceAnalyzer::State::gate(std::vector<Detection> found, const ImageView& image, bool sized) {
  std::erase_if(found, [&](const Detection& detection) { return !counts(detection, camera.detector, image, sized); });
  if (found.size() > kMostDetections) found.resize(kMostDetections);  // they come by falling score
  stats.detections += found.size();
  return found;
}

void SourceAnalyzer::State::analyse(const Frame& frame, models::Detector* detector, models::FaceEmbedder* embedder,
                                    const std::string& why_none) {
  if (!accept(frame)) return;
  ++stats.frames_analysed;
  warming = now - *first_frame < camera.presence.warm_up;
  ImageView image = mask.apply(frame.image());
  image.calibrating = frame.calibrating;
  const PictureWatch::Verdict verdict = picture.look(image, mask, now);
  health.picture(verdict.changing, verdict.dark);

  std::string blocked = verdict.dark ? kDark : verdict.frozen() ? kFrozen : "";
  std::optional<models::DetectionResult> result;
  if (detector == nullptr) {
    blocked = why_none.empty() ? kNotAnalysed : kDetectorFailed;
    health.not_analysed(why_none.empty() ? "no detector is configured" : why_none);
  } else {
    // Asked also about a frozen or dark picture, so that a detector's background does not grow old; its answer does not count then.
    result = ask(image, now, *detector);
    if (result)
      health.analysed();
    else
      health.not_analysed("the detector failed");
    if (!result) blocked = kDetectorFailed;
  }
  say_health();

  const bool blind = result && !result->blind.empty();
  if (!blind) blind_since.reset();
  if (blind && !blind_since) blind_since = now;
  if (blocked.empty() && blind && (now - *blind_since >= kBlindAfter || !unknown.empty())) blocked = result->blind;

  last_frame = frame.pts;
  if (!blocked.empty()) {
    lose_sight(blocked);
  } else {
    unknown.clear();
    // A picture going dark shows nobody long before it counts as dark: nothing may be concluded from it.
    if (!blind && !verdict.dim)
      judge(gate(std::move(result->detections), image, result->thermal.has_value()), image, embedder);
    else
      for (Zone& zone : zones) zone.presence.hold();
  }
  if (result && result->thermal) thermal = std::move(result->thermal);
  say_presence();
  say_thermal(false);
}

ZoneEvidence SourceAnalyzer::State::evidence(const Zone& zone) const {
  ZoneEvidence evidence;
  for (const Track& track : tracker.tracks()) {
    if (track.face.is_static) continue;  // a portrait is nobody's presence
    if (!zone.name.empty()) {
      const Point foot = foot_point(track.box, track.label, from_above);
      const auto holds = [&](const ZoneView& view) { return view.zone == zone.name && contains(view.polygon, foot); };
      if (std::none_of(camera.zones.begin(), camera.zones.end(), holds)) continue;
    }
    if (track.confirmed && now - track.last_pts <= kSecond) ++evidence.count;
    if (!track.seen) continue;
    evidence.seen = true;
    if (track.score <= evidence.score) continue;
    evidence.score = track.score;
    evidence.label = track.label;
  }
  return evidence;
}

void SourceAnalyzer::State::judge(const std::vector<Detection>& detections, const ImageView& image, models::FaceEmbedder* embedder) {
  for (const Track& track : tracker.update(detections, now, line.now())) {
    faces.forget(track, now);
    if (track.id != 0) say_track(track, Phase::kEnd, "left");
  }
  const std::vector<std::size_t> turned = faces.measure(image, tracker.tracks(), now);
  for (std::size_t i = 0; i < tracker.tracks().size(); ++i) {
    Track& track = tracker.tracks()[i];
    if (track.seen) track.zone = zone_of(camera.zones, foot_point(track.box, track.label, from_above));
    if (track.confirmed && track.id == 0 && !warming && track.seen) {
      track.id = next_track++;
      track.reported_pts = now;
      ++stats.tracks_started;
      say_track(track, Phase::kStart);
    } else if (track.id != 0 && track.seen &&
               (now - track.reported_pts >= kSecond || std::find(turned.begin(), turned.end(), i) != turned.end())) {
      track.reported_pts = now;
      say_track(track, Phase::kUpdate);
    }
  }
  for (FaceShotObservation& shot : faces.shots(image, tracker.tracks(), now, embedder)) say(std::move(shot), true);
  stats.faces_compared = faces.compared();
  stats.faces_shed = faces.shed();
  for (Zone& zone : zones) zone.presence.see(now, evidence(zone));
}

SourceAnalyzer::SourceAnalyzer(const CameraConfig& camera, ObservationSink& sink) : state_(std::make_unique<State>(camera, sink)) {}
SourceAnalyzer::~SourceAnalyzer() = default;

void SourceAnalyzer::begin_run(const std::string& run) {
  State& state = *state_;
  if (state.active) end_run({ErrorKind::kClosed, "another run begins"});
  state.active = true;
  state.warming = true;
  state.run = run;
  state.ordinal = 0;
  state.next_track = 1;
  state.now = MediaTime{};
  state.arrival = MonoTime{};
  state.first_frame.reset();
  state.last_frame.reset();
  state.blind_since.reset();
  state.detector_state.reset();
  state.unknown.clear();
  state.thermal.reset();
  state.thermal_said.reset();
  state.line.begin_run();
  state.picture.reset();
  state.faces.begin_run();
  for (State::Zone& zone : state.zones) zone.presence.begin_run();
}

void SourceAnalyzer::analyze(const Frame& frame, models::Detector& detector, models::FaceEmbedder* embedder) {
  state_->analyse(frame, &detector, embedder, {});
}

void SourceAnalyzer::analyze_without(const Frame& frame, const std::string& why) { state_->analyse(frame, nullptr, nullptr, why); }

void SourceAnalyzer::tick(const Tick& tick) {
  State& state = *state_;
  if (!state.active) return;
  state.now = std::max(state.now, tick.media);
  state.arrival = MonoTime{};
  state.line.observe(tick.wall, state.incident());
  if (state.last_frame && state.now - *state.last_frame >= state.silence && state.unknown != kNotAnalysed) {
    state.health.not_analysed(fmt::format("no picture was analysed for {:.0f} s", to_seconds(state.silence)));
    state.say_health();
    state.lose_sight(kNotAnalysed);
  }
  state.say_presence();
  state.say(TickObservation{}, false);
}

void SourceAnalyzer::end_run(const Error& why, std::optional<bool> packets_arrive) {
  State& state = *state_;
  if (!state.active) return;
  state.arrival = MonoTime{};
  state.health.run_ended(why, packets_arrive);
  const bool ours = why.kind == ErrorKind::kClosed;
  state.unknown = ours ? kNotAnalysed : kOffline;
  state.end_tracks(ours ? "closed" : "camera_lost");
  state.say_presence();
  // The last word of a run: replay knows by it that nothing more of this run comes.
  state.say_health();
  state.active = false;
}

AnalyzerStats SourceAnalyzer::stats() const { return state_->stats; }

bool SourceAnalyzer::has_tracks() const { return !state_->tracker.tracks().empty(); }

}  // namespace kanhu::analyze
