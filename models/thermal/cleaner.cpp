// SPDX-License-Identifier: MIT
#include "models/thermal/cleaner.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace kanhu::models {
namespace {

constexpr int kMostColumns = 80;
constexpr double kSmoothing_s = 0.25;
constexpr std::uint8_t kStuckPixel = 24;  // pictures in which a pixel says exactly the same; an AMG8833's steps are as large as its noise
constexpr std::int16_t kColdest_centi = -4000, kHottest_centi = 15000;
constexpr int kNoiseEvery = 4;          // pictures
constexpr double kMadToSigma = 1.4826;  // of a normal distribution

}  // namespace

double median_of_floats(std::vector<float>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return static_cast<double>(*middle);
}

double ThermalCleaner::smoothed_noise_k() const { return noise_ * std::sqrt(share_ / (2 - share_)); }

void ThermalCleaner::restart(const ThermalFrame& frame) {
  *this = ThermalCleaner();
  kind_ = frame.kind;
  width_ = frame.width;
  height_ = frame.height;
  factor_ = std::max(1, (width_ + kMostColumns - 1) / kMostColumns);
  same_for_.assign(frame.values.size(), 0);
  restarted_ = true;
}

ThermalCleaner::Verdict ThermalCleaner::take(const ThermalFrame& frame, double now) {
  restarted_ = false;
  const std::size_t count = static_cast<std::size_t>(std::max(0, frame.width)) * static_cast<std::size_t>(std::max(0, frame.height));
  if (frame.width < 4 || frame.height < 4 || frame.values.size() != count) return Verdict::kUnreadable;
  if (frame.width != width_ || frame.height != height_ || frame.kind != kind_ || frame.anew) restart(frame);
  // A relative picture was coded: where nothing happens it repeats itself. Its source says when the shutter is closed.
  if (frame.calibrating || (frame.kind == ThermalKind::kRadiometric && last_ == frame.values)) {
    if (!repeats_since_) repeats_since_ = now;
    return picture_.empty() ? Verdict::kUnreadable : Verdict::kRepeated;
  }
  repeats_since_.reset();
  note_stuck(frame);
  last_ = frame.values;
  reduce(frame);
  note_noise();
  const double passed = last_time_ ? std::clamp(now - *last_time_, 1e-3, 1.0) : 0;
  last_time_ = now;
  if (smoothed_.empty()) {
    smoothed_ = picture_.clone();
  } else {
    share_ = 1 - std::exp(-passed / kSmoothing_s);
    smoothed_ += share_ * (picture_ - smoothed_);
  }
  return Verdict::kNew;
}

void ThermalCleaner::note_stuck(const ThermalFrame& frame) {
  const bool comparable = last_.size() == frame.values.size();
  bad_.clear();
  for (std::size_t i = 0; i < frame.values.size(); ++i) {
    if (comparable && frame.values[i] == last_[i])
      same_for_[i] = static_cast<std::uint8_t>(std::min<int>(same_for_[i] + 1, kStuckPixel));
    else
      same_for_[i] = 0;
    if (is_bad(frame, i)) bad_.push_back(i);
  }
}

// A relative picture saturates and repeats itself where nothing happens: there only what is out of range is bad.
bool ThermalCleaner::is_bad(const ThermalFrame& frame, std::size_t pixel) const {
  const std::int16_t value = frame.values[pixel];
  if (frame.kind == ThermalKind::kRelative) return false;
  return same_for_[pixel] >= kStuckPixel || value < kColdest_centi || value > kHottest_centi;
}

float ThermalCleaner::mended(const ThermalFrame& frame, int x, int y) const {
  scratch_.clear();
  for (int ny = std::max(0, y - 2); ny <= std::min(height_ - 1, y + 2); ++ny) {
    for (int nx = std::max(0, x - 2); nx <= std::min(width_ - 1, x + 2); ++nx) {
      const std::size_t at = static_cast<std::size_t>(ny) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(nx);
      if (!is_bad(frame, at)) scratch_.push_back(static_cast<float>(frame.values[at]));
    }
  }
  if (scratch_.empty()) return smoothed_.empty() ? 2200.0F : smoothed_.at<float>(y / factor_, x / factor_) * 100;
  return static_cast<float>(median_of_floats(scratch_));
}

void ThermalCleaner::reduce(const ThermalFrame& frame) {
  const int columns = width_ / factor_, rows = height_ / factor_;  // a rest at the right or lower edge is not looked at
  cv::Mat reduced(rows, columns, CV_32F);
  std::vector<float> values(frame.values.begin(), frame.values.end());
  for (const std::size_t at : bad_) {
    const auto width = static_cast<std::size_t>(width_);
    values[at] = mended(frame, static_cast<int>(at % width), static_cast<int>(at / width));
  }
  const float share = 0.01F / static_cast<float>(factor_ * factor_);
  for (int row = 0; row < rows; ++row) {
    auto* to = reduced.ptr<float>(row);
    std::fill(to, to + columns, 0.0F);
    for (int y = row * factor_; y < (row + 1) * factor_; ++y) {
      const float* from = values.data() + static_cast<std::ptrdiff_t>(y) * width_;
      for (int column = 0; column < columns; ++column)
        for (int k = 0; k < factor_; ++k) to[column] += *from++;
    }
    for (int column = 0; column < columns; ++column) to[column] *= share;
  }
  previous_ = picture_;
  picture_ = reduced;
}

// Differences of pictures, so that what stands still in them is no noise; their median, so that what moves is none.
void ThermalCleaner::note_noise() {
  if (previous_.empty() || ++pictures_ % kNoiseEvery != 0) return;
  scratch_.clear();
  for (int row = 0; row < picture_.rows; ++row) {
    const auto* now = picture_.ptr<float>(row);
    const auto* then = previous_.ptr<float>(row);
    for (int column = 0; column < picture_.cols; ++column) scratch_.push_back(std::abs(now[column] - then[column]));
  }
  const double now = kMadToSigma * median_of_floats(scratch_) / std::sqrt(2.0);
  noise_ += 0.05 * kNoiseEvery * (now - noise_);
}

double ThermalCleaner::level_jump_k() const {
  scratch_.clear();
  for (int row = 0; row < picture_.rows; ++row) {
    const auto* now = picture_.ptr<float>(row);
    const auto* smooth = smoothed_.ptr<float>(row);
    for (int column = 0; column < picture_.cols; ++column) scratch_.push_back(now[column] - smooth[column]);
  }
  return median_of_floats(scratch_);
}

double ThermalCleaner::hottest(const ThermalFrame& frame, const cv::Rect& box) const {
  std::int16_t most = kColdest_centi;
  for (int y = box.y * factor_; y < std::min(height_, box.br().y * factor_); ++y) {
    for (int x = box.x * factor_; x < std::min(width_, box.br().x * factor_); ++x) {
      const std::size_t at = static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
      if (frame.values[at] > most && !is_bad(frame, at)) most = frame.values[at];
    }
  }
  return most / 100.0;
}

}  // namespace kanhu::models
