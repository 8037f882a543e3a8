// SPDX-License-Identifier: MIT
// Detectors by name, as their rows in config/detectors.def say. Each row's function stands in the detector's own file:
//   Result<std::unique_ptr<Detector>> make_<function>_detector(const DetectorChoice& choice, const DetectorConfig& config);
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"
#include "models/detector.hpp"

namespace kanhu::models {

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

// Of what would be made: the SHA-256 of its weights, or of its name and revision where it needs none. Equal to info().digest of the
// detector itself, which it does not make. "none" when its weights are in no manifest.
std::string digest_of(const DetectorChoice& choice);
// The digest of a detector without weights; `revision` counts from 1 and grows when it finds something else.
std::string digest_without_weights(std::string_view name, int revision);
// For detectors with weights: the file's bytes and their digest.
struct Weights {
  std::vector<unsigned char> bytes;
  std::string digest;
};
Result<Weights> weights_of(const DetectorChoice& choice);

}  // namespace kanhu::models
