// SPDX-License-Identifier: MIT
// Is this the same person: all pairs of a set.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/faces/shots.hpp"
#include "bench/matching.hpp"

namespace kanhu::bench {

// The score of two shots and who they show; `first` alone decides in which fold a comparison is tested.
struct Comparison {
  double score = 0;
  bool same = false;
  std::size_t first = 0, second = 0;  // people, or the number of the pair
};

struct VerificationResult {
  std::string set;
  Degradation degradation = Degradation::kNone;
  std::size_t pictures = 0, found = 0, framed = 0;
  std::size_t same = 0, different = 0;  // comparisons
  double equal_error_rate = 0;
  Interval equal_error_interval;  // of the same-person comparisons below its threshold
  double equal_error_threshold = 0;
  double accuracy = 0;  // best over all thresholds, both kinds weighted equally
  Interval accuracy_interval;
  // At the threshold of gallery::threshold_for at kCalibratedRate, made without the first of the two people, in ten folds.
  bool calibrated = false;
  std::string why_not_calibrated;
  double mean_threshold = 0;
  Share false_match, false_non_match;
};

inline constexpr double kCalibratedRate = 1e-3;
inline constexpr std::size_t kFolds = 10;

std::vector<Comparison> comparisons_of(const ShotSet& shots);
VerificationResult verify(const ShotSet& shots);
// For tests and for whoever has scores: fills everything but set, degradation and pictures.
VerificationResult figures_of(const std::vector<Comparison>& comparisons);

}  // namespace kanhu::bench
