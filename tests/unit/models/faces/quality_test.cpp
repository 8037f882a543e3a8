// SPDX-License-Identifier: MIT
#include "models/faces/quality.hpp"

#include <array>
#include <cmath>

#include <catch2/catch.hpp>
#include <opencv2/imgproc.hpp>

#include "models/faces/painted.hpp"
#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using models::face_quality;
using test::Picture;

namespace {

constexpr int kWidth = 640, kHeight = 360;
const Box kBox{0.3, 0.2, 0.4, 0.6};

struct Shot {
  cv::Mat gray = cv::Mat(kHeight, kWidth, CV_8UC1, cv::Scalar(110));
  std::vector<Point> points;
  FaceQuality quality() const {
    ImageView view;
    view.format = PixelFormat::kGray8;
    view.width = gray.cols;
    view.height = gray.rows;
    view.planes[0] = {gray.data, static_cast<int>(gray.step)};
    return face_quality(view, kBox, points);
  }
};

// Eyes, nose and mouth of the painted face, in px from its centre and in widths of it.
constexpr std::array<Point, 4> kPainted{Point{-0.2, -0.08}, {0.2, -0.08}, {0, 0.16}, {0, 0.36}};

Shot painted(double width = 180) {
  Shot shot;
  models::PaintedFace face;
  face.center_x_px = 320;
  face.center_y_px = 170;
  face.width_px = width;
  face.seed = 1;
  models::paint_face_gray(shot.gray.data, kWidth, kHeight, static_cast<int>(shot.gray.step), face);
  for (const auto& point : kPainted) shot.points.push_back({(320 + point.x * width) / kWidth, (170 + point.y * width) / kHeight});
  return shot;
}

// Points of a face whose nose is moved, in distances between the eyes; 60 px between the eyes, turned by `degrees`.
std::vector<Point> points(double nose_x, double nose_y, double degrees = 0) {
  std::vector<Point> made;
  const double turn = degrees * M_PI / 180;
  for (const Point point : {Point{-0.5, 0}, Point{0.5, 0}, Point{nose_x, 0.615 + nose_y}, Point{0, 1.08}}) {
    const double x = 60 * point.x, y = 60 * point.y;
    made.push_back({(320 + std::cos(turn) * x - std::sin(turn) * y) / kWidth, (150 + std::sin(turn) * x + std::cos(turn) * y) / kHeight});
  }
  return made;
}

FaceQuality of_points(const std::vector<Point>& landmarks) {
  Shot shot = painted();
  shot.points = landmarks;
  return shot.quality();
}

}  // namespace

TEST_CASE("the distance of the eyes is counted in pixels of the picture, whatever its aspect and the turn of the head") {
  CHECK(of_points(points(0, 0)).inter_pupil_px == Approx(60));
  CHECK(of_points(points(0, 0, 35)).inter_pupil_px == Approx(60));
  CHECK(of_points(points(0, 0, 90)).inter_pupil_px == Approx(60));
}

TEST_CASE("roll is the angle of the eyes, clockwise positive, and does not leak into yaw and pitch") {
  for (const double degrees : {-80., -30., 0., 30., 80.}) {
    const auto quality = of_points(points(0, 0, degrees));
    CHECK(quality.roll_degrees == Approx(degrees).margin(1e-6));
    CHECK(quality.yaw_degrees == Approx(0).margin(1e-6));
    CHECK(quality.pitch_degrees == Approx(0).margin(1e-6));
  }
}

TEST_CASE("a nose right of the middle is a face turned right, and the mirror image one turned left by as much") {
  const auto right = of_points(points(0.2, 0));
  const auto left = of_points(points(-0.2, 0));
  CHECK(right.yaw_degrees == Approx(18.43).epsilon(0.01));
  CHECK(left.yaw_degrees == Approx(-right.yaw_degrees));
  CHECK(of_points(points(0.4, 0)).yaw_degrees > right.yaw_degrees);
}

TEST_CASE("a nose nearer to the eyes is a face that looks up, one nearer to the mouth a face that looks down") {
  CHECK(of_points(points(0, -0.15)).pitch_degrees > 8);
  CHECK(of_points(points(0, 0.15)).pitch_degrees < -8);
}

TEST_CASE("blur and enlargement take sharpness and quality away, step by step; noise adds none") {
  const auto clean = painted().quality();
  double before = clean.sharpness, total = clean.total;
  CHECK(before > 0.5);
  for (const double sigma : {6., 12., 20.}) {
    Shot shot = painted();
    cv::GaussianBlur(shot.gray, shot.gray, {}, sigma);
    const auto quality = shot.quality();
    INFO("sigma " << sigma);
    CHECK(quality.sharpness < before);
    CHECK(quality.total < total);
    before = quality.sharpness;
    total = quality.total;
  }
  CHECK(before < 0.3);
  Shot small = painted();
  cv::resize(small.gray, small.gray, {}, 0.05, 0.05, cv::INTER_AREA);
  cv::resize(small.gray, small.gray, {kWidth, kHeight}, 0, 0, cv::INTER_LINEAR);
  CHECK(small.quality().sharpness < clean.sharpness);
  Shot noisy = painted();
  for (int i = 0; i < kWidth * kHeight; ++i) {
    auto& pixel = noisy.gray.data[i];
    pixel = cv::saturate_cast<std::uint8_t>(pixel + static_cast<int>(test::scrambled(static_cast<std::uint32_t>(i)) % 31) - 15);
  }
  CHECK(noisy.quality().sharpness < clean.sharpness + 0.05);
}

TEST_CASE("a smaller face is a worse shot") {
  CHECK(painted(60).quality().total < painted(120).quality().total);
  CHECK(painted(120).quality().total < painted(180).quality().total);
}

TEST_CASE("brightness and contrast are those of the face, and a dark or washed-out one is a worse shot") {
  const auto clean = painted().quality();
  Shot dark = painted();
  dark.gray.convertTo(dark.gray, CV_8U, 0.15);
  const auto night = dark.quality();
  CHECK(night.brightness == Approx(0.15 * clean.brightness).epsilon(0.1));
  CHECK(night.contrast == Approx(0.15 * clean.contrast).epsilon(0.2));
  CHECK(night.total < clean.total);
  Shot bright = painted();
  bright.gray.convertTo(bright.gray, CV_8U, 0.2, 200);
  CHECK(bright.quality().total < clean.total);
}

TEST_CASE("a mask over mouth and nose raises occlusion and lowers the total, also one with shading and folds") {
  const auto clean = painted().quality();
  CHECK(clean.occlusion < 0.3);
  Shot covered = painted();
  for (int y = 200; y < 270; ++y) {
    for (int x = 250; x < 390; ++x) {
      const double shade = 190 - 0.002 * (x - 320) * (x - 320) - 0.1 * (y - 200) + (y % 8 < 2 ? -4 : 0);
      covered.gray.at<std::uint8_t>(y, x) = cv::saturate_cast<std::uint8_t>(shade);
    }
  }
  const auto masked = covered.quality();
  CHECK(masked.occlusion > clean.occlusion + 0.4);
  CHECK(masked.total < 0.8 * clean.total);
}

TEST_CASE("every figure stays finite and in its bounds in every format and at every place, also half outside") {
  for (const auto format : {PixelFormat::kI420, PixelFormat::kNv12, PixelFormat::kGray8, PixelFormat::kBgr24}) {
    const Picture picture(format, 97, 61, 200);
    for (const double x : {-0.2, 0.0, 0.5, 1.0, 1.2}) {
      const std::vector<Point> landmarks{{x - 0.1, 0.4}, {x + 0.1, 0.4}, {x, 0.55}, {x, 0.7}};
      const auto quality = face_quality(picture.view(), kBox, landmarks);
      for (const double share : {quality.sharpness, quality.occlusion, quality.total}) CHECK((share >= 0 && share <= 1));
      for (const double angle : {quality.yaw_degrees, quality.pitch_degrees, quality.roll_degrees}) CHECK(std::abs(angle) <= 180);
      CHECK((quality.brightness >= 0 && quality.brightness <= 255));
      CHECK(std::isfinite(quality.contrast));
    }
  }
}

TEST_CASE("points that are no face have quality 0") {
  const Picture picture(PixelFormat::kGray8, 97, 61, 200);
  const std::vector<Point> face{{0.4, 0.4}, {0.6, 0.4}, {0.5, 0.55}, {0.5, 0.7}};
  const auto total = [&](const std::vector<Point>& landmarks) { return face_quality(picture.view(), kBox, landmarks).total; };
  CHECK(total({}) == 0);
  CHECK(total({{0.4, 0.4}, {0.6, 0.4}, {0.5, 0.55}}) == 0);
  CHECK(total({{0.5, 0.4}, {0.5, 0.4}, {0.5, 0.55}, {0.5, 0.7}}) == 0);
  CHECK(total({{NAN, 0.4}, {0.6, 0.4}, {0.5, 0.55}, {0.5, 0.7}}) == 0);
  CHECK(total({{5, 5}, {5.2, 5}, {5.1, 5.1}, {5.1, 5.3}}) == 0);
  CHECK(face_quality(ImageView{}, kBox, face).total == 0);
  CHECK(face_quality(picture.view(), Box{}, face).total == 0);
}
