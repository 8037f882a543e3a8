// SPDX-License-Identifier: MIT
// What a sensor published, as Kanhu's words. Whoever can publish decides every byte of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "media/thermal_frame.hpp"

namespace kanhu::sense {

// 80x64 values of 12 characters are 60 KiB.
inline constexpr std::size_t kMostArrayBytes = 256 * 1024;
inline constexpr std::size_t kMostStateBytes = 16 * 1024;
// Of one sensor of this kind.
std::size_t most_payload_bytes(SensorKind kind);

struct Reading {
  ThermalFrame frame;                // of an array
  bool active = false;               // of a PIR: motion; of a contact: open
  std::optional<WallTime> measured;  // by the sender's clock, when it says one
  std::string time_fault;            // a time stands there and is none
};

// Kanhu's own form or a foreign one by the mapping (docs/sensors.md). Refuses what is too large, nested deeper than 16, of another
// size than configured, not a number, or outside -40 to 300 degrees Celsius (what such sensors measure: Melexis MLX90640 datasheet,
// section 1). kCorrupt, with the fault and the place in words that do not repeat what was sent beyond a few characters.
// Thread: any; a pure function.
Result<Reading> decode(const SensorConfig& sensor, std::string_view payload);

// What the topic of availability says: true online, false offline, nothing when it is neither word.
std::optional<bool> decode_availability(const SensorConfig& sensor, std::string_view payload);

}  // namespace kanhu::sense
