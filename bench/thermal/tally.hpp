// SPDX-License-Identifier: MIT
// Answers against what was true, frame by frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bench/matching.hpp"
#include "bench/thermal/recording.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::bench {

struct ThermalAnswer {
  Presence state = Presence::kUnknown;
  int people = 0;
};

// What one contestant said about one recording, or about several together. Frames that are not labelled count nowhere.
struct ThermalTally {
  std::size_t frames = 0, with_people = 0;
  std::size_t hits = 0;           // present, and somebody is there
  std::size_t missed = 0;         // absent or unknown while somebody is there, but for allowed unknown
  std::size_t false_present = 0;  // present, and nobody is there
  std::size_t unknown = 0;        // all of them, but for allowed ones
  std::size_t unknown_empty = 0;  // of them while nobody is there: no error, yet no answer
  std::size_t unknown_allowed = 0;
  std::size_t counted = 0;      // frames whose number of people is known; absent and unknown say none
  std::size_t count_error = 0;  // summed over them
  std::size_t few_people = 0, few_error = 0, few_frames = 0,
              few_wrong = 0;     // frames with 1 to 4 people: people, errors, frames, wrong ones
  std::size_t false_visits = 0;  // runs of present that begin while nobody is there and end before anybody comes
  double empty_s = 0;
  double longest_absent_s = 0;        // of absent while somebody is there
  std::vector<double> waits_s;        // of every arrival until present; infinity when it never came
  std::vector<double> first_waits_s;  // the same of who was there from the first frame on

  void add(const ThermalTally& other);
  std::size_t wrong() const { return missed + false_present; }
  double precision() const;  // 1 without any present
  double recall() const;     // 1 without people
  double f1() const;
};

// `answers` are as many as `truths`; `rate`: frames a second.
ThermalTally tally_of(std::span<const ThermalTruth> truths, std::span<const ThermalAnswer> answers, double rate);

// 95 % interval of a figure over recordings: percentile bootstrap (Efron, 1979), whole recordings are drawn, because frames of one
// recording are alike; 2,000 draws, always the same. {0, 0} with fewer than two.
Interval bootstrap_interval(std::size_t recordings, const std::function<double(std::span<const std::size_t>)>& figure);

}  // namespace kanhu::bench
