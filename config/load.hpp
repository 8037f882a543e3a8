// YAML -> checked Config, or everything that is wrong with it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "config/problem.hpp"

namespace kanhu {

struct LoadReport {
  std::optional<Config> config;   // there exactly when nothing is wrong
  std::vector<Problem> problems;  // by line; at most 100
};

// Relative paths in the text mean the folder `filename` lies in. Reads /usr/share/zoneinfo to know time zones;
// otherwise a function of its arguments.
LoadReport check_config(std::string_view text, const std::string& filename);
LoadReport check_config_file(const std::string& path);

// The same as one answer: kInvalidConfig with the first problem and how many more there are; kNotFound, kPermission
// or kIo when the file cannot be read.
Result<Config> parse_config(std::string_view text, const std::string& filename);
Result<Config> load_config(const std::string& path);

// Every key the loader knows, as paths: "gateway.id", "facilities[].cameras[].detector.name". In order of reading.
std::vector<std::string> config_keys();

// Names that may stand in `detector.name` (models/registry.cpp) and in `clips.on` (docs/events.md).
std::span<const std::string_view> detector_names();
// Those that give the eyes of a face.
std::span<const std::string_view> landmark_detector_names();
std::span<const std::string_view> clip_event_types();
std::span<const std::string_view> facility_classes();

}  // namespace kanhu
