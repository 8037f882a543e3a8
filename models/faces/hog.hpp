// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "base/result.hpp"
#include "models/detector.hpp"

namespace kanhu::models {

struct HogOptions {
  double score_min = 0.6;
  double smallest_px = 20;
};

// dlib's frontal face detector: needs no file, finds upright faces of 80 px and more. Smaller ones are reached by
// enlarging the picture, as far as 1280x720 pixels go; beyond that smallest_px is a wish (docs/design/0003-detectors.md).
// Label "face"; score = logistic(2 * margin + ln 1.5), so that dlib's own decision (margin 0) is 0.6; no landmarks.
Result<std::unique_ptr<Detector>> make_hog(const HogOptions& options);

// The scale at which a picture is searched: up to bring smallest_px to dlib's window, down when that is enough.
double hog_scale(int width, int height, double smallest_px);

}  // namespace kanhu::models
