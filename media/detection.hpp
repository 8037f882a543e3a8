// SPDX-License-Identifier: MIT
// What a detector finds, and the three values of presence.
#pragma once

#include <string>
#include <vector>

#include "media/frame.hpp"

namespace kanhu {

// One thing found in one picture by a detector.
struct Detection {
  std::string label;  // "face", "person"
  double score = 0;   // 0..1, the detector's own scale
  Box box;
  std::vector<Point> landmarks;  // fractions of the picture; the detector states their order
};

// Presence has three values. A source that cannot see yields unknown, never absent (invariant 2).
enum class Presence { kPresent, kAbsent, kUnknown };
const char* to_string(Presence presence);

}  // namespace kanhu
