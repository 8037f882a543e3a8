// SPDX-License-Identifier: MIT
// What Kanhu's infrared presence is measured against: others' background subtraction, and a plain threshold.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/thermal/recording.hpp"
#include "bench/thermal/tally.hpp"

namespace kanhu::bench {

// One way to set a peer up, and what it says about a recording.
struct PeerAnswers {
  std::string setting;
  std::vector<ThermalAnswer> answers;
};

enum class Subtractor { kMog2, kKnn };

// OpenCV's MOG2 (Zivkovic, 2004) and KNN (Zivkovic and van der Heijden, 2006) on 8-bit pictures of 10 levels a degree, with three
// learning rates, and of each mask the blobs of at least so many square metres: every setting's answers. A single picture is the
// first of its recording. `cpu_seconds`: of the default rate, pictures made ready before.
std::vector<PeerAnswers> subtract_background(Subtractor which, const ThermalRecording& recording, double pitch_m, double& cpu_seconds);

// Presence by a threshold alone: how warm the n-th warmest pixel is, above zero degrees or above the picture's median.
inline constexpr std::array<int, 6> kThresholdPixels{1, 2, 4, 8, 16, 32};
// By place in kThresholdPixels: first the absolute ones, then those above the median. Hundredths of a degree.
using FrameScores = std::array<std::int32_t, 2 * kThresholdPixels.size()>;
std::vector<FrameScores> threshold_scores(const ThermalRecording& recording, double& cpu_seconds);

struct ThresholdChoice {
  std::size_t score = 0;      // place in FrameScores
  std::int32_t at_least = 0;  // present from here on
  std::string setting() const;
};
// The one that makes the fewest errors on these frames.
struct ScoredFrame {
  const FrameScores* scores;
  bool somebody;
};
ThresholdChoice best_threshold(const std::vector<ScoredFrame>& frames);

// Of this thread.
double thread_cpu_seconds();

}  // namespace kanhu::bench
