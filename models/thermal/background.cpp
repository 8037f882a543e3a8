// SPDX-License-Identifier: MIT
#include "models/thermal/background.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <opencv2/imgproc.hpp>

#include "models/thermal/cleaner.hpp"

namespace kanhu::models {
namespace {

constexpr double kLeastWarmth_k = 0.6;
constexpr double kColder_k = 1.0;
constexpr double kNoises = 5;           // standard deviations of the smoothed picture
constexpr double kFurniture_k = 2.5;    // as much warmer than the middle of the room a wall or window may be
constexpr std::size_t kRemembered = 5;  // pictures, two a second
constexpr int kPlacesForDrift = 384;
constexpr double kLearning_s = 20;
constexpr double kAbsorbing_s = 2;

}  // namespace

void ThermalBackground::begin(const cv::Mat& picture) {
  scratch_.assign(picture.begin<float>(), picture.end<float>());
  const double level = median_of_floats(scratch_);
  cv::Mat warm = picture > level + kFurniture_k;
  cv::dilate(warm, warm, cv::Mat());
  base_ = picture.clone();
  base_.setTo(level, warm);
  mask_ = cv::Mat();
  recent_.clear();
}

void ThermalBackground::uncover(const cv::Rect& box) {
  scratch_.assign(base_.begin<float>(), base_.end<float>());
  const auto level = static_cast<float>(median_of_floats(scratch_));
  cv::Mat part = base_(box);
  cv::min(part, level, part);
}

void ThermalBackground::take_out_drift() {
  scratch_.clear();
  const int step = std::max(1, static_cast<int>(warmth_.total()) / kPlacesForDrift);
  for (int row = 0; row < warmth_.rows; ++row) {
    const auto* warm = warmth_.ptr<float>(row);
    const auto* covered = mask_.empty() ? nullptr : mask_.ptr<std::uint8_t>(row);
    for (int column = row % step; column < warmth_.cols; column += step)
      if (covered == nullptr || covered[column] == 0) scratch_.push_back(warm[column]);
  }
  if (scratch_.size() < warmth_.total() / static_cast<std::size_t>(4 * step)) return;  // too little of the room is seen
  const auto drift = static_cast<float>(median_of_floats(scratch_));
  base_ += drift;
  warmth_ -= drift;
}

std::vector<WarmBlob> ThermalBackground::look(const cv::Mat& smoothed, double smoothed_noise_k, const std::vector<double>& area_m2,
                                              double now) {
  warmth_ = smoothed - base_;
  take_out_drift();
  level_ = cv::mean(base_)[0];
  threshold_ = std::max(kLeastWarmth_k, kNoises * smoothed_noise_k);
  mask_ = warmth_ > threshold_;
  cv::Mat stats, centres;
  const int count = cv::connectedComponentsWithStats(mask_, labels_, stats, centres, 8, CV_32S);
  std::vector<WarmBlob> blobs(static_cast<std::size_t>(std::max(0, count - 1)));
  for (int row = 0; row < labels_.rows; ++row) {
    const auto* label = labels_.ptr<int>(row);
    const auto* warm = warmth_.ptr<float>(row);
    for (int column = 0; column < labels_.cols; ++column) {
      if (label[column] == 0) continue;
      const auto index = static_cast<std::size_t>(label[column] - 1);
      WarmBlob& blob = blobs[index];
      const auto k = static_cast<double>(warm[column]);
      // So that a pixel at the edge moves nothing when it comes and goes.
      const double beyond = k - threshold_ + 1e-6;
      blob.core_k += beyond;
      blob.x += beyond * column;
      blob.y += beyond * row;
      blob.heat += k * area_m2[static_cast<std::size_t>(row)];
      blob.peak_k = std::max(blob.peak_k, k);
    }
  }
  for (int i = 1; i < count; ++i) {
    const auto index = static_cast<std::size_t>(i - 1);
    WarmBlob& blob = blobs[index];
    blob.label = i;
    blob.x /= blob.core_k;
    blob.y /= blob.core_k;
    blob.box = {stats.at<int>(i, cv::CC_STAT_LEFT), stats.at<int>(i, cv::CC_STAT_TOP), stats.at<int>(i, cv::CC_STAT_WIDTH),
                stats.at<int>(i, cv::CC_STAT_HEIGHT)};
  }
  for (int row = 0; row < labels_.rows; ++row) {
    const auto* label = labels_.ptr<int>(row);
    for (int column = 0; column < labels_.cols; ++column) {
      if (label[column] == 0) continue;
      WarmBlob& blob = blobs[static_cast<std::size_t>(label[column] - 1)];
      blob.spread_px2 += (column - blob.x) * (column - blob.x) + (row - blob.y) * (row - blob.y);
    }
  }
  if (recent_.empty() || now - recent_.back().first >= 0.48) recent_.emplace_back(now, warmth_.clone());
  while (recent_.size() > kRemembered) recent_.pop_front();
  return blobs;
}

double ThermalBackground::peak_before(const cv::Rect& box) const {
  if (recent_.size() < kRemembered) return std::numeric_limits<double>::lowest();
  const cv::Mat& then = recent_.front().second;
  double most = 0;
  for (int row = box.y; row < box.br().y; ++row) {
    const auto* warm = then.ptr<float>(row);
    for (int column = box.x; column < box.br().x; ++column) most = std::max(most, static_cast<double>(warm[column]));
  }
  return most;
}

void ThermalBackground::learn(const std::vector<std::uint8_t>& absorb, const cv::Mat& keep, double passed) {
  cv::Mat near;
  cv::dilate(mask_, near, cv::Mat());
  const auto slow = static_cast<float>(1 - std::exp(-passed / kLearning_s));
  const auto fast = static_cast<float>(1 - std::exp(-passed / kAbsorbing_s));
  const auto cold = static_cast<float>(-kColder_k);
  for (int row = 0; row < base_.rows; ++row) {
    auto* base = base_.ptr<float>(row);
    const auto* warm = warmth_.ptr<float>(row);
    const auto* label = labels_.ptr<int>(row);
    const auto* is_near = near.ptr<std::uint8_t>(row);
    const auto* kept = keep.empty() ? nullptr : keep.ptr<std::uint8_t>(row);
    for (int column = 0; column < base_.cols; ++column) {
      if (kept != nullptr && kept[column] != 0) continue;
      const bool thing = label[column] > 0 && absorb[static_cast<std::size_t>(label[column])] != 0;
      // What is colder than the background was covered by somebody when it was learned.
      if (thing || warm[column] < cold)
        base[column] += fast * warm[column];
      else if (is_near[column] == 0)
        base[column] += slow * warm[column];
    }
  }
}

}  // namespace kanhu::models
