// SPDX-License-Identifier: MIT
#include "models/images/picture.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using test::Picture;

namespace {

// Pure red: BT.601 limited range 81, 90, 240.
Picture red(PixelFormat format, int width, int height) {
  Picture picture(format, width, height, 81);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width && format == PixelFormat::kBgr24; ++x) {
      auto* pixel = picture.row(0, y) + 3 * x;
      pixel[0] = pixel[1] = 0;
      pixel[2] = 255;
    }
  }
  for (int y = 0; y < (height + 1) / 2; ++y) {
    for (int x = 0; x < (width + 1) / 2; ++x) {
      if (format == PixelFormat::kI420) {
        picture.row(1, y)[x] = 90;
        picture.row(2, y)[x] = 240;
      } else if (format == PixelFormat::kNv12) {
        picture.row(1, y)[2 * x] = 90;
        picture.row(1, y)[2 * x + 1] = 240;
      }
    }
  }
  return picture;
}

}  // namespace

TEST_CASE("red is red in RGB order, whatever the format, size and stride") {
  const auto format = GENERATE(PixelFormat::kBgr24, PixelFormat::kI420, PixelFormat::kNv12);
  const auto size = GENERATE(cv::Size(64, 48), cv::Size(33, 17), cv::Size(1, 1));
  const auto picture = red(format, size.width, size.height);
  for (const cv::Size out : {size, cv::Size(16, 9), cv::Size(100, 80)}) {
    const auto rgb = models::to_rgb(picture.view(), {0, 0, size.width, size.height}, out);
    REQUIRE(rgb.size() == out);
    REQUIRE(rgb.type() == CV_8UC3);
    const auto pixel = rgb.at<cv::Vec3b>(out.height / 2, out.width / 2);
    CHECK(pixel[0] >= 253);
    CHECK(pixel[1] <= 2);
    CHECK(pixel[2] <= 2);
  }
}

TEST_CASE("a part of the picture is cut out at the right place, in luma and in chroma") {
  Picture picture(PixelFormat::kI420, 64, 64, 16);  // black, with one white and blue quarter
  for (int y = 32; y < 64; ++y) std::fill_n(picture.row(0, y) + 32, 32, std::uint8_t{41});
  for (int y = 16; y < 32; ++y) {
    std::fill_n(picture.row(1, y) + 16, 16, std::uint8_t{240});
    std::fill_n(picture.row(2, y) + 16, 16, std::uint8_t{110});
  }
  const auto blue = models::to_rgb(picture.view(), {32, 32, 32, 32}, {32, 32});
  CHECK(blue.at<cv::Vec3b>(1, 1)[2] > 250);
  CHECK(blue.at<cv::Vec3b>(1, 1)[0] < 5);
  const auto black = models::to_rgb(picture.view(), {0, 0, 30, 30}, {30, 30});
  CHECK(cv::norm(black, cv::NORM_INF) <= 2);
}

TEST_CASE("grey is luma as it is, and the average of what it shrinks") {
  Picture picture(PixelFormat::kNv12, 40, 20, 0);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 40; x += 2) picture.row(0, y)[x] = 200;
  }
  const auto same = models::to_gray(picture.view(), {40, 20});
  CHECK(same.at<std::uint8_t>(3, 4) == 200);
  CHECK(same.at<std::uint8_t>(3, 5) == 0);
  const auto half = models::to_gray(picture.view(), {20, 10});
  CHECK(half.at<std::uint8_t>(5, 5) == 100);
}

TEST_CASE("the grey picture is a copy: the decoder may reuse its buffer") {
  Picture picture(PixelFormat::kGray8, 32, 32, 77);
  const auto gray = models::to_gray(picture.view(), {32, 32});
  picture.scribble(1);
  CHECK(gray.at<std::uint8_t>(5, 5) == 77);
}

TEST_CASE("a view without size, planes, or with rows shorter than its pixels is not read") {
  Picture picture(PixelFormat::kI420, 16, 16);
  auto view = picture.view();
  CHECK(models::is_readable(view));
  view.planes[2].data = nullptr;
  CHECK_FALSE(models::is_readable(view));
  view = picture.view();
  view.planes[0].stride = 15;
  CHECK_FALSE(models::is_readable(view));
  view = picture.view();
  view.height = 0;
  CHECK_FALSE(models::is_readable(view));
  view = picture.view();
  view.format = PixelFormat::kCentiCelsius;
  CHECK_FALSE(models::is_readable(view));
}
