// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include <opencv2/dnn.hpp>

#include "base/result.hpp"

namespace kanhu::models {

inline constexpr int kDlibResnetInput = 150;      // px, square
inline constexpr int kDlibResnetDimension = 128;  // numbers

// dlib's face recognition network (King, "High quality face recognition with deep metric learning", 2017: ResNet-29 after He et
// al. 2016) as a cv::dnn graph. `weights` are the numbers as face-api stores them, one byte or one float32 each, `layout` the
// JSON beside them that says which: names, shapes, scale and offset. Input 1x3x150x150 RGB, (x - mean) / 256; output 1x128.
// kCorrupt names the tensor that is missing or has another shape, or bytes that are left over.
Result<cv::dnn::Net> make_dlib_resnet(const std::vector<unsigned char>& weights, std::string_view layout);

}  // namespace kanhu::models
