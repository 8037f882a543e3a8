// The BlazeFace network itself: a picture of any size in, numbers at two grids out.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <opencv2/core.hpp>

struct blazeface_net;

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
// 256x256 differ from the file's in cv::dnn by less than 1e-3 px. Thread: confined.
class BlazeFaceNet {
 public:
  // Throws cv::Exception or std::runtime_error when these are not BlazeFace's weights.
  explicit BlazeFaceNet(const std::vector<unsigned char>& onnx);

  // `pixels`: CV_32FC3, red, green and blue, x / 127.5 - 1, sides multiples of 32. The grid of 16 px cells (2 anchors, small faces)
  // and the one of 32 px cells (6 anchors); valid until the next run. Throws std::runtime_error.
  std::pair<BlazeFaceGrid, BlazeFaceGrid> run(const cv::Mat& pixels);

 private:
  struct Close {
    void operator()(blazeface_net* net) const;
  };
  std::unique_ptr<blazeface_net, Close> net_;
};

}  // namespace kanhu::models
