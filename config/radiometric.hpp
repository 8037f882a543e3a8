// SPDX-License-Identifier: MIT
// How the 16-bit numbers of a radiometric sensor are read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kanhu {

// What one count of the sensor means. The kelvin scales begin at absolute zero and their counts are unsigned; the Celsius
// ones begin at 0 degrees and their counts are signed.
enum class CountScale { kUnknown, kCentiKelvin, kDeciKelvin, kKelvin64th, kCentiCelsius, kDeciCelsius };
// As it is written in the configuration: 0.01K, 0.1K, 1/64K, 0.01C, 0.1C; kUnknown: "".
const char* to_string(CountScale scale);
std::span<const std::string_view> count_scales();
CountScale count_scale(std::string_view word);

// Rows of a Lepton beside its picture that say what state it is in.
enum class TelemetryRows { kNone, kHeader, kFooter };
const char* to_string(TelemetryRows rows);  // none, header, footer
std::span<const std::string_view> telemetry_words();
TelemetryRows telemetry_rows(std::string_view word);

inline constexpr int kMostRadiometricSide = 1280;  // px
inline constexpr double kMostRadiometricRate = 60;

struct RadiometricConfig {
  int width = 0, height = 0;                // px, without telemetry rows; 0: as the device has it
  double frames_per_second = 0;             // 0: as the device has it
  CountScale scale = CountScale::kUnknown;  // kUnknown only with telemetry, which then says it
  TelemetryRows telemetry = TelemetryRows::kNone;
  bool operator==(const RadiometricConfig&) const = default;
};

// Whether a stream of this address can be nothing but 16-bit numbers: v4l2://, or a file named .y16 or .raw16. A .mkv may be
// (FFV1): there it is the configuration that decides.
bool is_radiometric(std::string_view url);
// Number of telemetry rows of this configuration: 3 at 80 px, 2 at 160 px (a Lepton sends 240 or 320 words).
int telemetry_row_count(const RadiometricConfig& config);
// What is wrong with `config` for `url`, empty when nothing is.
std::string radiometric_fault(const RadiometricConfig& config, std::string_view url);

// "160x120" into width and height. False, and nothing changed, for anything else.
bool read_size(std::string_view text, int& width, int& height);
// "160x120,8.7,0.01K,footer": size, rate, scale, telemetry in any order, each as in the configuration; for command lines.
Result<RadiometricConfig> parse_radiometric(std::string_view text);

}  // namespace kanhu
