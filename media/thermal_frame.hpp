// SPDX-License-Identifier: MIT
// One picture of warmth, whatever sensor it came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "media/frame.hpp"

namespace kanhu {

// Radiometric: temperatures. Relative: warmer is more, and nothing else is known (an 8-bit picture after gain control); no
// temperature may be read out of it.
enum class ThermalKind { kRadiometric, kRelative };

struct ThermalFrame {
  ThermalKind kind = ThermalKind::kRadiometric;
  int width = 0, height = 0;  // px
  // width * height numbers, row after row from the upper left. Radiometric: apparent temperature in hundredths of a degree
  // Celsius. Relative: hundredths of a nominal degree (10 grey levels of a picture at its usual gain), zero anywhere.
  std::vector<std::int16_t> values;
  bool calibrating = false;    // the shutter is closed (FFC, NUC): the values are not new, what was known holds
  std::string blind;           // not empty: the values show nobody and prove nothing, and why
  bool anew = false;           // the values are not comparable with those before: what was learned from them is void
  bool polarity_known = true;  // relative: which end is warm has been found out; otherwise what stands out may be cold
};

// Somebody infrared shows.
struct ThermalPerson {
  std::uint64_t id = 0;  // of this run of the source, from 1
  Box box;
  double warmth_k = 0;  // of the warmest place above the room; nominal degrees on relative sources
  double still_s = 0;   // seconds without any movement beyond breathing
  bool operator==(const ThermalPerson&) const = default;
};

// A thing hotter than people: a kettle, a radiator, a fire.
struct HotSpot {
  Box box;
  double hottest_c = 0;  // apparent; 0 on relative sources
  bool operator==(const HotSpot&) const = default;
};

inline constexpr int kMostMatrixWidth = 32;
inline constexpr int kMostMatrixHeight = 24;
inline constexpr std::size_t kMostThermalPeople = 64;  // and hot spots, of one frame

// A frame small enough to be kept as evidence and looked at, each cell the mean of its pixels.
struct ThermalMatrix {
  ThermalKind kind = ThermalKind::kRadiometric;
  int width = 0, height = 0;        // cells
  std::int32_t low_centi = 0;       // value of a cell that says 0, in the frame's hundredths
  std::int32_t step_centi = 1;      // and what each further step adds, at least 1
  std::vector<std::uint8_t> cells;  // width * height
  bool operator==(const ThermalMatrix&) const = default;
};

// What an infrared source sees, about once a second and whenever its presence changes: kept by the rules as evidence and shown to whoever
// hangs a sensor. Facts, not verdicts: rules on stillness and hot spots come later.
struct ThermalObservation {
  ThermalMatrix matrix;
  std::vector<ThermalPerson> people;
  std::vector<HotSpot> hot_spots;
};

// A door or window contact.
struct ContactObservation {
  bool open = false;
};

// Thread: any; a pure function. An empty matrix for a frame that is empty.
ThermalMatrix matrix_of(const ThermalFrame& frame);

}  // namespace kanhu
