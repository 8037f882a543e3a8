// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipelines/observation.hpp"

namespace kanhu::analyze {

// What is remembered of a followed face between its pictures; kept by FaceWatch in the track.
struct FaceMemory {
  std::optional<FaceQuality> now;   // of this picture
  std::optional<FaceQuality> best;  // of all shots

  // Stillness.
  bool has_moved = false;  // it came from somewhere, or turned: it lives
  bool is_static = false;
  Box place;                             // where it has been since `still_since`
  std::vector<float> look;               // of that place then
  std::optional<MediaTime> still_since;  // of the same look

  // Shots that were compared: their quality, falling.
  std::vector<double> shots;
  std::optional<MediaTime> last_shot;
};

}  // namespace kanhu::analyze
