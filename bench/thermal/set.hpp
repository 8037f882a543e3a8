// SPDX-License-Identifier: MIT
// A folder of labelled infrared recordings and pictures: docs/bench-thermal.md has the layouts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/thermal/labels.hpp"
#include "bench/thermal/recording.hpp"

namespace kanhu::bench {

// One recording, or the pictures of one folder, not read yet.
struct ThermalItem {
  std::string name;  // below the folder
  std::vector<std::string> paths;
  bool stills = false;
  std::optional<ThermalLabel> label;  // of its name or folder
  std::string intervals;              // path of NAME.labels.csv, or empty
  ThermalDefaults defaults;
};

struct ThermalSet {
  std::vector<ThermalItem> items;
  std::vector<std::string> left_out;
};

// `labels`: a labels.json elsewhere, or empty; otherwise that of a folder holds below it. kNotFound when the folder is not there,
// the errors of read_thermal_rules.
Result<ThermalSet> find_thermal_set(const std::string& folder, const std::string& labels, const ThermalDefaults& defaults);

// One item with its labels. The errors of read_thermal_csv, and kCorrupt when nothing in it is labelled.
Result<ThermalRecording> read_thermal_item(const ThermalItem& item);

}  // namespace kanhu::bench
