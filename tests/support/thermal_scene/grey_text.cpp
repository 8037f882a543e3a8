// SPDX-License-Identifier: MIT
#include "tests/support/thermal_scene/grey_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace kanhu::thermal_scene {
namespace {

// Five columns of seven pixels, the lowest bit above.
using Glyph = std::array<std::uint8_t, 5>;
constexpr std::string_view kDrawn = "0123456789:-CAM ";
constexpr std::array<Glyph, 16> kGlyphs{{{0x3e, 0x51, 0x49, 0x45, 0x3e},
                                         {0x00, 0x42, 0x7f, 0x40, 0x00},
                                         {0x62, 0x51, 0x49, 0x49, 0x46},
                                         {0x22, 0x41, 0x49, 0x49, 0x36},
                                         {0x18, 0x14, 0x12, 0x7f, 0x10},
                                         {0x27, 0x45, 0x45, 0x45, 0x39},
                                         {0x3c, 0x4a, 0x49, 0x49, 0x30},
                                         {0x01, 0x71, 0x09, 0x05, 0x03},
                                         {0x36, 0x49, 0x49, 0x49, 0x36},
                                         {0x06, 0x49, 0x49, 0x29, 0x1e},
                                         {0x00, 0x36, 0x36, 0x00, 0x00},
                                         {0x08, 0x08, 0x08, 0x08, 0x08},
                                         {0x3e, 0x41, 0x41, 0x41, 0x22},
                                         {0x7e, 0x09, 0x09, 0x09, 0x7e},
                                         {0x7f, 0x02, 0x0c, 0x02, 0x7f},
                                         {0x00, 0x00, 0x00, 0x00, 0x00}}};

struct Canvas {
  int width, height;
  const std::function<void(std::size_t)>& paint;
  void dot(int x, int y, int side) const {
    for (int row = std::max(0, y); row < std::min(height, y + side); ++row)
      for (int column = std::max(0, x); column < std::min(width, x + side); ++column)
        paint(static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column));
  }
  void write(const std::string& text, int x, int y, int scale) const {
    for (const char letter : text) {
      const Glyph& glyph = kGlyphs[std::min(kDrawn.find(letter), kGlyphs.size() - 1)];
      for (int column = 0; column < 5; ++column)
        for (int row = 0; row < 7; ++row)
          if ((glyph[static_cast<std::size_t>(column)] >> row & 1) != 0) dot(x + column * scale, y + row * scale, scale);
      x += 6 * scale;
    }
  }
};

}  // namespace

void write_text(double seconds, int width, int height, const std::function<void(std::size_t)>& paint) {
  const Canvas canvas{width, height, paint};
  const int scale = std::max(1, width / 240), margin = width / 40;
  const auto second = static_cast<unsigned>(std::max(0.0, seconds)) + 8U * 3600;
  std::array<char, 40> clock{};
  std::snprintf(clock.data(), clock.size(), "2026-03-01 %02u:%02u:%02u", second / 3600 % 24, second / 60 % 60, second % 60);
  canvas.write(clock.data(), margin, margin, scale);
  canvas.write("CAM 07", width - margin - 36 * scale, height - margin - 7 * scale, scale);
  const int arm = width / 16, gap = width / 64, x = width / 2, y = height / 2;
  for (int i = gap; i < arm; ++i)
    for (const int sign : {-1, 1}) canvas.dot(x + sign * i, y, scale), canvas.dot(x, y + sign * i, scale);
}

}  // namespace kanhu::thermal_scene
