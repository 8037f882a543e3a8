// SPDX-License-Identifier: MIT
// How good a shot of a face is.
#pragma once

#include <span>

#include "media/detection.hpp"
#include "media/face_quality.hpp"

namespace kanhu::models {

// `landmarks`: at least right eye, left eye, nose tip, mouth centre of the person, in fractions of the picture (BlazeFace's
// order); more are ignored. All of FaceQuality, or `total` 0 when the points are no face (eyes in one place, outside the
// picture). Reads pixels of `image` (kI420, kNv12, kGray8, kBgr24) around the face only. Never throws.
FaceQuality face_quality(const ImageView& image, const Box& box, std::span<const Point> landmarks);

}  // namespace kanhu::models
