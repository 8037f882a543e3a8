// SPDX-License-Identifier: MIT
#include "pipelines/ingest/radiometry/lepton_telemetry.hpp"

#include <cstddef>

namespace kanhu::ingest {
namespace {

constexpr std::size_t kRowWords = 80;
constexpr std::size_t kStatusLow = 3, kStatusHigh = 4;  // row A; of two words the low one comes first
constexpr std::size_t kTLinearEnabled = 2 * kRowWords + 48;
constexpr std::size_t kTLinearResolution = 2 * kRowWords + 49;
constexpr unsigned kFfcState = 4, kFfcInProgress = 2;  // two bits from bit 4
constexpr unsigned kGainControl = 12;
constexpr std::uint32_t kReserved = 0xffe00000u;  // bits 21 to 31 of the status, zero

}  // namespace

std::optional<LeptonTelemetry> read_lepton_telemetry(std::span<const std::uint16_t> words) {
  if (words.size() < 3 * kRowWords) return std::nullopt;
  const std::uint32_t status = words[kStatusLow] | static_cast<std::uint32_t>(words[kStatusHigh]) << 16;
  const unsigned enabled = words[kTLinearEnabled], resolution = words[kTLinearResolution];
  if (enabled > 1 || resolution > 1 || (status & kReserved) != 0) return std::nullopt;
  LeptonTelemetry telemetry;
  telemetry.calibrating = (status >> kFfcState & 3u) == kFfcInProgress;
  telemetry.gain_control = (status >> kGainControl & 1u) != 0;
  telemetry.tlinear = enabled == 1;
  telemetry.centi_kelvin = resolution == 1;
  return telemetry;
}

}  // namespace kanhu::ingest
