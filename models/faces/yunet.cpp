// SPDX-License-Identifier: MIT
#include "models/faces/yunet.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <opencv2/dnn.hpp>

#include "models/registry.hpp"

namespace kanhu::models {
namespace {

constexpr std::array<int, 3> kStrides{8, 16, 32};

class YuNet final : public FaceNetwork {
 public:
  explicit YuNet(const std::vector<unsigned char>& weights)
      : net_(cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(weights.data()), weights.size())) {
    net_.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net_.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    for (const char* what : {"cls", "obj", "bbox", "kps"}) {
      for (const int stride : kStrides) names_.push_back(fmt::format("{}_{}", what, stride));
    }
  }

  void find(const cv::Mat& pixels, const Look& look, int width, int height, double score_min, std::vector<FaceCandidate>& into) override {
    // The network takes blue first, 0 to 255.
    net_.setInput(cv::dnn::blobFromImage(pixels, 1, {}, {}, true));
    outputs_.clear();
    net_.forward(outputs_, names_);
    for (std::size_t i = 0; i < kStrides.size(); ++i) {
      const int cells = (look.width / kStrides[i]) * (look.height / kStrides[i]);
      const auto part = [&](std::size_t what, std::size_t each) {
        const std::size_t count = static_cast<std::size_t>(cells) * each;
        const auto& output = outputs_.at(what * kStrides.size() + i);
        if (output.type() != CV_32F || !output.isContinuous() || output.total() != count) {
          throw std::runtime_error(fmt::format("{} has not {} numbers", names_[what * kStrides.size() + i], count));
        }
        return output.ptr<float>();
      };
      decode_yunet(part(0, 1), part(1, 1), part(2, 4), part(3, 10), kStrides[i], look, width, height, score_min, into);
    }
  }

 private:
  cv::dnn::Net net_;
  std::vector<cv::String> names_;
  std::vector<cv::Mat> outputs_;
};

}  // namespace

void decode_yunet(const float* classes, const float* objects, const float* boxes, const float* points, int stride, const Look& look,
                  int width, int height, double score_min, std::vector<FaceCandidate>& into) {
  const int columns = look.width / stride, rows = look.height / stride;
  for (int cell = 0; cell < columns * rows; ++cell) {
    const double score = std::sqrt(std::clamp<double>(classes[cell], 0, 1) * std::clamp<double>(objects[cell], 0, 1));
    if (!(score >= score_min)) continue;
    const int at_row = cell / columns;
    const double column = cell % columns, row = at_row;
    const float* box = boxes + static_cast<std::ptrdiff_t>(4) * cell;
    const float* point = points + static_cast<std::ptrdiff_t>(10) * cell;
    if (!std::all_of(box, box + 4, [](float number) { return std::isfinite(number) && std::abs(number) < 50; })) continue;
    if (!std::all_of(point, point + 10, [](float number) { return std::isfinite(number); })) continue;
    const auto at = [&](int i) { return Point{(column + point[2 * i]) * stride, (row + point[2 * i + 1]) * stride}; };
    const Point right = at(3), left = at(4);
    const std::array<Point, 6> all{at(0), at(1), at(2), {(right.x + left.x) / 2, (right.y + left.y) / 2}, right, left};
    into.push_back(to_candidate(score, {(column + box[0]) * stride, (row + box[1]) * stride}, std::exp(box[2]) * stride,
                                std::exp(box[3]) * stride, all, look, width, height));
  }
}

FaceSearchOptions yunet_options() {
  FaceSearchOptions options;
  options.smallest_input_px = 12;
  options.most_pixels = 5 * 65536;  // as long as BlazeFace's 3
  return options;
}

Result<std::unique_ptr<Detector>> make_yunet(const std::vector<unsigned char>& weights, std::string digest,
                                             const FaceSearchOptions& options) {
  try {
    auto network = std::make_unique<YuNet>(weights);
    std::vector<FaceCandidate> none;
    network->find(cv::Mat(64, 64, CV_8UC3, cv::Scalar()), {{}, 64, 64}, 64, 64, 0.6, none);
    return make_face_search(std::move(network), {"yunet", "face", std::move(digest)}, options);
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, fmt::format("yunet: the network cannot be loaded: {}", error.what()));
  }
}

Result<std::unique_ptr<Detector>> make_yunet_detector(const DetectorChoice& choice, const DetectorConfig& config) {
  auto weights = weights_of(choice);
  if (!weights) return tl::unexpected(weights.error());
  FaceSearchOptions options = yunet_options();
  options.score_min = config.score_min;
  options.smallest_px = config.smallest_px;
  return make_yunet(weights->bytes, std::move(weights->digest), options);
}

}  // namespace kanhu::models
