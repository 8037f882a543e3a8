// SPDX-License-Identifier: MIT
// Borrowed pixels -> cv::Mat in the size, part and channel order a detector wants.
#pragma once

#include <opencv2/core.hpp>

#include "media/frame.hpp"

namespace kanhu::models {

// True when the view has a size, planes and strides that can be read as one of kGray8, kBgr24, kI420, kNv12.
bool is_readable(const ImageView& image);

// The part `source` (pixels, inside the picture, not empty) as 8-bit RGB of `size`. Area averaging when it shrinks,
// bilinear when it grows. YUV is taken as BT.601 limited range: the frame carries no colorimetry, and a detector does
// not see the difference to BT.709. Resizing comes before colour conversion: for 1280x720 -> 256x144 that is 1/25 of
// the colour work. Throws cv::Exception only.
cv::Mat to_rgb(const ImageView& image, const cv::Rect& source, const cv::Size& size);

// The whole picture as 8-bit grey of `size`; luma is taken as it is. Throws cv::Exception only.
cv::Mat to_gray(const ImageView& image, const cv::Size& size);

// Whether sensor noise hides what is small: over 5 levels, and over a fifth of the picture's own contrast. The noise is that of
// Immerkaer, "Fast noise variance estimation", 1996, in the middle of the picture.
bool is_noisy(const ImageView& image);

// As is_readable, and temperatures.
bool has_pixels(const ImageView& image);
// What people look at, of `size`: RGB, or grey of a grey picture and of temperatures (black the coolest, white the warmest). The picture
// has pixels.
cv::Mat for_people(const ImageView& image, const cv::Size& size);

}  // namespace kanhu::models
