// SPDX-License-Identifier: MIT
#include "models/images/sampling.hpp"

#include <algorithm>
#include <cmath>

#include <opencv2/imgproc.hpp>

#include "models/images/picture.hpp"

namespace kanhu::models {

double Similarity::scale() const { return std::hypot(a, b); }

Similarity inverse(const Similarity& of) {
  const double squared = of.a * of.a + of.b * of.b;
  if (!(squared > 0)) return {0, 0, 0, 0};
  const double a = of.a / squared, b = -of.b / squared;
  return {a, b, -a * of.tx + b * of.ty, -b * of.tx - a * of.ty};
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

cv::Mat sample(const ImageView& image, const Similarity& to_picture, const cv::Size& size, Outside outside) {
  double left = 1e9, top = 1e9, right = -1e9, bottom = -1e9;
  for (const Point corner : {Point{0, 0}, Point{1, 0}, Point{0, 1}, Point{1, 1}}) {
    const Point at = to_picture({corner.x * size.width, corner.y * size.height});
    left = std::min(left, at.x), right = std::max(right, at.x), top = std::min(top, at.y), bottom = std::max(bottom, at.y);
  }
  const double step = to_picture.scale();  // px of the picture per px of the result
  const double around = 2 + step;
  const auto inside = [](double value, int side) { return static_cast<int>(std::clamp<double>(value, 0, side)); };
  const int x0 = inside(left - around, image.width), y0 = inside(top - around, image.height);
  const int x1 = inside(right + around, image.width), y1 = inside(bottom + around, image.height);
  if (x1 <= x0 || y1 <= y0) return {};

  const cv::Rect part(x0, y0, x1 - x0, y1 - y0);
  const double shrink = std::min(1.0, 1 / step);
  const cv::Size shrunk(std::max(1, static_cast<int>(std::lround(part.width * shrink))),
                        std::max(1, static_cast<int>(std::lround(part.height * shrink))));
  const cv::Mat pixels = to_rgb(image, part, shrunk);
  // Centres of pixels, not their corners, lie on each other: hence the halves.
  const Similarity& t = to_picture;
  const double per_x = static_cast<double>(shrunk.width) / part.width, per_y = static_cast<double>(shrunk.height) / part.height;
  const double shift_x = t.tx + 0.5 * (t.a - t.b) - x0, shift_y = t.ty + 0.5 * (t.a + t.b) - y0;
  const cv::Matx23d back(t.a * per_x, -t.b * per_x, shift_x * per_x - 0.5, t.b * per_y, t.a * per_y, shift_y * per_y - 0.5);
  cv::Mat result;
  cv::warpAffine(pixels, result, back, size, cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                 outside == Outside::kBlack ? cv::BORDER_CONSTANT : cv::BORDER_REPLICATE, cv::Scalar());
  return result;
}

}  // namespace kanhu::models
