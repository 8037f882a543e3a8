// SPDX-License-Identifier: MIT
// Every contestant on every labelled picture, as it is and made harder.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/faces/contestant.hpp"
#include "bench/faces/degrade.hpp"
#include "bench/faces/set.hpp"
#include "bench/matching.hpp"

namespace kanhu::bench {

// What one contestant did under one condition.
struct Performance {
  Tally tally;
  std::vector<double> milliseconds;      // by picture
  std::vector<double> instructions;      // where they can be counted
  std::vector<double> share_of_dlib_x2;  // time over dlib HOG x2's on the same picture
};

// One set, degraded in one way.
struct Condition {
  std::string set;
  Degradation degradation = Degradation::kNone;
  std::size_t pictures = 0, labels = 0;
  std::vector<Performance> performances;  // by contestant
};

struct DetectionReport {
  std::vector<Contestant> contestants;
  std::string default_detector;
  std::vector<Condition> conditions;
  std::vector<std::string> left_out;

  std::size_t place_of(const std::string& contestant) const;
  // All conditions, plain or degraded ones, of one contestant together.
  Tally together(std::size_t contestant, bool degraded) const;
  // Of all pictures, plain and degraded.
  Performance effort(std::size_t contestant) const;

  // The peer against which the default detector looks worst, on the degraded pictures together when there are any, otherwise
  // on the plain ones.
  struct AgainstBest {
    std::string peer;
    double miss_ratio = 1;
    std::size_t our_misses = 0, their_misses = 0, labels = 0;
  };
  AgainstBest against_best() const;
  AgainstBest against_best(const Condition& condition) const;
};

using Progress = std::function<void(const std::string&)>;

// `most`: pictures of a set, 0 for all. Picture by picture all contestants take turns, so that what else the machine does hits
// all alike. Pictures that cannot be read and contestants that fail are left out, and said so.
DetectionReport measure_detection(const std::vector<FaceSet>& sets, Field field, const std::vector<Degradation>& degradations,
                                  std::size_t most, const Progress& progress);

}  // namespace kanhu::bench
