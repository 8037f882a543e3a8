// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "models/faces/search.hpp"

namespace kanhu::models {

// YuNet (Wu, Peng, Yu, "YuNet: A tiny millisecond-level face detector", 2023), the file of March 2023, whose twelve outputs are decoded
// here: label "face", score = sqrt(class * objectness), landmarks: the person's right eye, left eye, nose tip, mouth centre, right
// and left corner of the mouth. `weights` and `digest` as for make_blazeface. kCorrupt.
Result<std::unique_ptr<Detector>> make_yunet(const std::vector<unsigned char>& weights, std::string digest,
                                             const FaceSearchOptions& options);

// What it needs of its input; score_min and smallest_px are the caller's.
FaceSearchOptions yunet_options();

// The answer at one stride. `classes` and `objects`: a number a cell; `boxes`: 4 a cell (centre from the cell's corner and logarithm of
// the size, in strides); `points`: 10 a cell (right eye, left eye, nose, corners of the mouth, in strides from the cell's corner).
void decode_yunet(const float* classes, const float* objects, const float* boxes, const float* points, int stride, const Look& look,
                  int width, int height, double score_min, std::vector<FaceCandidate>& into);

}  // namespace kanhu::models
