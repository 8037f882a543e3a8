// SPDX-License-Identifier: MIT
#include "tests/support/simulator/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace kanhu::simulator {
namespace {

std::size_t area(int width, int height) { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }

std::uint8_t to_byte(double value) { return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L)); }

// 64 Ki values in -128..127, from a 32-bit xorshift; every amplitude and frame reads it from another place.
const std::vector<std::int8_t>& noise_table() {
  static const std::vector<std::int8_t> table = [] {
    std::vector<std::int8_t> values(65536 + 4096);
    std::uint32_t x = 0x9e3779b9U;
    for (auto& value : values) {
      x ^= x << 13;
      x ^= x >> 17;
      x ^= x << 5;
      // The mean of two uniform values: closer to a sensor's noise than one.
      value = static_cast<std::int8_t>((static_cast<std::int8_t>(x) + static_cast<std::int8_t>(x >> 8)) / 2);
    }
    return values;
  }();
  return table;
}

void blend_plane(std::uint8_t* below, int below_width, int below_height, const std::uint8_t* above, const std::uint8_t* cover, int width,
                 int height, int left, int top) {
  const int first_x = std::max(0, -left);
  const int last_x = std::min(width, below_width - left);
  const int first_y = std::max(0, -top);
  const int last_y = std::min(height, below_height - top);
  for (int y = first_y; y < last_y; ++y) {
    std::uint8_t* row = below + area(below_width, top + y);
    for (int x = first_x; x < last_x; ++x) {
      const std::size_t i = area(width, y) + static_cast<std::size_t>(x);
      const int weight = cover[i] + (cover[i] >> 7);
      std::uint8_t& pixel = row[left + x];
      pixel = static_cast<std::uint8_t>(pixel + (((above[i] - pixel) * weight) >> 8));
    }
  }
}

void apply(std::vector<std::uint8_t>& plane, int zero, double gain) {
  std::array<std::uint8_t, 256> table{};
  for (int i = 0; i < 256; ++i) table[static_cast<std::size_t>(i)] = to_byte(zero + (i - zero) * gain);
  for (auto& value : plane) value = table[value];
}

}  // namespace

Picture::Picture(int width_px, int height_px)
    : width(width_px),
      height(height_px),
      y(area(width, height), 16),
      u(area(width / 2, height / 2), 128),
      v(area(width / 2, height / 2), 128) {}

CutOut::CutOut(int width_px, int height_px) : width(width_px), height(height_px), bgra(4 * area(width, height)) {}

CutOut resized(const CutOut& source, int width, int height) {
  CutOut result(width, height);
  const double step_x = static_cast<double>(source.width) / width;
  const double step_y = static_cast<double>(source.height) / height;
  const int points = std::clamp(static_cast<int>(std::ceil(std::max(step_x, step_y))), 1, 8);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::array<double, 4> sum{};
      for (int sub = 0; sub < points * points; ++sub) {
        const double sx = (x + (sub % points + 0.5) / points) * step_x - 0.5;
        const double sy = (y + (sub / points + 0.5) / points) * step_y - 0.5;
        const int x0 = std::clamp(static_cast<int>(std::floor(sx)), 0, source.width - 1);
        const int y0 = std::clamp(static_cast<int>(std::floor(sy)), 0, source.height - 1);
        const int x1 = std::min(x0 + 1, source.width - 1);
        const int y1 = std::min(y0 + 1, source.height - 1);
        const double fx = std::clamp(sx - x0, 0.0, 1.0);
        const double fy = std::clamp(sy - y0, 0.0, 1.0);
        for (std::size_t c = 0; c < 4; ++c) {
          const double upper = source.at(x0, y0)[c] * (1 - fx) + source.at(x1, y0)[c] * fx;
          const double lower = source.at(x0, y1)[c] * (1 - fx) + source.at(x1, y1)[c] * fx;
          sum[c] += upper * (1 - fy) + lower * fy;
        }
      }
      for (std::size_t c = 0; c < 4; ++c) result.at(x, y)[c] = to_byte(sum[c] / (points * points));
    }
  }
  return result;
}

Sprite::Sprite(const CutOut& cut_out)
    : width(cut_out.width & ~1),
      height(cut_out.height & ~1),
      y(area(width, height)),
      cover(area(width, height)),
      u(area(width / 2, height / 2)),
      v(area(width / 2, height / 2)),
      half_cover(area(width / 2, height / 2)) {
  for (int py = 0; py < height; ++py) {
    for (int px = 0; px < width; ++px) {
      const std::uint8_t* p = cut_out.at(px, py);
      const std::size_t i = area(width, py) + static_cast<std::size_t>(px);
      y[i] = to_byte(16 + 0.257 * p[2] + 0.504 * p[1] + 0.098 * p[0]);
      cover[i] = p[3];
      if (px % 2 != 0 || py % 2 != 0) continue;
      const std::size_t half = area(width / 2, py / 2) + static_cast<std::size_t>(px / 2);
      u[half] = to_byte(128 - 0.148 * p[2] - 0.291 * p[1] + 0.439 * p[0]);
      v[half] = to_byte(128 + 0.439 * p[2] - 0.368 * p[1] - 0.071 * p[0]);
      half_cover[half] = p[3];
    }
  }
}

void lay_over(Picture& picture, const Sprite& sprite, int left, int top) {
  left &= ~1;
  top &= ~1;
  blend_plane(picture.y.data(), picture.width, picture.height, sprite.y.data(), sprite.cover.data(), sprite.width, sprite.height, left,
              top);
  for (const bool first : {true, false}) {
    blend_plane(first ? picture.u.data() : picture.v.data(), picture.width / 2, picture.height / 2,
                first ? sprite.u.data() : sprite.v.data(), sprite.half_cover.data(), sprite.width / 2, sprite.height / 2, left / 2,
                top / 2);
  }
}

void add_noise(Picture& picture, int amplitude, std::uint32_t frame_number) {
  if (amplitude <= 0) return;
  const std::vector<std::int8_t>& table = noise_table();
  std::uint32_t x = frame_number * 2654435761U + 1;
  for (int row = 0; row < picture.height; ++row) {
    std::uint8_t* pixels = picture.y.data() + area(picture.width, row);
    for (int done = 0; done < picture.width; done += 4096) {
      x ^= x << 13;
      x ^= x >> 17;
      x ^= x << 5;
      const std::int8_t* noise = table.data() + (x & 0xffffU);
      const int count = std::min(4096, picture.width - done);
      for (int i = 0; i < count; ++i) {
        const int value = pixels[done + i] + ((noise[i] * amplitude + 64) >> 7);
        pixels[done + i] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
      }
    }
  }
}

void grade(Picture& picture, double gain, double saturation) {
  if (gain != 1.0) apply(picture.y, 16, gain);
  if (saturation != 1.0) {
    apply(picture.u, 128, saturation);
    apply(picture.v, 128, saturation);
  }
}

}  // namespace kanhu::simulator
