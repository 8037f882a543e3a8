#include "models/blazeface_net.hpp"

#include <array>
#include <stdexcept>

#include <opencv2/dnn.hpp>

#include "models/blazeface_kernel.hpp"

namespace kanhu::models {

void BlazeFaceNet::Close::operator()(blazeface_net* net) const { blazeface_close(net); }

BlazeFaceNet::BlazeFaceNet(const std::vector<unsigned char>& onnx) {
  auto file = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(onnx.data()), onnx.size());
  std::vector<std::vector<cv::Mat>> blobs;  // what the convolutions point to
  for (const auto& name : file.getLayerNames()) {
    const auto layer = file.getLayer(file.getLayerId(name));
    if (layer->type == "Convolution") blobs.push_back(layer->blobs);
  }
  std::vector<blazeface_convolution> convolutions;
  for (const auto& blob : blobs) {
    const cv::Mat& weights = blob.at(0);
    const bool whole = weights.dims == 4 && weights.type() == CV_32F && weights.isContinuous() && weights.size[2] == weights.size[3];
    if (!whole) throw std::runtime_error("a convolution has another shape");
    const bool biased = blob.size() > 1 && blob[1].type() == CV_32F && blob[1].total() == static_cast<std::size_t>(weights.size[0]);
    if (blob.size() > 1 && !biased) throw std::runtime_error("a bias has another shape");
    convolutions.push_back(
        {weights.ptr<float>(), biased ? blob[1].ptr<float>() : nullptr, weights.size[0], weights.size[1], weights.size[2]});
  }
  net_.reset(blazeface_open(convolutions.data(), static_cast<int>(convolutions.size())));
  if (!net_) throw std::runtime_error("its convolutions are not BlazeFace's");
}

std::pair<BlazeFaceGrid, BlazeFaceGrid> BlazeFaceNet::run(const cv::Mat& pixels) {
  if (pixels.type() != CV_32FC3 || !pixels.isContinuous() || pixels.cols % 32 != 0 || pixels.rows % 32 != 0 || pixels.empty()) {
    throw std::runtime_error("a picture whose sides 32 does not divide");
  }
  std::array<const float*, 4> outputs{};
  if (blazeface_run(net_.get(), pixels.ptr<float>(), pixels.cols, pixels.rows, outputs.data()) != 0) {
    throw std::runtime_error("not enough memory");
  }
  return {{pixels.cols / 16, pixels.rows / 16, 2, outputs[0], outputs[1]}, {pixels.cols / 32, pixels.rows / 32, 6, outputs[2], outputs[3]}};
}

}  // namespace kanhu::models
