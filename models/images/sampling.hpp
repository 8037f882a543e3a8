// SPDX-License-Identifier: MIT
// A turned, scaled or shifted part of a picture as a square of pixels.
#pragma once

#include <span>

#include <opencv2/core.hpp>

#include "media/frame.hpp"

namespace kanhu::models {

// x' = a x - b y + tx, y' = b x + a y + ty.
struct Similarity {
  double a = 1, b = 0, tx = 0, ty = 0;
  double scale() const;
  Point operator()(const Point& point) const { return {a * point.x - b * point.y + tx, b * point.x + a * point.y + ty}; }
};

// Scale 0 when `of` has none.
Similarity inverse(const Similarity& of);

// The similarity without reflection that brings `from` nearest to `to` in the sense of least squares (Umeyama, "Least-squares
// estimation of transformation parameters between two point patterns", 1991). Scale 0 when `from` is one point.
Similarity least_squares_similarity(std::span<const Point> from, std::span<const Point> to);

enum class Outside { kBlack, kNearest };  // what is seen beyond the border of the picture

// 8-bit RGB of `size`, whose point p (px) shows the picture at to_picture(p) (px). Averaged over areas before it is turned when it
// shrinks, bilinear otherwise, so that nothing aliases. Empty when it shows nothing of the picture. Throws cv::Exception only.
cv::Mat sample(const ImageView& image, const Similarity& to_picture, const cv::Size& size, Outside outside);

}  // namespace kanhu::models
