// SPDX-License-Identifier: MIT
// A recording of an infrared sensor with what was true while it was made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/thermal_frame.hpp"

namespace kanhu::bench {

// What was true at a frame.
struct ThermalTruth {
  double seconds = 0;
  int people = kNotLabelled;
  bool counted = true;           // false: the label says that somebody is there, not how many
  bool unknown_allowed = false;  // nothing could tell here: the answer "unknown" is no miss
  static constexpr int kNotLabelled = -1;
};

struct ThermalRecording {
  std::string name;  // path below the measured folder
  int width = 0, height = 0;
  double rate = 0;      // frames a second; of the file, or assumed
  double pitch_m = 0;   // metres a pixel; 0: the file does not say
  bool stills = false;  // single pictures without an order
  std::vector<ThermalFrame> frames;
  std::vector<ThermalTruth> truths;   // as many
  std::vector<std::string> left_out;  // rows, with file and line
  std::vector<std::string> assumed;   // what the file did not say
};

enum class ThermalUnit { kGuess, kCelsius, kCentiCelsius, kKelvin, kCentiKelvin, kFahrenheit, kGrey };

// What a file does not say itself. From labels.json, or the command line.
struct ThermalDefaults {
  int width = 0, height = 0;
  double rate = 0, pitch_m = 0;
  ThermalUnit unit = ThermalUnit::kGuess;
};

// "32x24"; kInvalidArgument.
Result<std::pair<int, int>> parse_thermal_size(const std::string& text);
// "celsius", "centi_celsius", "kelvin", "centi_kelvin", "fahrenheit", "grey"; kInvalidArgument.
Result<ThermalUnit> parse_thermal_unit(const std::string& text);

inline constexpr std::uint64_t kMostThermalValues = 600'000'000;  // of one recording: 2 bytes each in memory
inline constexpr std::size_t kMostNamedRows = 5;                  // of a file that are left out one by one

// Reads the forms of docs/bench-thermal.md: with a header or without, rows with time and label or without, a time above each row.
// Frames whose rows do not say who is there stay kNotLabelled. Rows that make no sense are left out and named. kNotFound, kIo,
// kCorrupt (no row makes sense), kUnsupported (too long).
Result<ThermalRecording> read_thermal_csv(const std::string& path, const std::string& name, const ThermalDefaults& defaults);

}  // namespace kanhu::bench
