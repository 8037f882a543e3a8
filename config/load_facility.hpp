// SPDX-License-Identifier: MIT
// The facilities of a configuration: zones, cameras, and what must hold between them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/yaml/section.hpp"

namespace kanhu {

// What every camera starts from.
struct CameraDefaults {
  Transport transport = Transport::kTcp;
  DetectorConfig detector;
  PresenceConfig presence;
  FacesConfig faces;
  HealthConfig health;
  ClipConfig clips;
  Mark ring_mark{1, 1};  // of clips.ring_bytes
};

void read_defaults(Section section, CameraDefaults& into);

// Ids seen so far and where: facilities and cameras are unique over the gateway.
struct SeenIds {
  std::map<std::string, Mark> facilities;
  std::map<std::string, Mark> cameras;
};

FacilityConfig read_facility(Section section, const CameraDefaults& defaults, const std::vector<BrokerConfig>& brokers, SeenIds& seen);

}  // namespace kanhu
