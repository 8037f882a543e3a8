// SPDX-License-Identifier: MIT
// Labels that stand beside recordings instead of in them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "bench/thermal/recording.hpp"

namespace kanhu::bench {

// What a name stands for.
struct ThermalLabel {
  bool skip = false;  // this recording is not measured
  int people = ThermalTruth::kNotLabelled;
  bool counted = false;
};

// labels.json: what the names of folders and recordings say, and what recordings do not say themselves.
struct ThermalRules {
  std::vector<std::pair<std::string, ThermalLabel>> folders, names;  // of names the first that fits; '*' is any text
  ThermalDefaults defaults;

  // By the recording's file name without its ending (and with its folder before it, where the pattern has a '/'), then by its folder's.
  std::optional<ThermalLabel> label_of(const std::string& folder, const std::string& stem) const;
};

// human and no_human, and the like: of folders whose names say it without labels.json.
ThermalRules common_thermal_rules();
// kCorrupt names what is wrong and what is expected; kNotFound, kIo.
Result<ThermalRules> read_thermal_rules(const std::string& path);

// '*' stands for any text, everything else for itself.
bool fits_pattern(const std::string& text, const std::string& pattern);

struct ThermalInterval {
  double from_s = 0, to_s = 0;
  int people = 0;
};
// Lines `from_s,to_s,people`, a header allowed, '#' begins a comment. kCorrupt names the line; kNotFound, kIo.
Result<std::vector<ThermalInterval>> read_thermal_intervals(const std::string& path);
// Every frame gets the label of the interval it lies in; in none it is not labelled.
void apply_intervals(const std::vector<ThermalInterval>& intervals, ThermalRecording& recording);

}  // namespace kanhu::bench
