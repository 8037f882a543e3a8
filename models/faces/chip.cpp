// SPDX-License-Identifier: MIT
#include "models/faces/chip.hpp"

#include <cmath>

#include "models/images/picture.hpp"

namespace kanhu::models {
namespace {

constexpr double kPadding = 0.25;  // of the mean face's width, on every side

// px of the chip per px of the picture; outside these the points say nothing about where the face is.
constexpr double kLeastScale = 1e-3;
constexpr double kLargestScale = 150;  // the whole chip shows one pixel

}  // namespace

ChipPoints mean_face_points() {
  // Means over points 36-41, 42-47, 30, and 48 with 54 of dlib's mean shape.
  constexpr std::array<Point, 4> kMean{Point{0.2270, 0.2126}, {0.7532, 0.2126}, {0.4901, 0.5156}, {0.4901, 0.7802}};
  ChipPoints points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = {(kPadding + kMean[i].x) / (2 * kPadding + 1), (kPadding + kMean[i].y) / (2 * kPadding + 1)};
  }
  return points;
}

ChipPoints arcface_points() {
  constexpr double kSize = 112;
  return {Point{38.2946 / kSize, 51.6963 / kSize},
          {73.5318 / kSize, 51.5014 / kSize},
          {56.0252 / kSize, 71.7366 / kSize},
          {(41.5493 + 70.7299) / 2 / kSize, (92.3655 + 92.2041) / 2 / kSize}};
}

cv::Mat face_chip(const ImageView& image, std::span<const Point> landmarks, const ChipPoints& targets, int size_px) {
  if (landmarks.size() < targets.size() || !is_readable(image)) return {};
  std::array<Point, 4> from, to;
  for (std::size_t i = 0; i < to.size(); ++i) {
    from[i] = {landmarks[i].x * image.width, landmarks[i].y * image.height};
    to[i] = {targets[i].x * size_px, targets[i].y * size_px};
    if (!std::isfinite(from[i].x) || !std::isfinite(from[i].y)) return {};
  }
  const Similarity forward = least_squares_similarity(from, to);
  const double scale = forward.scale();
  if (!(scale > kLeastScale) || !(scale < kLargestScale)) return {};

  return sample(image, inverse(forward), {size_px, size_px}, Outside::kBlack);
}

}  // namespace kanhu::models
