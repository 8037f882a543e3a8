// The one list of detectors. A new detector = two files, one row in registry.cpp, one manifest entry, one test.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "models/detector.hpp"

namespace kanhu::models {

struct RegistryRow {
  std::string_view name;         // what `detector.name` says
  std::string_view description;  // one line for --help and docs
  std::string_view weights;      // manifest entry it needs, empty for none
  std::string_view fallback;     // row used when the weights are not there, empty for none
};

std::span<const RegistryRow> registry();

// Folders in which weights are looked for, in order: `configured` (if any), $KANHU_MODELS, /var/lib/kanhu/models,
// <executable>/../share/kanhu/models. Files are found by name and accepted by SHA-256 only.
std::vector<std::string> model_search_path(const std::string& configured);

// What a configured detector really becomes on this machine.
struct DetectorChoice {
  std::string name;          // the row in use
  std::string weights_path;  // empty for none
  std::string notice;        // why it is not the configured one; empty when it is
};

// kNotFound when neither the weights nor a fallback are there, kInvalidArgument for an unknown name.
Result<DetectorChoice> choose_detector(const DetectorConfig& config, const std::vector<std::string>& search_path);

// A new instance; each analysis thread makes its own.
Result<std::unique_ptr<Detector>> make_detector(const DetectorChoice& choice, const DetectorConfig& config);

// The CPU level the vision code runs at ("x86-64-v3"), part of provenance.build.
std::string cpu_feature_level();

}  // namespace kanhu::models
