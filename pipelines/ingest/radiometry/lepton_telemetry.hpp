// SPDX-License-Identifier: MIT
// The rows a FLIR Lepton sends beside its picture.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace kanhu::ingest {

// What matters of them: FLIR LEPTON Engineering Datasheet, 500-0659-00-09 rev. 203, section 3.4 "Telemetry Modes": telemetry
// rows A (status, words 3 and 4, table 3) and C (TLinear, words 48 and 49), 80 words each.
struct LeptonTelemetry {
  bool calibrating = false;  // flat-field correction in progress: the shutter is closed, the picture is the last one before
  bool gain_control = false;
  bool tlinear = false;       // counts are temperatures
  bool centi_kelvin = false;  // 0.01 K a count, otherwise 0.1 K
  bool operator==(const LeptonTelemetry&) const = default;
};

// `words` in the order they were sent, at least 240. Nothing when they cannot be telemetry: pixels of a picture, mostly.
// Thread: any; a pure function.
std::optional<LeptonTelemetry> read_lepton_telemetry(std::span<const std::uint16_t> words);

}  // namespace kanhu::ingest
