// SPDX-License-Identifier: MIT
// Message brokers and the infrared sensors, motion detectors and contacts that hang on them.
#pragma once

#include <filesystem>
#include <vector>

#include "config/config.hpp"
#include "config/load_facility.hpp"
#include "config/yaml/section.hpp"

namespace kanhu {

// The key `mqtt` of a configuration.
void read_mqtt(Section section, const std::filesystem::path& base, std::vector<BrokerConfig>& into);

// How an infrared sensor hangs; `given` false: only the keys are listed.
void read_mount(Section section, MountConfig& into);

// One element of a facility's `sensors`, as the camera it is treated like. Zones are read by the caller.
CameraConfig read_sensor(Section& section, const std::vector<BrokerConfig>& brokers, const CameraDefaults& defaults);

}  // namespace kanhu
