// SPDX-License-Identifier: MIT
// The BlazeFace network itself: a picture of any size in, numbers at two grids out.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <opencv2/dnn.hpp>

namespace kanhu::models {

// One grid of answers, planes one after the other: `anchors` planes of scores (logits), then for every anchor 16 planes of
// values: centre and size of the box, then six points, in px of the input, all but the size relative to the middle of the cell.
struct BlazeFaceGrid {
  int columns = 0, rows = 0, anchors = 0;
  const float* scores = nullptr;
  const float* values = nullptr;
};

// BlazeFace "back" rebuilt from the convolutions of its ONNX file. There it takes 256x256 px only, because the file ends in fixed
// reshapes; but it is fully convolutional, and so one run covers a picture of any size that its steps of 32 px divide. Outputs at
// 256x256 are equal to the file's in every bit. Thread: confined.
class BlazeFaceNet {
 public:
  // Throws cv::Exception or std::runtime_error when these are not BlazeFace's weights.
  explicit BlazeFaceNet(const std::vector<unsigned char>& onnx);

  // Planes of red, green and blue, x / 127.5 - 1, to be filled by the caller before `run`; sides are multiples of 32.
  cv::Mat& input(int width, int height);
  // The grid of 16 px cells (2 anchors, small faces) and the one of 32 px cells (6 anchors); valid until the next run.
  std::pair<BlazeFaceGrid, BlazeFaceGrid> run();

 private:
  struct Sized {
    cv::dnn::Net net;
    cv::Mat input;
    std::vector<cv::Mat> outputs;
    std::uint64_t used = 0;
  };
  std::vector<std::vector<cv::Mat>> convolutions_;  // blobs in the file's order
  std::map<std::pair<int, int>, Sized> sizes_;      // a network that changes its size allocates all of its memory again
  Sized* current_ = nullptr;
  std::vector<cv::String> names_;
  std::uint64_t uses_ = 0;
};

}  // namespace kanhu::models
