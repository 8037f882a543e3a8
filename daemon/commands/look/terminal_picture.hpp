// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "config/config.hpp"
#include "media/frame.hpp"

namespace kanhu {

// What a terminal can show.
struct Screen {
  enum class Colours { kNone, k256, kTrue };
  Colours colours = Colours::kNone;
  bool unicode = false;  // half blocks and lines; else ASCII alone
  int columns = 80;
  int rows = 0;  // 0: as many as it takes
};

// The part of a `look` answer that is drawn.
struct ThermalSight {
  struct Mark {
    Box box;
    std::string label;
    bool hot = false;  // a thing, not a person
  };
  int width = 0, height = 0;        // cells
  std::vector<std::uint8_t> cells;  // width * height
  double from_cell = 0, to_cell = 255;
  std::vector<Mark> marks;
  std::vector<Polygon> borders;  // of zones
};

// From untrusted JSON: no cells when there are none, or when their number is not width * height.
ThermalSight sight_of(const Json& look);

// The picture as lines of a terminal, cells square: two a character high as upper half blocks, scaled up by a whole number to what fits
// in `screen.columns` and `screen.rows`, or down by leaving cells out. People and hot things have an outline around them with their label
// in its upper edge; borders are dots. Without colours each character is the warmer of its two halves on a scale of nine.
// Thread: any; a pure function.
std::vector<std::string> picture_lines(const ThermalSight& sight, const Screen& screen);

// The palette from cool to warm, `columns` characters long.
std::string palette_bar(const Screen& screen, int columns);

}  // namespace kanhu
