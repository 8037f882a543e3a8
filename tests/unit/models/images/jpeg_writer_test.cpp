// SPDX-License-Identifier: MIT
#include "models/images/jpeg_writer.hpp"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "models/images/picture_file.hpp"
#include "models/images/png_writer.hpp"

using namespace kanhu;
using namespace kanhu::models;

namespace {

PictureFile back(const Jpeg& jpeg) {
  auto picture = decode_picture({jpeg.bytes.begin(), jpeg.bytes.end()}, "made");
  INFO((picture ? "" : picture.error().message));
  REQUIRE(picture);
  return std::move(*picture);
}

// Left half dark, right half bright; every plane with a stride of its own.
struct Halves {
  std::vector<std::uint8_t> luma, chroma_u, chroma_v;
  ImageView view;
  Halves(int width, int height) {
    const int stride = width + 13, half = width / 2 + 7;
    luma.assign(static_cast<std::size_t>(stride * height), 0);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) luma[static_cast<std::size_t>(y * stride + x)] = x < width / 2 ? 40 : 200;
    chroma_u.assign(static_cast<std::size_t>(half * (height / 2)), 128);
    chroma_v = chroma_u;
    view.format = PixelFormat::kI420;
    view.width = width;
    view.height = height;
    view.planes[0] = {luma.data(), stride};
    view.planes[1] = {chroma_u.data(), half};
    view.planes[2] = {chroma_v.data(), half};
  }
};

int value(const PictureFile& picture, double x, double y) {
  const int channels = picture.view.format == PixelFormat::kBgr24 ? 3 : 1;
  return picture.view.planes[0].data[static_cast<int>(y * picture.view.height) * picture.view.planes[0].stride +
                                     channels * static_cast<int>(x * picture.view.width)];
}

}  // namespace

TEST_CASE("a PNG holds the picture's pixels, of any format that a decoder gives, and of temperatures as grey") {
  const Halves halves(64, 48);
  const auto png = png_of(halves.view);
  REQUIRE(png);
  const auto picture = decode_picture({png->begin(), png->end()}, "made");
  REQUIRE(picture);
  CHECK(picture->view.width == 64);
  CHECK(picture->view.height == 48);
  CHECK(value(*picture, 0.25, 0.5) < 60);
  CHECK(value(*picture, 0.75, 0.5) > 180);
  std::vector<std::int16_t> warmth(64, 2000);
  warmth[9] = 3600;
  ImageView view;
  view.format = PixelFormat::kCentiCelsius;
  view.width = view.height = 8;
  view.planes[0] = {reinterpret_cast<const std::uint8_t*>(warmth.data()), 16};
  const auto grey = png_of(view);
  REQUIRE(grey);
  const auto seen = decode_picture({grey->begin(), grey->end()}, "made");
  REQUIRE(seen);
  CHECK(value(*seen, 0.0, 0.0) == 0);
  CHECK(value(*seen, 0.126, 0.126) == 255);
  view.planes[0].data = nullptr;
  CHECK_FALSE(png_of(view));
}

TEST_CASE("a picture decodes back to what it was") {
  const Halves halves(640, 360);
  const auto jpeg = jpeg_of(halves.view, 0);
  REQUIRE(jpeg);
  CHECK(jpeg->width == 640);
  CHECK(jpeg->height == 360);
  const PictureFile picture = back(*jpeg);
  CHECK(picture.view.width == 640);
  CHECK(picture.view.height == 360);
  CHECK(value(picture, 0.2, 0.5) < 60);
  CHECK(value(picture, 0.8, 0.5) > 190);
}

TEST_CASE("max_width makes it smaller and keeps its sides' ratio, never larger") {
  const Halves halves(640, 360);
  const auto small = jpeg_of(halves.view, 200);
  REQUIRE(small);
  CHECK(small->width == 200);
  CHECK(small->height == 112);
  CHECK(back(*small).view.width == 200);
  const auto same = jpeg_of(halves.view, 4096);
  REQUIRE(same);
  CHECK(same->width == 640);
  const Halves strip(2000, 4);
  const auto thin = jpeg_of(strip.view, 16);
  REQUIRE(thin);
  CHECK(thin->height == 1);
}

TEST_CASE("temperatures become grey, the coolest black and the warmest white") {
  std::vector<std::int16_t> values(32 * 24, 2000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(i % 32 < 16 ? -500 : 3600);
  ImageView view;
  view.format = PixelFormat::kCentiCelsius;
  view.width = 32;
  view.height = 24;
  view.planes[0] = {reinterpret_cast<const std::uint8_t*>(values.data()), 64};
  const auto jpeg = jpeg_of(view, 0);
  REQUIRE(jpeg);
  const PictureFile picture = back(*jpeg);
  CHECK(value(picture, 0.2, 0.5) < 20);
  CHECK(value(picture, 0.8, 0.5) > 235);
  std::fill(values.begin(), values.end(), std::int16_t{2000});  // nothing to stretch
  CHECK(jpeg_of(view, 0));
}

TEST_CASE("noise that would take too many bytes gets a lower quality, and an error in the end") {
  std::mt19937 random(3);
  std::vector<std::uint8_t> pixels(640 * 480);
  for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random());
  ImageView view;
  view.width = 640;
  view.height = 480;
  view.planes[0] = {pixels.data(), 640};
  const auto whole = jpeg_of(view, 0);
  REQUIRE(whole);
  const auto less = jpeg_of(view, 0, whole->bytes.size() - 1);
  REQUIRE(less);
  CHECK(less->bytes.size() < whole->bytes.size());
  CHECK(back(*less).view.width == 640);
  CHECK_FALSE(jpeg_of(view, 0, 1000));
}

TEST_CASE("what cannot be read is refused") {
  CHECK_FALSE(jpeg_of(ImageView{}, 0));
  ImageView view;
  view.format = PixelFormat::kCentiCelsius;
  view.width = view.height = 10;
  CHECK_FALSE(jpeg_of(view, 0));
}
