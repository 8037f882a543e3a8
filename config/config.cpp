// SPDX-License-Identifier: MIT
#include "config/config.hpp"

#include <algorithm>

namespace kanhu {

const FacilityConfig* Config::facility(std::string_view id) const {
  for (const FacilityConfig& one : facilities) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

const CameraConfig* FacilityConfig::camera(std::string_view wanted) const {
  for (const CameraConfig& one : cameras) {
    if (one.id == wanted) return &one;
  }
  return nullptr;
}

const CameraConfig* Config::camera(std::string_view id) const {
  for (const FacilityConfig& one : facilities) {
    if (const CameraConfig* found = one.camera(id)) return found;
  }
  return nullptr;
}

const FacilityConfig* Config::facility_of(std::string_view camera) const {
  for (const FacilityConfig& one : facilities) {
    if (one.camera(camera) != nullptr) return &one;
  }
  return nullptr;
}

bool watches_private_zone(const FacilityConfig& facility, const CameraConfig& camera) {
  return std::any_of(camera.zones.begin(), camera.zones.end(), [&](const ZoneView& view) {
    return std::any_of(facility.zones.begin(), facility.zones.end(),
                       [&](const ZoneConfig& zone) { return zone.id == view.zone && zone.is_private; });
  });
}

const char* to_string(SensorKind kind) {
  switch (kind) {
    case SensorKind::kThermalArray:
      return "thermal_array";
    case SensorKind::kPir:
      return "pir";
    case SensorKind::kContact:
      return "contact";
  }
  return "unknown";
}

const char* to_string(Transport transport) {
  switch (transport) {
    case Transport::kTcp:
      return "tcp";
    case Transport::kUdp:
      return "udp";
    case Transport::kAuto:
      return "auto";
  }
  return "unknown";
}

StreamRole session_role(const CameraConfig& camera, StreamRole role) {
  if (role == StreamRole::kMain) return camera.main ? StreamRole::kMain : StreamRole::kSub;
  return camera.sub ? StreamRole::kSub : StreamRole::kMain;
}

const StreamConfig* stream_for(const CameraConfig& camera, StreamRole role) {
  const auto& stream = session_role(camera, role) == StreamRole::kMain ? camera.main : camera.sub;
  return stream ? &*stream : nullptr;
}

}  // namespace kanhu
