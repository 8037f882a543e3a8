// SPDX-License-Identifier: MIT
#include "bench/faces/degrade.hpp"

#include <cmath>

#include <catch2/catch.hpp>

#include "tests/unit/bench/folder.hpp"

using namespace kanhu;
using namespace kanhu::bench;

namespace {

// A bright square on a ramp.
Scene scene(int channels, int width = 122, int height = 91) {
  Scene made{Picture(width, height, channels), {{50, 30, 20, 20, Eyes{{55, 38}, {65, 38}}, false}}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool inside = x >= 50 && x < 70 && y >= 30 && y < 50;
      for (int c = 0; c < channels; ++c)
        made.picture.row(y)[x * channels + c] = static_cast<std::uint8_t>(inside ? 250 : 60 + x / 2 + 10 * c);
    }
  }
  return made;
}

double difference(const Picture& a, const Picture& b) {
  double sum = 0;
  for (int y = 0; y < a.height(); ++y) {
    for (std::size_t x = 0; x < a.stride(); ++x) sum += std::abs(a.row(y)[x] - b.row(y)[x]);
  }
  return sum / (static_cast<double>(a.stride()) * a.height());
}

}  // namespace

TEST_CASE("a degradation is the same for the same seed and another for another") {
  for (const Degradation degradation : {Degradation::kHalf, Degradation::kNight, Degradation::kTurn, Degradation::kH264}) {
    for (const int channels : {1, 3}) {
      const auto once = degrade(scene(channels), degradation, 5), again = degrade(scene(channels), degradation, 5);
      if (!once && degradation == Degradation::kH264 && once.error().kind == ErrorKind::kUnsupported) {
        WARN("skipped: " << once.error().message);
        continue;
      }
      REQUIRE(once);
      CHECK(once->picture == again->picture);
      CHECK(once->picture.channels() == channels);
      if (degradation == Degradation::kHalf) continue;
      CHECK_FALSE(once->picture == degrade(scene(channels), degradation, 6)->picture);
    }
  }
}

TEST_CASE("half size is the mean of four pixels, and the labels follow") {
  Picture picture(2, 2, 1);
  picture.row(0)[0] = 10;
  picture.row(0)[1] = 20;
  picture.row(1)[0] = 30;
  picture.row(1)[1] = 41;
  CHECK(degrade({picture, {}}, Degradation::kHalf, 0)->picture.row(0)[0] == 25);
  const auto small = degrade(scene(3), Degradation::kHalf, 0);
  CHECK(small->picture.width() == 61);
  CHECK(small->picture.height() == 45);
  CHECK(small->faces[0].left == 25);
  CHECK(small->faces[0].width == 10);
  CHECK(small->faces[0].inter_pupil_px() == Approx(5));
}

TEST_CASE("night is dark and noisy as it says") {
  const auto dark = degrade(scene(1, 400, 300), Degradation::kNight, 1);
  REQUIRE(dark);
  CHECK(mean_luma(dark->picture) == Approx(25).margin(0.7));
  // Over the evenly lit square the deviation is that of shot and read noise.
  double sum = 0, square = 0;
  for (int y = 30; y < 50; ++y) {
    for (int x = 50; x < 70; ++x) {
      sum += dark->picture.row(y)[x];
      square += dark->picture.row(y)[x] * dark->picture.row(y)[x];
    }
  }
  const double mean = sum / 400, deviation = std::sqrt(square / 400 - mean * mean);
  CHECK(deviation == Approx(std::sqrt(mean / 4 + 9)).epsilon(0.15));
  const auto darker = degrade({Picture(20, 20, 1, 2), {}}, Degradation::kNight, 1);
  CHECK(mean_luma(darker->picture) < 5);
}

TEST_CASE("a turned picture holds the whole of it, and labels and eyes turn with it") {
  for (const std::uint64_t seed : {std::uint64_t{4}, std::uint64_t{5}}) {
    const auto turned = degrade(scene(1), Degradation::kTurn, seed);
    REQUIRE(turned);
    CHECK(turned->picture.width() == std::ceil(122 * std::cos(M_PI / 6) + 91 * 0.5));
    const Label& face = turned->faces[0];
    CHECK(face.width == 20);
    CHECK(face.inter_pupil_px() == Approx(10));
    const double slope = (face.eyes->left.y - face.eyes->right.y) / (face.eyes->left.x - face.eyes->right.x);
    CHECK(slope == Approx((seed % 2 == 0 ? 1 : -1) * std::tan(M_PI / 6)));
    // The square is where its label says.
    const int x = static_cast<int>(face.left + face.width / 2), y = static_cast<int>(face.top + face.height / 2);
    CHECK(turned->picture.row(y)[x] == 250);
    CHECK(turned->picture.row(y + 8)[x] == 250);
    CHECK(turned->picture.row(y + 16)[x] < 200);
  }
}

TEST_CASE("h264 keeps the place of things and loses what the bits do not carry") {
  Scene busy = scene(3, 501, 375);
  Noise noise(3);
  for (int y = 0; y < busy.picture.height(); ++y) {
    for (std::size_t x = 0; x < busy.picture.stride(); ++x) {
      auto& pixel = busy.picture.row(y)[x];
      if (pixel != 250) pixel = static_cast<std::uint8_t>(std::clamp(pixel + 25 * noise.normal(), 0.0, 255.0));
    }
  }
  const auto coded = degrade(busy, Degradation::kH264, 2);
  if (!coded) {
    WARN("skipped: " << coded.error().message);
    return;
  }
  CHECK(coded->picture.width() == 501);
  CHECK(coded->picture.height() == 375);
  const double lost = difference(busy.picture, coded->picture);
  CHECK(lost > 5);
  CHECK(lost < 40);
  CHECK(coded->picture.row(40)[60 * 3] > 200);
  CHECK(coded->picture.row(40)[90 * 3] < 200);
}

TEST_CASE("twice the size is bilinear and keeps the mean") {
  Picture picture(2, 1, 1);
  picture.row(0)[1] = 100;
  const Picture large = upsampled(picture);
  CHECK(large.width() == 4);
  CHECK(large.height() == 2);
  CHECK(std::vector<int>(large.row(0), large.row(0) + 4) == std::vector<int>{0, 25, 75, 100});
}

TEST_CASE("a picture is written as PGM or PPM in the order of channels they have") {
  const test::Folder folder;
  Picture picture(2, 1, 3);
  for (int i = 0; i < 6; ++i) picture.row(0)[i] = static_cast<std::uint8_t>('a' + i);
  REQUIRE(write_netpbm(folder / "a.ppm", picture));
  CHECK(read_text(folder / "a.ppm").value() == "P6\n2 1\n255\ncbafed");
  CHECK_FALSE(write_netpbm(folder / "nowhere/a.ppm", picture));
}
