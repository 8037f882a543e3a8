// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "base/result.hpp"
#include "config/config.hpp"
#include "models/detector.hpp"

namespace kanhu::models {

// People in infrared by ThermalPresence: radiometric pictures (kCentiCelsius) as they are, others through RelativeThermal. Label
// "person"; the score grows with the warmth somebody shows above the room, 0.6 and above for everybody who counts at all; no
// landmarks. A picture in which nobody could be told is blind, with the reasons of ThermalResult and RelativeThermal.
Result<std::unique_ptr<Detector>> make_thermal(const DetectorConfig& config);

}  // namespace kanhu::models
