#include "models/face_chip.hpp"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "models/picture.hpp"

namespace kanhu::models {
namespace {

constexpr double kPadding = 0.25;  // of the mean face's width, on every side

// px of the chip per px of the picture; outside these the points say nothing about where the face is.
constexpr double kLeastScale = 1e-3;
constexpr double kLargestScale = 150;  // the whole chip shows one pixel

}  // namespace

double Similarity::scale() const { return std::hypot(a, b); }

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

Similarity least_squares_similarity(std::span<const Point> from, std::span<const Point> to) {
  const std::size_t count = std::min(from.size(), to.size());
  if (count == 0) return {0, 0, 0, 0};
  Point from_mean, to_mean;
  for (std::size_t i = 0; i < count; ++i) {
    from_mean = {from_mean.x + from[i].x / static_cast<double>(count), from_mean.y + from[i].y / static_cast<double>(count)};
    to_mean = {to_mean.x + to[i].x / static_cast<double>(count), to_mean.y + to[i].y / static_cast<double>(count)};
  }
  // In two dimensions Umeyama's singular value decomposition is one complex division.
  double spread = 0, along = 0, across = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = from[i].x - from_mean.x, y = from[i].y - from_mean.y;
    const double u = to[i].x - to_mean.x, v = to[i].y - to_mean.y;
    spread += x * x + y * y;
    along += x * u + y * v;
    across += x * v - y * u;
  }
  if (!(spread > 0)) return {0, 0, 0, 0};
  const double a = along / spread, b = across / spread;
  return {a, b, to_mean.x - a * from_mean.x + b * from_mean.y, to_mean.y - b * from_mean.x - a * from_mean.y};
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

  // The corners of the chip in the picture: the inverse of a similarity is one.
  const double a = forward.a / (scale * scale), b = -forward.b / (scale * scale);
  double left = 1e9, top = 1e9, right = -1e9, bottom = -1e9;
  for (const Point corner : {Point{0, 0}, Point{1, 0}, Point{0, 1}, Point{1, 1}}) {
    const double u = corner.x * size_px - forward.tx, v = corner.y * size_px - forward.ty;
    const double x = a * u - b * v, y = b * u + a * v;
    left = std::min(left, x), right = std::max(right, x), top = std::min(top, y), bottom = std::max(bottom, y);
  }
  const double around = 2 + 1 / scale;
  const auto inside = [](double value, int side) { return static_cast<int>(std::clamp<double>(value, 0, side)); };
  const int x0 = inside(left - around, image.width), y0 = inside(top - around, image.height);
  const int x1 = inside(right + around, image.width), y1 = inside(bottom + around, image.height);
  if (x1 <= x0 || y1 <= y0) return {};

  const cv::Rect part(x0, y0, x1 - x0, y1 - y0);
  const double shrink = std::min(1.0, scale);
  const cv::Size size(std::max(1, static_cast<int>(std::lround(part.width * shrink))),
                      std::max(1, static_cast<int>(std::lround(part.height * shrink))));
  const cv::Mat pixels = to_rgb(image, part, size);
  // Centres of pixels, not their corners, lie on each other: hence the halves.
  const double step_x = static_cast<double>(part.width) / size.width, step_y = static_cast<double>(part.height) / size.height;
  const double shift_x = x0 + 0.5 * step_x, shift_y = y0 + 0.5 * step_y;
  const cv::Matx23d turn(forward.a * step_x, -forward.b * step_y, forward.a * shift_x - forward.b * shift_y + forward.tx - 0.5,
                         forward.b * step_x, forward.a * step_y, forward.b * shift_x + forward.a * shift_y + forward.ty - 0.5);
  cv::Mat chip;
  cv::warpAffine(pixels, chip, turn, {size_px, size_px}, cv::INTER_LINEAR, cv::BORDER_CONSTANT, cv::Scalar());
  return chip;
}

}  // namespace kanhu::models
