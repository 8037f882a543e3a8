// SPDX-License-Identifier: MIT
#include "models/faces/blazeface_net.hpp"

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace kanhu::models {
namespace {

constexpr std::size_t kConvolutions = 1 + 2 * 32 + 4;
constexpr std::size_t kMostSizes = 4;  // of a source's full look, its coarse look, second looks; 3 to 25 MB each

using Blobs = std::vector<std::vector<cv::Mat>>;

// Figure 2 and table 2 of the paper: blocks of a depthwise 5x5 (here 3x3) and a pointwise convolution around a short cut.
class BlazeFaceGraph {
 public:
  explicit BlazeFaceGraph(const Blobs& blobs) : blobs_(blobs) {
    last_ = relu(convolution(0, 2, false));
    for (int level = 0; level < 4; ++level) {
      if (level > 0) block(2);
      for (int i = 0; i < 7; ++i) block(1);
    }
    const int fine = last_;
    const int depthwise = convolution(next_, 2, true);
    last_ = depthwise;
    const int coarse = relu(convolution(next_ + 1, 1, false));
    const std::size_t head = next_ + 2;
    last_ = coarse;
    outputs = {name_of(convolution(head + 3, 1, false, fine)), name_of(convolution(head + 2, 1, false, fine)),
               name_of(convolution(head + 1, 1, false, coarse)), name_of(convolution(head, 1, false, coarse))};
  }

  cv::dnn::Net net;
  std::vector<cv::String> outputs;  // scores and values of the fine grid, then of the coarse one

 private:
  int channels(std::size_t which) const { return blobs_.at(which).front().size[0]; }

  int convolution(std::size_t which, int stride, bool depthwise) { return convolution(which, stride, depthwise, last_); }
  int convolution(std::size_t which, int stride, bool depthwise, int from) {
    cv::dnn::LayerParams params;
    params.blobs = blobs_.at(which);
    params.set("kernel_size", params.blobs[0].size[2]);
    params.set("stride", stride);
    params.set("num_output", channels(which));
    params.set("pad_mode", cv::String("SAME"));
    params.set("group", depthwise ? channels(which) : 1);
    params.set("bias_term", params.blobs.size() > 1);
    return add("Convolution", params, {from});
  }

  int relu(int from) {
    cv::dnn::LayerParams params;
    return add("ReLU", params, {from});
  }

  void block(int stride) {
    const int before = blobs_.at(next_).front().size[0];
    int around = last_;
    const int after = channels(next_ + 1);
    last_ = convolution(next_, stride, true);
    const int through = convolution(next_ + 1, 1, false);
    next_ += 2;
    if (stride == 2) {
      cv::dnn::LayerParams params;
      params.set("pool", cv::String("max"));
      params.set("kernel_size", 2);
      params.set("stride", 2);
      params.set("pad_mode", cv::String("VALID"));
      around = add("Pooling", params, {around});
    }
    if (after > before) {
      std::array<int, 8> paddings{0, 0, 0, after - before, 0, 0, 0, 0};
      cv::dnn::LayerParams params;
      params.set("paddings", cv::dnn::DictValue::arrayInt(paddings.data(), static_cast<int>(paddings.size())));
      params.set("value", 0.0);
      around = add("Padding", params, {around});
    }
    cv::dnn::LayerParams params;
    params.set("operation", cv::String("sum"));
    last_ = relu(add("Eltwise", params, {through, around}));
  }

  int add(const char* type, cv::dnn::LayerParams& params, std::initializer_list<int> inputs) {
    params.type = type;
    params.name = fmt::format("layer{}", count_++);
    const int id = net.addLayer(params.name, type, params);
    int port = 0;
    for (const int input : inputs) net.connect(input, 0, id, port++);
    return id;
  }

  cv::String name_of(int id) { return net.getLayer(id)->name; }

  const Blobs& blobs_;
  std::size_t next_ = 1;  // convolution
  int last_ = 0;          // layer
  int count_ = 0;
};

BlazeFaceGrid grid_of(const cv::Mat& scores, const cv::Mat& values) {
  BlazeFaceGrid grid{scores.size[3], scores.size[2], scores.size[1], scores.ptr<float>(), values.ptr<float>()};
  if (scores.type() != CV_32F || values.type() != CV_32F || values.size[1] != 16 * grid.anchors || values.size[2] != grid.rows ||
      values.size[3] != grid.columns) {
    throw std::runtime_error("an output has not the expected shape");
  }
  return grid;
}

}  // namespace

BlazeFaceNet::BlazeFaceNet(const std::vector<unsigned char>& onnx) {
  auto file = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(onnx.data()), onnx.size());
  for (const auto& name : file.getLayerNames()) {
    const auto layer = file.getLayer(file.getLayerId(name));
    if (layer->type == "Convolution") convolutions_.push_back(layer->blobs);
  }
  if (convolutions_.size() != kConvolutions) {
    throw std::runtime_error(fmt::format("{} convolutions, {} expected", convolutions_.size(), kConvolutions));
  }
}

cv::Mat& BlazeFaceNet::input(int width, int height) {
  const std::pair key(width, height);
  if (!sizes_.contains(key) && sizes_.size() >= kMostSizes) {
    auto oldest = sizes_.begin();
    for (auto it = sizes_.begin(); it != sizes_.end(); ++it) {
      if (it->second.used < oldest->second.used) oldest = it;
    }
    sizes_.erase(oldest);
  }
  auto& sized = sizes_[key];
  if (sized.input.empty()) {
    const std::array<int, 4> shape{1, 3, height, width};
    sized.input.create(4, shape.data(), CV_32F);
  }
  sized.used = ++uses_;
  current_ = &sized;
  return sized.input;
}

std::pair<BlazeFaceGrid, BlazeFaceGrid> BlazeFaceNet::run() {
  auto& sized = *current_;
  if (sized.net.empty()) {
    BlazeFaceGraph graph(convolutions_);
    sized.net = graph.net;
    sized.net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    sized.net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    names_ = graph.outputs;
  }
  sized.net.setInput(sized.input);
  sized.net.forward(sized.outputs, names_);
  return {grid_of(sized.outputs.at(0), sized.outputs.at(1)), grid_of(sized.outputs.at(2), sized.outputs.at(3))};
}

}  // namespace kanhu::models
