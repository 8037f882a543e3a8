// SPDX-License-Identifier: MIT
// The order and the bounds every detector's answer keeps.
#pragma once

#include <algorithm>
#include <tuple>
#include <vector>

#include "media/detection.hpp"

namespace kanhu::models {

// Falling score; ties by x, then y (detector.hpp).
inline void rank(std::vector<Detection>& detections) {
  std::stable_sort(detections.begin(), detections.end(), [](const Detection& a, const Detection& b) {
    return std::tuple(-a.score, a.box.x, a.box.y) < std::tuple(-b.score, b.box.x, b.box.y);
  });
}

// The part of the box inside the picture; nothing of it left: width or height is 0.
inline Box inside_picture(const Box& box) {
  const double left = std::clamp(box.x, 0.0, 1.0);
  const double top = std::clamp(box.y, 0.0, 1.0);
  return {left, top, std::clamp(box.x + box.width, 0.0, 1.0) - left, std::clamp(box.y + box.height, 0.0, 1.0) - top};
}

// A face of exactly `smallest_px` counts, although boxes around the same face differ by a fifth: with a bound of 1.0
// instead of 0.8, BlazeFace kept 42 % of the faces 20 px wide at smallest_px 20, although it had found all of them.
inline bool too_small(const Box& face, const ImageView& image, double smallest_px) { return face.width * image.width < 0.8 * smallest_px; }

}  // namespace kanhu::models
