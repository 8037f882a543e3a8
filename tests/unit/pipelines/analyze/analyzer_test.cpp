// SPDX-License-Identifier: MIT
#include <map>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "pipelines/analyze/source_analyzer.hpp"
#include "tests/support/scripted_detector.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using std::chrono::milliseconds;
using test::detection;
using test::grey_frame;
using test::media;

namespace {

// A camera with a detector that sees `people`, driven at 5 frames and 1 tick a second.
struct Scene {
  explicit Scene(CameraConfig config = {}) : camera(std::move(config)), analyzer(std::make_unique<SourceAnalyzer>(camera, sink)) {}

  static CameraConfig config() {
    CameraConfig config;
    config.id = "hall-1";
    config.detector.name = "thermal-blob";  // may say absent; the scripted one stands in for it
    config.detector.smallest_px = 4;
    config.presence.warm_up = milliseconds(0);
    return config;
  }

  void frame() {
    if (at % 1000 == 0) tick();
    Frame next = grey_frame(camera.id, run, at, pixels(at));
    if (rtcp) next.captured.rtcp = next.captured.arrival + *rtcp;
    analyzer->analyze(next, detector);
    at += 200;
  }
  void tick() {
    Tick tick;
    tick.media = media(at);
    tick.wall.arrival = test::wall_at(at);
    analyzer->tick(tick);
  }
  void play(int milliseconds_long) {
    for (const auto end = at + milliseconds_long; at < end;) frame();
  }
  void begin(const std::string& name) {
    run = name;
    at = 0;
    analyzer->begin_run(name);
  }
  std::vector<std::string> presences() const {
    std::vector<std::string> words;
    for (const auto& p : sink.of<PresenceObservation>())
      words.push_back(std::string(to_string(p.state)) + (p.reason.empty() ? "" : ":" + p.reason));
    return words;
  }
  int starts() const {
    int count = 0;
    for (const auto& track : sink.of<TrackObservation>()) count += track.phase == Phase::kStart;
    return count;
  }
  HealthObservation health() const {
    const auto all = sink.of<HealthObservation>();
    return all.empty() ? HealthObservation{} : all.back();
  }
  std::string last_end_reason() const {
    std::string reason;
    for (const auto& track : sink.of<TrackObservation>())
      if (track.phase == Phase::kEnd) reason = track.end_reason;
    return reason;
  }

  CameraConfig camera;
  test::ObservationCollector sink;
  std::unique_ptr<SourceAnalyzer> analyzer;
  std::vector<Detection> people;
  std::string blind;
  bool broken = false;
  std::optional<std::chrono::microseconds> rtcp;
  std::function<std::function<std::uint8_t(int, int)>(std::int64_t)> pixels = [](std::int64_t t) { return test::noise(t); };
  std::string run;
  std::int64_t at = 0;
  test::ScriptedDetector detector{[this](const ImageView&, MediaTime) -> models::DetectionResult {
    if (broken) throw std::runtime_error("layer 7 is missing");
    return {people, blind};
  }};
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("somebody who comes and goes is present, then absent, with one track") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.play(6000);
  CHECK(scene.presences() == Words{"unknown:starting", "absent"});
  scene.people = {detection(0.4, 0.4)};
  scene.play(2000);
  scene.people.clear();
  scene.play(6000);
  CHECK(scene.presences() == Words{"unknown:starting", "absent", "present", "absent"});
  const auto tracks = scene.sink.of<TrackObservation>();
  REQUIRE(tracks.size() >= 3);
  CHECK(tracks.front().phase == Phase::kStart);
  CHECK(tracks.front().id == 1);
  CHECK(tracks.front().start_pts == media(6000));
  CHECK(tracks.front().start_time == test::wall_at(6000));
  CHECK(tracks.back().phase == Phase::kEnd);
  CHECK(tracks.back().end_reason == "left");
  CHECK(scene.starts() == 1);
  CHECK(scene.analyzer->stats().tracks_started == 1);
}

TEST_CASE("track updates come at most once a second") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.people = {detection(0.4, 0.4)};
  scene.play(10000);
  int updates = 0;
  for (const auto& track : scene.sink.of<TrackObservation>()) updates += track.phase == Phase::kUpdate;
  CHECK(updates >= 8);
  CHECK(updates <= 10);
}

TEST_CASE("a lost camera leaves presence unknown, and its return raises nothing") {
  auto config = Scene::config();
  config.presence.warm_up = milliseconds(3000);
  Scene scene(config);
  scene.begin("a");
  scene.people = {detection(0.4, 0.4)};
  scene.play(6000);
  REQUIRE(scene.presences() == Words{"unknown:starting", "present"});
  scene.analyzer->end_run({ErrorKind::kStalled, ""});
  CHECK(scene.presences() == Words{"unknown:starting", "present", "unknown:camera_offline"});
  CHECK(scene.last_end_reason() == "camera_lost");
  CHECK(scene.health().fact(HealthFact::kConnected) == Truth::kTrue);
  CHECK(scene.health().fact(HealthFact::kPacketsArriving) == Truth::kFalse);
  CHECK(scene.health().cause == "no packets for 8 s");
  scene.sink.clear();

  scene.begin("b");
  SECTION("with nobody there") {
    scene.people.clear();
    scene.play(10000);
    CHECK(scene.presences() == Words{"absent"});
    CHECK(scene.starts() == 0);
  }
  SECTION("with somebody still there") {
    scene.play(2800);
    CHECK(scene.presences().empty());
    CHECK(scene.starts() == 0);
    scene.play(1000);
    CHECK(scene.presences() == Words{"present"});
    CHECK(scene.starts() == 1);
    CHECK(scene.sink.of<TrackObservation>().front().start_pts == media(0));
  }
  SECTION("with somebody who leaves during warm-up") {
    scene.play(800);
    scene.people.clear();
    scene.play(9000);
    CHECK(scene.presences() == Words{"absent"});
    CHECK(scene.starts() == 0);
  }
}

TEST_CASE("our own closing is not an offline camera") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.people = {detection(0.4, 0.4)};
  scene.play(2000);
  scene.analyzer->end_run({ErrorKind::kClosed, ""});
  CHECK(scene.presences().back() == "unknown:not_analysed");
  CHECK(scene.last_end_reason() == "closed");
  CHECK(scene.health().fact(HealthFact::kConnected) == Truth::kUnknown);
}

TEST_CASE("each kind of error sets the facts it proves") {
  struct Row {
    ErrorKind kind;
    Truth connected, packets, decodable;
  };
  const auto row = GENERATE(Row{ErrorKind::kUnauthorized, Truth::kFalse, Truth::kFalse, Truth::kUnknown},
                            Row{ErrorKind::kNameResolution, Truth::kFalse, Truth::kFalse, Truth::kUnknown},
                            Row{ErrorKind::kStalled, Truth::kTrue, Truth::kFalse, Truth::kUnknown},
                            Row{ErrorKind::kNoKeyFrame, Truth::kTrue, Truth::kTrue, Truth::kFalse},
                            Row{ErrorKind::kCorrupt, Truth::kTrue, Truth::kTrue, Truth::kFalse},
                            Row{ErrorKind::kOversized, Truth::kTrue, Truth::kTrue, Truth::kFalse});
  Scene scene(Scene::config());
  scene.begin("a");
  scene.analyzer->end_run({row.kind, ""});
  const auto health = scene.health();
  CHECK(health.fact(HealthFact::kConnected) == row.connected);
  CHECK(health.fact(HealthFact::kPacketsArriving) == row.packets);
  CHECK(health.fact(HealthFact::kDecodable) == row.decodable);
  CHECK(health.error == row.kind);
  CHECK_FALSE(health.cause.empty());
  CHECK(scene.presences() == Words{"unknown:camera_offline"});
}

TEST_CASE("a frozen picture with somebody in it is unknown, not present and not absent") {
  auto config = Scene::config();
  config.health.freeze_after = milliseconds(10000);
  Scene scene(config);
  scene.begin("a");
  scene.people = {detection(0.4, 0.4)};
  scene.play(5000);
  scene.pixels = [](std::int64_t) { return test::noise(7); };
  scene.play(15000);
  CHECK(scene.presences() == Words{"unknown:starting", "present", "unknown:frozen"});
  CHECK(scene.last_end_reason() == "camera_frozen");
  CHECK(scene.health().fact(HealthFact::kPictureChanging) == Truth::kFalse);
  CHECK(scene.health().cause == "the picture has not changed for 10 s");
  scene.pixels = [](std::int64_t t) { return test::noise(t); };
  scene.people.clear();
  scene.play(8000);
  CHECK(scene.presences().back() == "absent");
  CHECK(scene.health().cause.empty());
}

TEST_CASE("when the light goes out nobody is said to have left") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.people = {detection(0.4, 0.4)};
  scene.play(3000);
  scene.people.clear();
  scene.pixels = [](std::int64_t t) { return test::noise(t, 8); };
  scene.play(9000);
  CHECK(scene.presences() == Words{"unknown:starting", "present", "unknown:dark"});
  CHECK(scene.last_end_reason() == "camera_dark");
  CHECK(scene.health().dark);
}

TEST_CASE("a picture nobody analyses for five seconds makes presence unknown") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.play(6000);
  REQUIRE(scene.presences().back() == "absent");
  for (int i = 0; i < 4; ++i, scene.at += 1000) scene.tick();
  CHECK(scene.presences().back() == "absent");
  for (int i = 0; i < 3; ++i, scene.at += 1000) scene.tick();
  CHECK(scene.presences().back() == "unknown:not_analysed");
  CHECK(scene.health().fact(HealthFact::kAnalysed) == Truth::kFalse);
  CHECK(scene.health().fact(HealthFact::kDecodable) == Truth::kTrue);
}

TEST_CASE("a detector that fails or cannot judge makes presence unknown, never absent") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.people = {detection(0.4, 0.4)};
  scene.play(2000);
  SECTION("it throws") {
    scene.broken = true;
    scene.play(10000);
    CHECK(scene.presences() == Words{"unknown:starting", "present", "unknown:detector_failed"});
    CHECK(scene.health().fact(HealthFact::kAnalysed) == Truth::kFalse);
    CHECK(scene.last_end_reason() == "detector_failed");
    scene.broken = false;
    scene.play(2000);
    CHECK(scene.presences().back() == "present");
    CHECK(scene.health().cause.empty());
  }
  SECTION("it is blind for long") {
    scene.people.clear();
    scene.blind = "low_contrast";
    scene.play(10000);
    CHECK(scene.presences() == Words{"unknown:starting", "present", "unknown:low_contrast"});
  }
  SECTION("it is blind for a moment, as in a flat-field correction") {
    scene.blind = "low_contrast";
    scene.play(800);
    scene.blind.clear();
    scene.play(2000);
    CHECK(scene.presences() == Words{"unknown:starting", "present"});
  }
  SECTION("there is none") {
    scene.analyzer->analyze_without(grey_frame("hall-1", "a", scene.at, test::noise(1)), "no detector: weights missing");
    CHECK(scene.presences().back() == "unknown:detector_failed");
    CHECK(scene.health().cause == "no detector: weights missing");
  }
}

TEST_CASE("what a detector finds below the limits does not count") {
  auto config = Scene::config();
  config.detector.smallest_px = 20;
  Scene scene(config);
  scene.begin("a");
  scene.people = {detection(0.4, 0.4, 0.2, 0.4, 0.59), detection(0.4, 0.4, 0.1, 0.2), detection(0.1, 0.1, 0.2, std::nan(""))};
  scene.play(6000);
  CHECK(scene.analyzer->stats().detections == 0);
  CHECK(scene.presences().back() == "absent");
}

TEST_CASE("the detector sees nothing of what is masked") {
  auto config = Scene::config();
  config.ignore = {{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}};
  test::ObservationCollector sink;
  SourceAnalyzer analyzer(config, sink);
  std::map<int, int> left;
  std::map<int, int> right;
  test::ScriptedDetector detector([&](const ImageView& image, MediaTime) -> models::DetectionResult {
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x) ++(x < 64 ? left : right)[image.planes[0].data[y * image.planes[0].stride + x]];
    return {};
  });
  analyzer.begin_run("a");
  analyzer.analyze(grey_frame("hall-1", "a", 0, test::noise(1)), detector);
  CHECK(left.size() == 1);
  CHECK(right.size() > 3);
}

TEST_CASE("each zone has its own presence, by where people stand") {
  auto config = Scene::config();
  config.zones = {{"left", {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}, {"right", {{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}}};
  Scene scene(config);
  scene.begin("a");
  scene.people = {detection(0.1, 0.3)};
  scene.play(6000);
  std::map<std::string, PresenceObservation> last;
  for (const auto& presence : scene.sink.of<PresenceObservation>()) last[presence.zone] = presence;
  REQUIRE(last.size() == 2);
  CHECK(last["left"].state == Presence::kPresent);
  CHECK(last["left"].count == 1);
  CHECK(last["left"].score == Approx(0.9));
  CHECK(last["left"].track_label == "person");
  CHECK(last["right"].state == Presence::kAbsent);
  CHECK(scene.sink.of<TrackObservation>().front().zone == "left");
}

TEST_CASE("the clock does not change while somebody is there") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.people = {detection(0.4, 0.4)};
  scene.play(1000);
  scene.rtcp = std::chrono::milliseconds(-120);
  scene.play(3000);
  CHECK(scene.sink.all().back().clock == ClockSource::kArrival);
  CHECK(scene.sink.all().back().clock_offset == milliseconds(-120));
  scene.people.clear();
  scene.play(6000);
  CHECK(scene.sink.all().back().clock == ClockSource::kRtcp);
  WallTime last{};
  for (const auto& observation : scene.sink.all()) {
    CHECK(observation.time >= last);
    last = observation.time;
  }
}

TEST_CASE("ordinals count from 0 in each run and ticks come last") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.play(2000);
  scene.analyzer->end_run({ErrorKind::kEndOfStream, ""});
  scene.begin("b");
  scene.play(2000);
  std::map<std::string, std::uint64_t> next;
  for (const auto& observation : scene.sink.all()) CHECK(observation.ordinal == next[observation.run]++);
  CHECK(next.size() == 2);
  CHECK(scene.sink.of<TickObservation>().size() == 4);
}

TEST_CASE("calls that make no sense are ignored") {
  Scene scene(Scene::config());
  scene.run = "a";
  scene.tick();
  scene.frame();
  scene.analyzer->end_run({ErrorKind::kStalled, ""});
  CHECK(scene.sink.all().empty());
  scene.begin("b");
  scene.play(1000);
  const auto before = scene.sink.all().size();
  scene.analyzer->analyze(grey_frame("hall-1", "a", 5000, test::noise(1)), scene.detector);
  scene.analyzer->analyze(grey_frame("hall-1", "b", 100, test::noise(1)), scene.detector);
  CHECK(scene.sink.all().size() == before);
  scene.analyzer->end_run({ErrorKind::kStalled, ""});
  const auto ended = scene.sink.all().size();
  scene.analyzer->end_run({ErrorKind::kStalled, ""});
  scene.tick();
  CHECK(scene.sink.all().size() == ended);
}

TEST_CASE("health is reported when it changes, not with each packet") {
  Scene scene(Scene::config());
  scene.begin("a");
  scene.play(20000);
  CHECK(scene.sink.of<HealthObservation>().size() == 2);  // first frame; then the picture is seen to change
  const auto health = scene.health();
  for (const Truth fact : health.facts) CHECK(fact == Truth::kTrue);
  CHECK(health.cause.empty());
  CHECK(health.last_packet.has_value());
}
