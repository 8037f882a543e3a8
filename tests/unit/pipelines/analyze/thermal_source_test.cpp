// SPDX-License-Identifier: MIT
// A whole infrared source: temperatures in, presence and what it rests on out.
#include <memory>

#include <catch2/catch.hpp>

#include "models/thermal/thermal.hpp"
#include "pipelines/analyze/source_analyzer.hpp"
#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::analyze {
namespace {

struct Record final : ObservationSink {
  void observe(Observation observation) override { said.push_back(std::move(observation)); }
  std::vector<Observation> said;
};

CameraConfig ceiling_array() {
  CameraConfig camera;
  camera.id = "ir";
  camera.sensor = SensorConfig{};
  camera.detector.name = "thermal";
  camera.detector.frames_per_second = 60;
  // 6.4 m across at 1.1 m: as the scenes are drawn.
  camera.detector.mount = {3.1, 0, 116, 90};
  camera.zones = {{"left", {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}}, {"right", {{0.5, 0}, {1, 0}, {1, 1}, {0.5, 1}}}};
  return camera;
}

// Plays `name` up to `until_s` and returns everything that was said.
std::vector<Observation> watch(const std::string& name, double until_s) {
  Record record;
  SourceAnalyzer analyzer(ceiling_array(), record);
  auto detector = models::make_thermal(ceiling_array().detector);
  REQUIRE(detector);
  analyzer.begin_run("run");
  for (const thermal_scene::Scene& scene : thermal_scene::scenes()) {
    if (scene.name != name) continue;
    thermal_scene::Camera sensor(scene, 1);
    while (const auto picture = sensor.next()) {
      if (picture->seconds > until_s) break;
      auto values = std::make_shared<std::vector<std::int16_t>>(picture->centi_c);
      ImageView view;
      view.format = PixelFormat::kCentiCelsius;
      view.width = scene.sensor.width;
      view.height = scene.sensor.height;
      view.planes[0] = {reinterpret_cast<const std::uint8_t*>(values->data()), 2 * scene.sensor.width};
      const auto since = std::chrono::microseconds(static_cast<std::int64_t>(picture->seconds * 1e6));
      CaptureTime captured;
      captured.arrival = WallTime(std::chrono::hours(500'000)) + since;
      analyzer.analyze(Frame("ir", "run", 0, MediaTime(since), captured, {}, view, values), **detector);
    }
  }
  return record.said;
}

}  // namespace

TEST_CASE("somebody who comes in under a sensor on the ceiling is present in the zone he sits in") {
  const auto said = watch("comes-and-goes", 100);
  Presence left = Presence::kUnknown, right = Presence::kUnknown;
  bool was_left = false;
  for (const Observation& each : said) {
    const auto* presence = std::get_if<PresenceObservation>(&each.body);
    if (presence == nullptr) continue;
    (presence->zone == "left" ? left : right) = presence->state;
    was_left = was_left || left == Presence::kPresent;
  }
  CHECK(was_left);  // the door is there
  CHECK(right == Presence::kPresent);
  CHECK(left == Presence::kAbsent);
}

TEST_CASE("what infrared sees is said about once a second, and always before presence changes because of it") {
  const auto said = watch("comes-and-goes", 60);
  int matrices = 0;
  MediaTime last{};
  for (const Observation& each : said) {
    if (const auto* thermal = std::get_if<ThermalObservation>(&each.body)) {
      ++matrices;
      last = each.pts;
      CHECK(thermal->matrix.width == 32);
      CHECK(thermal->matrix.cells.size() == 768);
    }
    const auto* presence = std::get_if<PresenceObservation>(&each.body);
    if (presence != nullptr && presence->state == Presence::kPresent) CHECK(each.pts - last < std::chrono::milliseconds(1));
  }
  CHECK(matrices >= 55);
  CHECK(matrices <= 75);
}

}  // namespace kanhu::analyze
