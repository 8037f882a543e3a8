// SPDX-License-Identifier: MIT
#include "models/faces/hog.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "models/faces/hog_library.hpp"
#include "models/images/picture.hpp"
#include "models/ranking.hpp"
#include "models/registry.hpp"

namespace kanhu::models {
namespace {

constexpr double kWindow = 80;                // px, the smallest face dlib's detector knows
constexpr double kMostPixels = 1280.0 * 720;  // of the picture that is searched
constexpr double kLeastHogScale = 0.25;
constexpr double kSteepness = 2;
const double kAtMarginZero = std::log(1.5);  // logistic of it is 0.6
constexpr int kMostFaces = 128;

double score_of(double margin) { return 1 / (1 + std::exp(-(kSteepness * margin + kAtMarginZero))); }

double margin_of(double score) {
  const double inner = std::clamp(score, 0.05, 0.999);
  return (std::log(inner / (1 - inner)) - kAtMarginZero) / kSteepness;
}

struct Close {
  void operator()(hog_detector* detector) const { hog_close(detector); }
};

class Hog final : public Detector {
 public:
  Hog(std::unique_ptr<hog_detector, Close> faces, const HogOptions& options)
      : faces_(std::move(faces)), info_{"hog", "face", digest_without_weights("hog", 1)}, options_(options) {}

  const DetectorInfo& info() const override { return info_; }
  std::unique_ptr<DetectorState> make_state() const override { return std::make_unique<DetectorState>(); }

  DetectionResult detect(const ImageView& image, MediaTime, DetectorState&) override {
    if (!is_readable(image)) return {{}, "detector_failed"};
    try {
      return found_in(image);
    } catch (const std::exception& error) {
      log::debug("models", "hog: {}", error.what());
      return {{}, "detector_failed"};
    }
  }

 private:
  DetectionResult found_in(const ImageView& image) {
    const double scale = hog_scale(image.width, image.height, options_.smallest_px);
    const cv::Size size(std::max(1, static_cast<int>(image.width * scale + 0.5)),
                        std::max(1, static_cast<int>(image.height * scale + 0.5)));
    const cv::Mat gray = to_gray(image, size);
    std::array<hog_face, kMostFaces> found{};
    const int count = hog_detect(faces_.get(), gray.data, gray.cols, gray.rows, static_cast<long>(gray.step), margin_of(options_.score_min),
                                 found.data(), kMostFaces);
    if (count < 0) return {{}, "detector_failed"};
    DetectionResult result;
    for (int i = 0; i < count; ++i) {
      const auto& face = found[static_cast<std::size_t>(i)];
      const double width = gray.cols;
      const double height = gray.rows;
      const Box whole{face.left / width, face.top / height, (face.right - face.left) / width, (face.bottom - face.top) / height};
      if (too_small(whole, image, options_.smallest_px)) continue;
      Detection one{"face", score_of(face.margin), inside_picture(whole), {}};
      if (one.score < options_.score_min || one.box.width <= 0 || one.box.height <= 0) continue;
      result.detections.push_back(std::move(one));
    }
    rank(result.detections);
    return result;
  }

  std::unique_ptr<hog_detector, Close> faces_;
  DetectorInfo info_;
  HogOptions options_;
};

}  // namespace

double hog_scale(int width, int height, double smallest_px) {
  const double wanted = kWindow / std::max(smallest_px, 1.0);
  const double affordable = std::sqrt(kMostPixels / (static_cast<double>(width) * height));
  return std::max(std::min({wanted, affordable, 4.0}), std::min(kLeastHogScale, affordable));
}

Result<std::unique_ptr<Detector>> make_hog(const HogOptions& options) {
  std::unique_ptr<hog_detector, Close> faces(hog_open());
  if (!faces) return fail(ErrorKind::kInternal, "hog: dlib's face detector cannot be made");
  return std::make_unique<Hog>(std::move(faces), options);
}

Result<std::unique_ptr<Detector>> make_hog_detector(const DetectorChoice&, const DetectorConfig& config) {
  return make_hog({config.score_min, config.smallest_px});
}

}  // namespace kanhu::models
