// SPDX-License-Identifier: MIT
// A face cut out of a picture upright and in one size, as embedding networks were trained on.
#pragma once

#include <array>
#include <span>

#include <opencv2/core.hpp>

#include "media/frame.hpp"
#include "models/images/sampling.hpp"

namespace kanhu::models {

// Where right eye, left eye, nose tip and mouth centre come to lie, as fractions of the chip.
using ChipPoints = std::array<Point, 4>;

// dlib's mean face (Kazemi's 68 points as in dlib's get_face_chip_details) with a quarter of its width around it.
ChipPoints mean_face_points();
// The template of ArcFace (Deng et al. 2019), whose two mouth corners are one point here.
ChipPoints arcface_points();

// The chip as 8-bit RGB of `size_px` square; black outside the picture. A face larger than the chip is averaged over areas
// before it is turned, so that nothing aliases. Empty when the points are no face (not finite, in one place, outside the
// picture) or the picture cannot be read. Throws cv::Exception only.
cv::Mat face_chip(const ImageView& image, std::span<const Point> landmarks, const ChipPoints& targets, int size_px);

}  // namespace kanhu::models
