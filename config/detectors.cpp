// SPDX-License-Identifier: MIT
#include "config/detectors.hpp"

#include <algorithm>

namespace kanhu {

const char* to_string(Silence silence) { return silence == Silence::kNobody ? "nobody" : "nothing"; }

const DetectorTraits* find_detector(std::string_view name) {
  const auto* found = std::find_if(kDetectorTraits.begin(), kDetectorTraits.end(), [&](const auto& row) { return row.name == name; });
  return found == kDetectorTraits.end() ? nullptr : found;
}

std::vector<std::string_view> detectors_that(DetectorFilter which) {
  std::vector<std::string_view> names;
  for (const DetectorTraits& row : kDetectorTraits) {
    if (which == nullptr || which(row)) names.push_back(row.name);
  }
  return names;
}

bool is_warmth_detector(std::string_view name) {
  const DetectorTraits* row = find_detector(name);
  return row != nullptr && row->reads == DetectorTraits::Reads::kWarmth;
}

bool knows_mount(std::string_view name) {
  const DetectorTraits* row = find_detector(name);
  return row != nullptr && row->knows_mount;
}

bool takes_temperatures(std::string_view name) {
  const DetectorTraits* row = find_detector(name);
  return row != nullptr && row->takes_temperatures;
}

bool analyses(std::string_view name) {
  const DetectorTraits* row = find_detector(name);
  return row == nullptr || row->family != DetectorTraits::Family::kNone;
}

SourceSilence silence_of(const CameraConfig& source) {
  if (source.sensor && source.sensor->kind == SensorKind::kPir) return {Silence::kNothing, kNoMotion};
  if (source.sensor && source.sensor->kind == SensorKind::kContact) return {Silence::kNothing, ""};
  const DetectorTraits* row = find_detector(source.detector.name);
  if (row == nullptr) return {Silence::kNothing, ""};
  return {row->silence, row->silence_reason};
}

bool tells_presence(const CameraConfig& source) {
  if (source.sensor) return source.sensor->kind != SensorKind::kContact;
  return analyses(source.detector.name);
}

}  // namespace kanhu
