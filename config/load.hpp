// SPDX-License-Identifier: MIT
// YAML -> checked Config, or everything that is wrong with it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "config/place.hpp"
#include "config/problem.hpp"

namespace kanhu {

inline constexpr const char* kDefaultDataDir = "/var/lib/kanhu";
inline constexpr const char* kDefaultSecretsDir = "/etc/kanhu/secrets";

struct LoadReport {
  std::optional<Config> config;     // there exactly when nothing is wrong
  std::vector<Problem> problems;    // by line; at most 100
  std::vector<Problem> warnings{};  // of a good one: legal, and probably not what was meant; by line
  std::vector<Place> places{};      // of a good one: what must be there where it runs
};

// Relative paths in the text mean the folder `filename` lies in. Reads /usr/share/zoneinfo to know time zones;
// otherwise a function of its arguments.
LoadReport check_config(std::string_view text, const std::string& filename);
LoadReport check_config_file(const std::string& path);

// What a refused one is told as: kInvalidConfig with the first problem and how many more there are.
Error error_of(const LoadReport& report);
// The same as one answer.
Result<Config> parse_config(std::string_view text, const std::string& filename);
Result<Config> load_config(const std::string& path);

// Every key the loader knows, as paths: "gateway.id", "facilities[].cameras[].detector.name". In order of reading.
std::vector<std::string> config_keys();

// Names that may stand in `detector.name` (config/detectors.hpp) and in `clips.on` (docs/events.md).
std::span<const std::string_view> detector_names();
// Those that give the eyes of a face.
std::span<const std::string_view> landmark_detector_names();
std::span<const std::string_view> clip_event_types();
std::span<const std::string_view> facility_classes();

}  // namespace kanhu
