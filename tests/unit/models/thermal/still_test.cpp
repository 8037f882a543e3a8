// SPDX-License-Identifier: MIT
#include "models/thermal/still.hpp"

#include <catch2/catch.hpp>

#include "tests/support/thermal_scene/scene.hpp"

using namespace kanhu;
using namespace kanhu::models;

namespace {

// Frames of a scene, one in ten; how many of them look as if somebody were there.
struct Looks {
  int frames = 0, present = 0, absent = 0;
};
Looks looks_at(const std::string& name, double from_s, double to_s) {
  Looks looks;
  for (const auto& scene : thermal_scene::scenes(thermal_scene::mlx90640())) {
    if (scene.name != name) continue;
    thermal_scene::Camera camera(scene, 11);
    for (int number = 0; const auto picture = camera.next(); ++number) {
      if (picture->seconds >= to_s) break;
      if (picture->seconds < from_s || number % 10 != 0) continue;
      const auto still = look_once({ThermalKind::kRadiometric, scene.sensor.width, scene.sensor.height, picture->centi_c, false, ""},
                                   scene.sensor.pixel_pitch_m());
      ++looks.frames;
      if (still.state == Presence::kPresent) ++looks.present;
      if (still.state == Presence::kAbsent) ++looks.absent;
    }
  }
  return looks;
}

}  // namespace

TEST_CASE("an empty room looks empty at the first picture, and somebody who sits there is seen") {
  const auto empty = looks_at("empty-room", 0, 60);
  CHECK(empty.frames > 40);
  CHECK(empty.absent >= 0.95 * empty.frames);
  const auto seated = looks_at("starts-occupied", 0, 60);
  CHECK(seated.frames > 40);
  CHECK(seated.present >= 0.85 * seated.frames);
  CHECK(seated.absent == 0);
}

TEST_CASE("a radiator and an urn are not taken for somebody") {
  const auto urn = looks_at("urn", 0, 60);
  CHECK(urn.present <= 0.05 * urn.frames);
  const auto radiator = looks_at("radiator", 300, 360);
  CHECK(radiator.present <= 0.05 * radiator.frames);
}

TEST_CASE("the place that looks like somebody is told") {
  ThermalFrame frame{ThermalKind::kRadiometric, 32, 24, std::vector<std::int16_t>(32 * 24, 2200), false, ""};
  for (std::size_t y = 10; y < 13; ++y) {
    for (std::size_t x = 20; x < 23; ++x) frame.values[y * 32 + x] = 2900;
  }
  const auto still = look_once(frame, 0.2);
  CHECK(still.state == Presence::kPresent);
  CHECK(still.heat_k_m2 == Approx(9 * 7 * 0.04));
  CHECK(still.box == Box{20.0 / 32, 10.0 / 24, 3.0 / 32, 3.0 / 24});
}

TEST_CASE("of relative pictures only a likeness is said, never a state, and nothing of those without noise") {
  ThermalFrame flat{ThermalKind::kRelative, 32, 24, std::vector<std::int16_t>(32 * 24, 1000), false, ""};
  CHECK(look_once(flat, 0.2).somebody == 0.5);
  std::uint32_t state = 1;
  for (auto& value : flat.values) value = static_cast<std::int16_t>(((state = state * 1664525 + 1013904223) >> 24) * 10);
  const auto noisy = look_once(flat, 0.2);
  CHECK(noisy.somebody > 0);
  CHECK(noisy.somebody < 1);
  CHECK(noisy.state == Presence::kUnknown);
  const ThermalFrame large{ThermalKind::kRelative, 320, 240, std::vector<std::int16_t>(320 * 240, 1000), false, ""};
  CHECK(look_once(large, 0.2).somebody == 0.5);
}

TEST_CASE("frames that are empty, blind, tiny or of a wrong length prove nothing") {
  CHECK(look_once({}, 0.2).state == Presence::kUnknown);
  CHECK(look_once({ThermalKind::kRadiometric, 2, 1, {2200, 2300}, false, "low_contrast"}, 0.2).state == Presence::kUnknown);
  CHECK(look_once({ThermalKind::kRadiometric, 8, 8, {2200, 2300}, false, ""}, 0.2).state == Presence::kUnknown);
  CHECK(look_once({ThermalKind::kRadiometric, 1, 1, {2200}, false, ""}, 0.2).somebody < 0.5);
}
