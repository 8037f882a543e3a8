#include "models/blazeface.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <opencv2/dnn.hpp>

#include "base/log.hpp"
#include "models/blazeface_decode.hpp"
#include "models/picture.hpp"
#include "models/ranking.hpp"

namespace kanhu::models {
namespace {

// Sees each picture alone: there is nothing to remember.
class NoState final : public DetectorState {};

class BlazeFace final : public Detector {
 public:
  BlazeFace(const cv::dnn::Net& net, std::string digest, const BlazeFaceOptions& options)
      : net_(net), names_(net_.getUnconnectedOutLayersNames()), info_{"blazeface", "face", std::move(digest)}, options_(options) {
    const std::array<int, 4> shape{1, kBlazeFaceInput, kBlazeFaceInput, 3};
    input_.create(4, shape.data(), CV_32F);
  }

  const DetectorInfo& info() const override { return info_; }
  std::unique_ptr<DetectorState> make_state() const override { return std::make_unique<NoState>(); }

  DetectionResult detect(const ImageView& image, MediaTime, DetectorState&) override {
    if (!is_readable(image)) return {{}, "detector_failed"};
    try {
      return found_in(image);
    } catch (const std::exception& error) {
      log::debug("models", "blazeface: {}", error.what());
      return {{}, "detector_failed"};
    }
  }

  // Runs the network once on black; throws when an output has not the expected size.
  void prove() {
    input_.setTo(-1.F);
    run();
  }

 private:
  DetectionResult found_in(const ImageView& image) {
    std::vector<FaceCandidate> candidates;
    for (const auto& patch : plan_patches(image.width, image.height, options_.smallest_px, options_.most_passes)) {
      fill_input(image, patch);
      run();
      decode_blazeface(scores_, values_, patch, image.width, image.height, options_.score_min, candidates);
    }
    DetectionResult result;
    for (const auto& face : suppress_weighted(std::move(candidates))) {
      if (too_small(face.box, image, options_.smallest_px)) continue;
      Detection one{"face", face.score, inside_picture(face.box), {}};
      if (one.box.width <= 0 || one.box.height <= 0) continue;
      for (const auto& point : face.points) one.landmarks.push_back({std::clamp(point.x, 0.0, 1.0), std::clamp(point.y, 0.0, 1.0)});
      result.detections.push_back(std::move(one));
    }
    rank(result.detections);
    return result;
  }

  // RGB, rows of pixels (NHWC), x / 127.5 - 1; black outside the picture.
  void fill_input(const ImageView& image, const Patch& patch) {
    const cv::Mat rgb = to_rgb(image, {patch.x, patch.y, patch.width, patch.height}, {patch.scaled_width(), patch.scaled_height()});
    input_.setTo(-1.F);
    cv::Mat canvas(kBlazeFaceInput, kBlazeFaceInput, CV_32FC3, input_.ptr<float>());
    cv::Mat place = canvas(cv::Rect(patch.left(), patch.top(), rgb.cols, rgb.rows));
    rgb.convertTo(place, CV_32FC3, 1 / 127.5, -1);
  }

  // Four outputs, told apart by their size: scores and values of the 16x16 and of the 8x8 grid.
  void run() {
    net_.setInput(input_);
    outputs_.clear();
    net_.forward(outputs_, names_);
    const auto part = [this](std::size_t count) -> const float* {
      for (const auto& output : outputs_) {
        if (output.total() == count && output.type() == CV_32F && output.isContinuous()) return output.ptr<float>();
      }
      throw std::runtime_error(fmt::format("no output of {} numbers", count));
    };
    constexpr std::size_t kFine = 512;
    constexpr std::size_t kCoarse = 384;
    static_assert(kFine + kCoarse == kBlazeFaceAnchors);
    scores_.assign(part(kFine), part(kFine) + kFine);
    scores_.insert(scores_.end(), part(kCoarse), part(kCoarse) + kCoarse);
    values_.assign(part(kFine * kBlazeFaceValues), part(kFine * kBlazeFaceValues) + kFine * kBlazeFaceValues);
    values_.insert(values_.end(), part(kCoarse * kBlazeFaceValues), part(kCoarse * kBlazeFaceValues) + kCoarse * kBlazeFaceValues);
  }

  cv::dnn::Net net_;
  std::vector<cv::String> names_;
  DetectorInfo info_;
  BlazeFaceOptions options_;
  cv::Mat input_;
  std::vector<cv::Mat> outputs_;
  std::vector<float> scores_;
  std::vector<float> values_;
};

}  // namespace

Result<std::unique_ptr<Detector>> make_blazeface(const std::vector<unsigned char>& weights, std::string digest,
                                                 const BlazeFaceOptions& options) {
  try {
    auto net = cv::dnn::readNetFromONNX(reinterpret_cast<const char*>(weights.data()), weights.size());
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    auto detector = std::make_unique<BlazeFace>(net, std::move(digest), options);
    detector->prove();
    return detector;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, fmt::format("blazeface: the network cannot be loaded: {}", error.what()));
  }
}

}  // namespace kanhu::models
