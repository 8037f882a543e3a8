// SPDX-License-Identifier: MIT
#include "bench/thermal/peers.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/background_segm.hpp>

namespace kanhu::bench {
namespace {

constexpr double kRates[] = {-1, 0.0005, 0.005};         // -1: the library's own, 1/500 once it has seen 500 pictures
constexpr double kLeastAreas[] = {0, 0.05, 0.12, 0.25};  // m2

std::int16_t median_of(std::vector<std::int16_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// 8-bit pictures of 10 levels a degree, the first one's median at 100: both subtractors' thresholds (4 standard deviations of at
// least 2 levels; 20 levels) are then 1 to 2 K.
std::vector<cv::Mat> pictures_of(const ThermalRecording& recording) {
  std::vector<cv::Mat> pictures;
  pictures.reserve(recording.frames.size());
  int zero = 0;
  for (const auto& frame : recording.frames) {
    if (pictures.empty() || recording.stills) zero = median_of(frame.values) - 1000;
    cv::Mat picture(frame.height, frame.width, CV_8UC1);
    std::transform(frame.values.begin(), frame.values.end(), picture.data,
                   [zero](std::int16_t value) { return static_cast<std::uint8_t>(std::clamp((value - zero + 5) / 10, 0, 255)); });
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

cv::Ptr<cv::BackgroundSubtractor> subtractor_of(Subtractor which) {
  if (which == Subtractor::kMog2) return cv::createBackgroundSubtractorMOG2(500, 16, false);
  return cv::createBackgroundSubtractorKNN(500, 400, false);
}

// Blobs (8-neighbours) of at least so many pixels.
std::array<int, std::size(kLeastAreas)> blobs_in(const cv::Mat& mask, const std::array<int, std::size(kLeastAreas)>& least_px) {
  std::array<int, std::size(kLeastAreas)> blobs{};
  cv::Mat labels, statistics, centres;
  const int count = cv::connectedComponentsWithStats(mask, labels, statistics, centres, 8);
  for (int i = 1; i < count; ++i) {
    for (std::size_t gate = 0; gate < least_px.size(); ++gate) {
      if (statistics.at<int>(i, cv::CC_STAT_AREA) >= least_px[gate]) ++blobs[gate];
    }
  }
  return blobs;
}

}  // namespace

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<PeerAnswers> subtract_background(Subtractor which, const ThermalRecording& recording, double pitch_m, double& cpu_seconds) {
  cv::setNumThreads(1);
  const auto pictures = pictures_of(recording);
  std::array<int, std::size(kLeastAreas)> least_px{};
  std::transform(std::begin(kLeastAreas), std::end(kLeastAreas), least_px.begin(),
                 [pitch_m](double area) { return std::max(1, static_cast<int>(std::ceil(area / (pitch_m * pitch_m) - 1e-9))); });
  std::vector<PeerAnswers> all;
  for (const double rate : kRates) {
    const std::size_t first = all.size();
    for (const double area : kLeastAreas) {
      all.push_back(
          {fmt::format("learning rate {}, blobs from {} m2", rate < 0 ? std::string("automatic") : fmt::format("{}", rate), area), {}});
      all.back().answers.reserve(pictures.size());
    }
    auto subtractor = subtractor_of(which);
    cv::Mat mask;
    const double before = thread_cpu_seconds();
    for (const auto& picture : pictures) {
      if (recording.stills) subtractor = subtractor_of(which);
      subtractor->apply(picture, mask, rate);
      const auto blobs = blobs_in(mask, least_px);
      for (std::size_t gate = 0; gate < blobs.size(); ++gate)
        all[first + gate].answers.push_back({blobs[gate] > 0 ? Presence::kPresent : Presence::kAbsent, blobs[gate]});
    }
    if (rate < 0) cpu_seconds = thread_cpu_seconds() - before;
  }
  return all;
}

std::vector<FrameScores> threshold_scores(const ThermalRecording& recording, double& cpu_seconds) {
  std::vector<FrameScores> all;
  all.reserve(recording.frames.size());
  const double before = thread_cpu_seconds();
  for (const auto& frame : recording.frames) {
    auto values = frame.values;
    FrameScores scores{};
    const std::int32_t median = median_of(values);
    const auto most = std::min<std::ptrdiff_t>(kThresholdPixels.back(), static_cast<std::ptrdiff_t>(values.size()));
    std::partial_sort(values.begin(), values.begin() + most, values.end(), std::greater<>());
    for (std::size_t i = 0; i < kThresholdPixels.size(); ++i) {
      const auto at = static_cast<std::size_t>(std::min<std::ptrdiff_t>(kThresholdPixels[i], most) - 1);
      scores[i] = values[at];
      scores[kThresholdPixels.size() + i] = values[at] - median;
    }
    all.push_back(scores);
  }
  cpu_seconds = thread_cpu_seconds() - before;
  return all;
}

std::string ThresholdChoice::setting() const {
  const bool relative = score >= kThresholdPixels.size();
  const int pixels = kThresholdPixels[score % kThresholdPixels.size()];
  return fmt::format("{} pixel{} from {:.2f} {}", pixels, pixels == 1 ? "" : "s", at_least / 100.0, relative ? "above the median" : "on");
}

ThresholdChoice best_threshold(const std::vector<ScoredFrame>& frames) {
  ThresholdChoice best;
  std::size_t fewest = frames.size() + 1;
  for (std::size_t score = 0; score < 2 * kThresholdPixels.size(); ++score) {
    std::vector<std::pair<std::int32_t, bool>> sorted;
    sorted.reserve(frames.size());
    for (const auto& frame : frames) sorted.emplace_back((*frame.scores)[score], frame.somebody);
    std::sort(sorted.begin(), sorted.end());
    // Below every score all frames are present: the empty ones are wrong. Each step upwards makes the frames passed absent.
    std::size_t wrong = static_cast<std::size_t>(std::count_if(sorted.begin(), sorted.end(), [](const auto& one) { return !one.second; }));
    for (std::size_t i = 0; i <= sorted.size(); ++i) {
      if ((i == 0 || i == sorted.size() || sorted[i].first != sorted[i - 1].first) && wrong < fewest) {
        fewest = wrong;
        // In the middle between the two frames it divides.
        const std::int32_t upper = i == sorted.size() ? (sorted.empty() ? 0 : sorted.back().first + 1) : sorted[i].first;
        best = {score, i == 0 || i == sorted.size() ? upper : (sorted[i - 1].first + upper + 1) / 2};
      }
      if (i < sorted.size()) wrong = sorted[i].second ? wrong + 1 : wrong - 1;
    }
  }
  return best;
}

}  // namespace kanhu::bench
