// SPDX-License-Identifier: MIT
// `kanhu bench thermal`: what is measured, and how it is told.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "bench/thermal/peers.hpp"
#include "bench/thermal/recording.hpp"
#include "bench/thermal/tally.hpp"

namespace kanhu::bench {

struct ThermalBenchOptions {
  std::string folder;
  std::string labels;  // a labels.json that does not lie in the folder
  ThermalDefaults defaults;
};

// Processor time by size of picture.
struct ThermalEffort {
  std::size_t frames = 0;
  double cpu_seconds = 0;
  double frames_per_second() const { return cpu_seconds > 0 ? static_cast<double>(frames) / cpu_seconds : 0; }
};

struct ThermalContestant {
  std::string name, setting;
  std::vector<ThermalTally> tallies;  // by recording
  std::map<std::string, ThermalEffort> effort;
  ThermalTally together() const;
};

struct ThermalMeasured {
  std::string name;
  int width = 0, height = 0;
  double rate = 0, pitch_m = 0, seconds = 0;
  bool stills = false;
  std::size_t frames = 0, labelled = 0;
};

struct ThermalReport {
  std::string folder;
  std::vector<ThermalMeasured> recordings;
  std::vector<ThermalContestant> contestants;  // Kanhu first; empty when nothing could be measured
  ThermalContestant first_look;                // every frame by itself, as models/thermal/still.hpp sees it; no peer
  std::vector<std::string> left_out, assumed;
  double peak_memory_mib = 0;

  const ThermalContestant& kanhu() const { return contestants.front(); }
  // Of all peers the one with the fewest wrong frames.
  std::size_t best_peer() const;
};

using ThermalProgress = std::function<void(const std::string&)>;

// Recording by recording, one in memory at a time. The errors of find_thermal_set; recordings that cannot be read are left out.
Result<ThermalReport> bench_thermal(const ThermalBenchOptions& options, const ThermalProgress& progress);

// Wrong frames of ours over theirs: 1 when neither is wrong anywhere, ours + 1 when only they are not.
double error_ratio(std::size_t ours, std::size_t theirs);

Json report_json(const ThermalReport& report);
std::string report_text(const ThermalReport& report);

}  // namespace kanhu::bench
