// SPDX-License-Identifier: MIT
#include "models/faces/quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <opencv2/imgproc.hpp>

#include "base/log.hpp"
#include "models/faces/chip.hpp"

namespace kanhu::models {
namespace {

constexpr int kChip = 64;  // px; every face is measured with its eyes 22 px apart

// Of a face that looks straight ahead, in distances between the eyes: how far the tip of the nose stands out before the eyes
// (adults: 35 to 40 mm to 62 mm), how far it and the mouth lie below them. The heights are medians of what BlazeFace says on 440
// portraits, so that the median pitch is 0.
constexpr double kNoseDepth = 0.6;
constexpr double kNoseHeight = 0.615;
constexpr double kMouthHeight = 1.08;

struct Pose {
  double yaw, pitch, roll;
};

// From the nose's place between eyes and mouth under weak perspective (Gee and Cipolla, "Determining the gaze of faces in
// images", 1994, with the eyes' own distance as the measure). Good to about 10 degrees: people's noses differ.
Pose pose_of(const std::array<Point, 4>& points) {
  const double across_x = points[1].x - points[0].x, across_y = points[1].y - points[0].y;
  const double squared = across_x * across_x + across_y * across_y;
  const Point middle{(points[0].x + points[1].x) / 2, (points[0].y + points[1].y) / 2};
  const auto in_face = [&](const Point& point) {
    const double x = point.x - middle.x, y = point.y - middle.y;
    return Point{(x * across_x + y * across_y) / squared, (y * across_x - x * across_y) / squared};
  };
  const Point nose = in_face(points[2]), mouth = in_face(points[3]);
  constexpr double kDegrees = 180 / std::numbers::pi;
  const double share = nose.y / std::max(mouth.y, 0.2);
  return {std::atan(nose.x / kNoseDepth) * kDegrees, std::atan((kNoseHeight - share * kMouthHeight) / kNoseDepth) * kDegrees,
          std::atan2(across_y, across_x) * kDegrees};
}

struct Spread {
  double mean, deviation;
};

Spread spread_of(const cv::Mat& values) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(values, mean, deviation);
  return {mean[0], deviation[0]};
}

// Variance of the Laplacian (Pech-Pacheco et al. 2000) after a Gaussian of 1 px, which takes what is noise, relative to the
// variance of the face itself, so that neither light nor distance counts. Medians on 450 px portraits: 0.065 sharp, 0.042 blurred by a
// Gaussian of 2 px, 0.018 by 4 px, 0.008 by 6 px, 0.027 enlarged from 8 px between the eyes, 0.067 with noise of 12 levels.
double sharpness_of(const cv::Mat& gray, const cv::Rect& face, double contrast) {
  constexpr double kScale = 0.03;
  constexpr double kFlat = 25;  // a face without contrast is not sharp
  cv::Mat smooth, edges;
  cv::GaussianBlur(gray, smooth, {}, 1);
  cv::Laplacian(smooth, edges, CV_32F, 1);
  const double deviation = spread_of(edges(face)).deviation;
  return 1 - std::exp(-deviation * deviation / (contrast * contrast + kFlat) / kScale);
}

// The mouth is a dark line across: how much the mean of a row changes over the mouth, relative to the face's contrast. Nine of
// ten faces have 0.25 and more, also small, blurred and noisy ones (median 0.43); under a cover without a pattern it is 0.
double occlusion_of(const cv::Mat& gray, const ChipPoints& points, double contrast) {
  constexpr double kMouthShows = 0.3;
  const double eyes = (points[1].x - points[0].x) * kChip;
  const cv::Rect mouth(static_cast<int>(points[3].x * kChip - 0.4 * eyes), static_cast<int>(points[3].y * kChip - 0.15 * eyes),
                       static_cast<int>(0.8 * eyes), static_cast<int>(0.3 * eyes));
  cv::Mat rows;
  cv::reduce(gray(mouth), rows, 1, cv::REDUCE_AVG, CV_32F);
  return std::clamp(1 - spread_of(rows).deviation / (contrast + 2) / kMouthShows, 0.0, 1.0);
}

// Each factor rises with what makes a shot comparable. On 1,102 shots of 18 people, clean and degraded in 12 ways, the rank
// correlation of their product with the similarity to the same person's other pictures is 0.65 (within one person 0.74); without
// sharpness or without occlusion it is about 0.52 (docs/design/0003-detectors.md).
double total_of(const FaceQuality& quality) {
  const auto bell = [](double degrees, double width) { return std::exp(-(degrees / width) * (degrees / width)); };
  const double size = quality.inter_pupil_px / (quality.inter_pupil_px + 8);
  const double pose = bell(quality.yaw_degrees, 45) * bell(quality.pitch_degrees, 30);
  const double contrast = quality.contrast / (quality.contrast + 4);
  const double light = std::min({1.0, quality.brightness / 40, std::max(0.0, (255 - quality.brightness) / 35)});
  return std::clamp(quality.sharpness * size * pose * contrast * light * (1 - 0.7 * quality.occlusion), 0.0, 1.0);
}

FaceQuality measured(const ImageView& image, std::span<const Point> landmarks) {
  FaceQuality quality;
  const ChipPoints targets = mean_face_points();
  const cv::Mat rgb = face_chip(image, landmarks, targets, kChip);
  if (rgb.empty()) return quality;
  std::array<Point, 4> points;
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = {landmarks[i].x * image.width, landmarks[i].y * image.height};
  quality.inter_pupil_px = std::hypot(points[1].x - points[0].x, points[1].y - points[0].y);
  if (!(quality.inter_pupil_px >= 1)) return {};
  const Pose pose = pose_of(points);
  quality.yaw_degrees = pose.yaw;
  quality.pitch_degrees = pose.pitch;
  quality.roll_degrees = pose.roll;

  cv::Mat gray;
  cv::cvtColor(rgb, gray, cv::COLOR_RGB2GRAY);
  gray.convertTo(gray, CV_32F);
  // From the brows to the chin, without hair and background.
  const cv::Rect face(kChip / 5, kChip * 18 / 100, kChip * 3 / 5, kChip * 64 / 100);
  const Spread light = spread_of(gray(face));
  quality.brightness = light.mean;
  quality.contrast = light.deviation;
  quality.sharpness = sharpness_of(gray, face, light.deviation);
  quality.occlusion = occlusion_of(gray, targets, light.deviation);
  quality.total = total_of(quality);
  return quality;
}

}  // namespace

FaceQuality face_quality(const ImageView& image, const Box& box, std::span<const Point> landmarks) {
  if (!(box.width > 0) || !(box.height > 0)) return {};
  try {
    return measured(image, landmarks);
  } catch (const std::exception& error) {
    log::debug("models", "the quality of a face cannot be measured: {}", error.what());
    return {};
  }
}

}  // namespace kanhu::models
