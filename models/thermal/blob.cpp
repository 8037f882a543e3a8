// SPDX-License-Identifier: MIT
#include "models/thermal/blob.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/imgproc.hpp>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "models/images/picture.hpp"
#include "models/ranking.hpp"
#include "models/registry.hpp"

namespace kanhu::models {
namespace {

// The working picture: 320 px hold a person 20 px wide in a 1280 px picture as 5 px, enough for a blob.
constexpr double kWorkingSide = 320;
constexpr double kNoiseFactor = 6;      // threshold in standard deviations of the noise
constexpr double kLeastThreshold = 10;  // grey levels; below it codec blocks and drift look like warmth
constexpr double kMostThreshold = 60;   // warmth of a person in a busy room still exceeds it
// Spread of the differences from the background, in levels, beyond which it is another scene (or noise that drowns
// everybody). Five people crossing a 512x512 picture exceed it in 3 of 94 pictures, by 10 in 5.
constexpr double kOtherScene = 15;
constexpr double kSettling_s = 2;  // at first the background follows fast, to average the noise out of itself
constexpr double kFast_s = 0.5;
constexpr double kSlow_s = 20;
constexpr double kLeastFill = 0.2;  // blob area over box area; scattered noise joined by closing is thinner

struct ThermalState final : DetectorState {
  cv::Mat background;  // CV_32F of working size, empty before the first picture
  MediaTime start{};
  MediaTime last{};
};

// Median of a float picture whose values are grey-level differences, to 1/8 level: exact enough and independent of order.
double median_of(const cv::Mat& values) {
  constexpr int kSteps = 8;
  constexpr int kOffset = 255 * kSteps;
  std::vector<int> histogram(2 * kOffset + 1, 0);
  for (int row = 0; row < values.rows; ++row) {
    const auto* line = values.ptr<float>(row);
    for (int column = 0; column < values.cols; ++column) {
      const long step = std::lround(line[column] * kSteps);
      ++histogram[static_cast<std::size_t>(std::clamp<long>(step, -kOffset, kOffset) + kOffset)];
    }
  }
  const auto half = static_cast<long>(values.total() / 2);
  long seen = 0;
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    seen += histogram[i];
    if (seen > half) return (static_cast<double>(i) - kOffset) / kSteps;
  }
  return 0;
}

class ThermalBlob final : public Detector {
 public:
  explicit ThermalBlob(const ThermalBlobOptions& options)
      : info_{"thermal-blob", "person", digest_without_weights("thermal-blob", 1)}, options_(options) {}

  const DetectorInfo& info() const override { return info_; }
  std::unique_ptr<DetectorState> make_state() const override { return std::make_unique<ThermalState>(); }

  DetectionResult detect(const ImageView& image, MediaTime time, DetectorState& state) override {
    auto* thermal = dynamic_cast<ThermalState*>(&state);
    if (thermal == nullptr || !is_readable(image)) return {{}, "detector_failed"};
    try {
      return found_in(image, time, *thermal);
    } catch (const std::exception& error) {
      log::debug("models", "thermal-blob: {}", error.what());
      return {{}, "detector_failed"};
    }
  }

 private:
  DetectionResult found_in(const ImageView& image, MediaTime time, ThermalState& state) {
    const double scale = std::min(1.0, kWorkingSide / std::max(image.width, image.height));
    const cv::Size size(std::max(1, static_cast<int>(image.width * scale + 0.5)),
                        std::max(1, static_cast<int>(image.height * scale + 0.5)));
    cv::Mat picture;
    to_gray(image, size).convertTo(picture, CV_32F);
    cv::GaussianBlur(picture, picture, {3, 3}, 0);
    double least = 0;
    double most = 0;
    cv::minMaxLoc(picture, &least, &most);
    // One single level (a closed shutter, a covered lens) shows nobody; nor does it teach anything.
    if (most - least < 1) return {{}, "low_contrast"};
    if (state.background.size() != size) {
      state.background = picture;
      state.start = state.last = time;
      return headroom(picture) < kLeastThreshold ? DetectionResult{{}, "low_contrast"} : DetectionResult{};
    }

    cv::Mat warmth = picture - state.background;
    const double shift = median_of(warmth);
    warmth -= shift;
    state.background += shift;
    // Median absolute deviation as the noise's scale: half of the picture may be people before it gives way.
    const double noise = 1.4826 * median_of(cv::abs(warmth));
    const double threshold = std::clamp(kNoiseFactor * noise, kLeastThreshold, kMostThreshold);
    if (noise > kOtherScene) {
      state.background = picture;
      state.start = state.last = time;
      return {{}, "scene_changed"};
    }
    if (headroom(state.background) < threshold) return {{}, "low_contrast"};

    const cv::Mat mask = warm_mask(warmth, threshold);
    DetectionResult result = blobs(mask, warmth, threshold, image);
    learn(state, picture, mask, warmth, threshold, time);
    return result;
  }

  // Grey levels left above the typical background.
  static double headroom(const cv::Mat& picture) { return 255 - median_of(picture); }

  static cv::Mat warm_mask(const cv::Mat& warmth, double threshold) {
    cv::Mat mask = warmth > threshold;
    cv::morphologyEx(mask, mask, cv::MORPH_OPEN, cv::getStructuringElement(cv::MORPH_RECT, {3, 3}));
    // Clothes hide warmth: head, hands and legs of one person are joined along the height.
    const int reach = std::max(3, mask.rows / 20) | 1;
    cv::morphologyEx(mask, mask, cv::MORPH_CLOSE, cv::getStructuringElement(cv::MORPH_RECT, {3, reach}));
    return mask;
  }

  DetectionResult blobs(const cv::Mat& mask, const cv::Mat& warmth, double threshold, const ImageView& image) const {
    cv::Mat labels;
    cv::Mat stats;
    cv::Mat centres;
    const int count = cv::connectedComponentsWithStats(mask, labels, stats, centres, 8, CV_32S);
    std::vector<double> sums(static_cast<std::size_t>(count), 0.0);
    for (int row = 0; row < labels.rows; ++row) {
      const auto* label = labels.ptr<int>(row);
      const auto* value = warmth.ptr<float>(row);
      for (int column = 0; column < labels.cols; ++column) sums[static_cast<std::size_t>(label[column])] += value[column];
    }
    DetectionResult result;
    for (int i = 1; i < count; ++i) {
      const double area = stats.at<int>(i, cv::CC_STAT_AREA);
      const double width = stats.at<int>(i, cv::CC_STAT_WIDTH);
      const double height = stats.at<int>(i, cv::CC_STAT_HEIGHT);
      const double width_px = width * image.width / mask.cols;
      const double height_px = height * image.height / mask.rows;
      if (std::max(width_px, height_px) < options_.smallest_px || std::min(width_px, height_px) < options_.smallest_px / 2) continue;
      if (area < kLeastFill * width * height) continue;
      const double contrast = std::max(0.0, sums[static_cast<std::size_t>(i)] / area / threshold);
      const double score = 1 - std::exp(-contrast / 2);
      if (score < options_.score_min) continue;
      const Box box{stats.at<int>(i, cv::CC_STAT_LEFT) / static_cast<double>(mask.cols),
                    stats.at<int>(i, cv::CC_STAT_TOP) / static_cast<double>(mask.rows), width / mask.cols, height / mask.rows};
      result.detections.push_back({"person", score, inside_picture(box), {}});
    }
    rank(result.detections);
    return result;
  }

  // Exponential mean over capture time, where nothing warm is or is near. Cold places follow fast: they are what
  // somebody who was in the first picture leaves behind.
  static void learn(ThermalState& state, const cv::Mat& picture, const cv::Mat& mask, const cv::Mat& warmth, double threshold,
                    MediaTime time) {
    const double passed = std::max(0.0, to_seconds(time - state.last));
    state.last = std::max(state.last, time);
    const bool settling = to_seconds(time - state.start) < kSettling_s;
    const auto slow = static_cast<float>(1 - std::exp(-passed / (settling ? kFast_s : kSlow_s)));
    const auto fast = static_cast<float>(1 - std::exp(-passed / kFast_s));
    cv::Mat near;
    cv::dilate(mask, near, cv::getStructuringElement(cv::MORPH_RECT, {7, 7}));
    for (int row = 0; row < picture.rows; ++row) {
      const auto* warm = near.ptr<std::uint8_t>(row);
      const auto* now = picture.ptr<float>(row);
      const auto* above = warmth.ptr<float>(row);
      auto* known = state.background.ptr<float>(row);
      for (int column = 0; column < picture.cols; ++column) {
        if (warm[column] != 0) continue;
        known[column] += (above[column] < -threshold ? fast : slow) * (now[column] - known[column]);
      }
    }
  }

  DetectorInfo info_;
  ThermalBlobOptions options_;
};

}  // namespace

Result<std::unique_ptr<Detector>> make_thermal_blob(const ThermalBlobOptions& options) { return std::make_unique<ThermalBlob>(options); }

Result<std::unique_ptr<Detector>> make_thermal_blob_detector(const DetectorChoice&, const DetectorConfig& config) {
  return make_thermal_blob({config.score_min, config.smallest_px});
}

}  // namespace kanhu::models
