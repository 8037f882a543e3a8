// SPDX-License-Identifier: MIT
// What is told of a picture of temperatures before any detector: is it alive, what is blank in it.
#include <algorithm>

#include <catch2/catch.hpp>

#include "pipelines/analyze/ignore_mask.hpp"
#include "pipelines/analyze/picture_watch.hpp"
#include "pipelines/analyze/stillness.hpp"
#include "tests/support/scripted_detector.hpp"
#include "tests/support/thermal_scene/scene.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using test::media;

namespace {

ImageView view_of(const std::vector<std::int16_t>& pixels, int width, int height) {
  ImageView view;
  view.format = PixelFormat::kCentiCelsius;
  view.width = width;
  view.height = height;
  view.planes[0] = {reinterpret_cast<const std::uint8_t*>(pixels.data()), 2 * width};
  return view;
}

thermal_scene::Scene empty_room(const thermal_scene::Sensor& sensor) {
  auto scene = thermal_scene::scenes(sensor).front();
  scene.seconds = 3600;
  return scene;
}

// The verdict after `seconds` of an empty room as the sensor sees it, which repeats its picture from `stuck_s` on.
PictureWatch::Verdict watch(const thermal_scene::Sensor& sensor, double seconds, double stuck_s) {
  const auto scene = empty_room(sensor);
  thermal_scene::Camera camera(scene, 3);
  HealthConfig health;
  health.freeze_after = std::chrono::seconds(15);
  PictureWatch picture(health);
  IgnoreMask mask({});
  PictureWatch::Verdict verdict;
  std::vector<std::int16_t> last;
  for (auto next = camera.next(); next && next->seconds <= seconds; next = camera.next()) {
    if (last.empty() || next->seconds < stuck_s) last = next->centi_c;
    const ImageView image = view_of(last, sensor.width, sensor.height);
    verdict = picture.look(mask.apply(image), mask, media(static_cast<std::int64_t>(1000 * next->seconds)));
  }
  return verdict;
}

}  // namespace

TEST_CASE("an empty room's noise is life in temperatures, however fine or coarse the sensor") {
  auto coarse = thermal_scene::bolometer();
  coarse.resolution_k = 0.1;
  for (const auto& sensor : {thermal_scene::bolometer(), coarse, thermal_scene::mlx90640(), thermal_scene::grid_eye()}) {
    CAPTURE(sensor.width, sensor.resolution_k);
    CHECK(watch(sensor, 60, 3600).changing == Truth::kTrue);
    CHECK_FALSE(watch(sensor, 60, 3600).dark);
  }
}

TEST_CASE("a thermal sensor that repeats its picture for ever is frozen, a calibration of two seconds is not") {
  for (const auto& sensor : {thermal_scene::bolometer(), thermal_scene::mlx90640()}) {
    CAPTURE(sensor.width);
    CHECK(watch(sensor, 34, 20).changing == Truth::kTrue);
    CHECK(watch(sensor, 36, 20).changing == Truth::kFalse);
    CHECK(watch(sensor, 22, 20).changing == Truth::kTrue);
  }
  CHECK(watch(thermal_scene::bolometer(), 15.2, 0).changing == Truth::kFalse);
}

TEST_CASE("what is ignored of a picture of temperatures has the median of the rest") {
  constexpr int kColumns = 64, kRows = 32;
  std::vector<std::int16_t> pixels(kColumns * kRows);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::int16_t>(2200 + i % 3);
  for (int y = 8; y < 24; ++y)
    for (int x = 16; x < 32; ++x) pixels[static_cast<std::size_t>(y * kColumns + x)] = 9000;  // a stove
  const auto before = pixels;
  IgnoreMask mask({{{0.25, 0.25}, {0.5, 0.25}, {0.5, 0.75}, {0.25, 0.75}}});
  const ImageView masked = mask.apply(view_of(pixels, kColumns, kRows));
  REQUIRE(masked.format == PixelFormat::kCentiCelsius);
  int wrong = 0;
  for (int y = 0; y < kRows; ++y) {
    const auto* row = reinterpret_cast<const std::int16_t*>(masked.planes[0].data + y * masked.planes[0].stride);
    for (int x = 0; x < kColumns; ++x) wrong += row[x] != (mask.covers(x, y) ? 2201 : before[static_cast<std::size_t>(y * kColumns + x)]);
  }
  CHECK(wrong == 0);
  CHECK(mask.covers(16, 8));
  CHECK(pixels == before);
}

TEST_CASE("a picture of temperatures that is ignored from edge to edge stays whole and is not judged") {
  std::vector<std::int16_t> pixels(64 * 32, 2200);
  IgnoreMask mask({{{0, 0}, {1, 0}, {1, 1}, {0, 1}}});
  const ImageView masked = mask.apply(view_of(pixels, 64, 32));
  PictureWatch picture(HealthConfig{});
  CHECK(picture.look(masked, mask, media(0)).changing == Truth::kUnknown);
}

TEST_CASE("no look is taken of temperatures, so nobody is taken for a portrait there") {
  std::vector<std::int16_t> pixels(64 * 32, 2200);
  CHECK(look_of(view_of(pixels, 64, 32), Box{0, 0, 1, 1}).empty());
}
