// SPDX-License-Identifier: MIT
#include "tests/support/simulator/room.hpp"

#include <algorithm>
#include <cmath>

namespace kanhu::simulator {
namespace {

struct Yuv {
  double y, u, v;
};

// Fills the rectangle given in fractions of the picture.
void fill(Picture& room, double left, double top, double right, double bottom, const Yuv& colour) {
  const int x0 = static_cast<int>(left * room.width) & ~1;
  const int x1 = static_cast<int>(right * room.width) & ~1;
  const int y0 = static_cast<int>(top * room.height) & ~1;
  const int y1 = static_cast<int>(bottom * room.height) & ~1;
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) {
      room.y[static_cast<std::size_t>(y) * static_cast<std::size_t>(room.width) + static_cast<std::size_t>(x)] =
          static_cast<std::uint8_t>(colour.y);
      const std::size_t half = static_cast<std::size_t>(y / 2) * static_cast<std::size_t>(room.width / 2) + static_cast<std::size_t>(x / 2);
      room.u[half] = static_cast<std::uint8_t>(colour.u);
      room.v[half] = static_cast<std::uint8_t>(colour.v);
    }
  }
}

// Adds light(x, y) levels of luma, x and y in fractions of the picture.
template <typename Light>
void add_light(Picture& room, Light light) {
  for (int y = 0; y < room.height; ++y) {
    for (int x = 0; x < room.width; ++x) {
      std::uint8_t& value = room.y[static_cast<std::size_t>(y) * static_cast<std::size_t>(room.width) + static_cast<std::size_t>(x)];
      value = static_cast<std::uint8_t>(std::clamp(value + light((x + 0.5) / room.width, (y + 0.5) / room.height), 16.0, 235.0));
    }
  }
}

double part(std::uint32_t seed, std::uint32_t index) {  // 0..1
  std::uint32_t x = (seed + 3) * 2654435761U + index * 2246822519U;
  x ^= x >> 15;
  x *= 2246822519U;
  return static_cast<double>((x >> 12) & 0xffU) / 255.0;
}

double inside_ellipse(double x, double y, double center_x, double center_y, double radius_x, double radius_y) {
  const double distance = std::hypot((x - center_x) / radius_x, (y - center_y) / radius_y);
  return std::clamp((1 - distance) / 0.18 + 0.5, 0.0, 1.0);
}

// A limb: a thick line with round ends.
double inside_limb(double x, double y, double x0, double y0, double x1, double y1, double radius) {
  const double dx = x1 - x0;
  const double dy = y1 - y0;
  const double along = std::clamp(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy + 1e-9), 0.0, 1.0);
  const double distance = std::hypot(x - x0 - along * dx, y - y0 - along * dy) / radius;
  return std::clamp((1 - distance) / 0.25 + 0.5, 0.0, 1.0);
}

}  // namespace

Picture visible_room(int width, int height, std::uint32_t seed) {
  Picture room(width, height);
  const double shift = 0.10 * part(seed, 1);
  const double tint = 6 * part(seed, 2);
  fill(room, 0, 0, 1, 1, {138, 122 - tint, 132 + tint});                     // wall
  fill(room, 0, 0.80, 1, 1, {92, 118, 140});                                 // floor
  fill(room, 0, 0.785, 1, 0.80, {70, 124, 132});                             // skirting
  fill(room, 0.05 + shift, 0.10, 0.27 + shift, 0.50, {205, 134, 122});       // window
  fill(room, 0.155 + shift, 0.10, 0.165 + shift, 0.50, {120, 126, 130});     // its bar
  fill(room, 0.80 - shift, 0.18, 0.95 - shift, 0.80, {84, 112, 148});        // door
  fill(room, 0.925 - shift, 0.48, 0.94 - shift, 0.50, {180, 120, 134});      // its handle
  fill(room, 0.50, 0.14, 0.64, 0.30, {100 + 40 * part(seed, 3), 140, 120});  // picture on the wall
  fill(room, 0.515, 0.165, 0.625, 0.275, {150, 118 + 20 * part(seed, 4), 126});
  fill(room, 0.34, 0.74, 0.60, 0.77, {60, 116, 144});  // table
  fill(room, 0.36, 0.77, 0.38, 0.93, {52, 118, 142});
  fill(room, 0.56, 0.77, 0.58, 0.93, {52, 118, 142});
  add_light(room, [shift](double x, double y) {
    const double daylight = 34 * std::exp(-4 * (std::pow(x - 0.16 - shift, 2) + std::pow(y - 0.4, 2)));
    return daylight - 22 * y + 3 * std::sin(40 * x) * std::sin(31 * y);  // and the wall's own texture
  });
  return room;
}

void add_lamp(Picture& room) {
  add_light(room, [](double x, double y) { return 14 + 85 * std::exp(-9 * (std::pow(x - 0.7, 2) + std::pow(y - 0.25, 2))); });
}

Picture thermal_room(int width, int height, std::uint32_t seed) {
  Picture room(width, height);
  fill(room, 0, 0, 1, 1, {74, 128, 128});
  fill(room, 0, 0.78, 1, 1, {66, 128, 128});
  const double place = 0.08 + 0.6 * part(seed, 1);
  fill(room, place, 0.55, place + 0.16, 0.76, {88, 128, 128});
  add_light(room, [](double x, double y) { return 5 * std::sin(3 * x + 1) - 6 * (y - 0.5); });
  return room;
}

Sprite warm_person(int height, bool sitting) {
  CutOut cut((height * 3 / 5) & ~1, height & ~1);
  for (int py = 0; py < cut.height; ++py) {
    for (int px = 0; px < cut.width; ++px) {
      // In units of the standing height, x from the middle, y from the crown down.
      const double x = (px + 0.5 - cut.width / 2.0) / cut.height;
      const double y = (py + 0.5) / cut.height - (sitting ? 0.24 : 0.0);
      const double head = inside_ellipse(x, y, 0, 0.075, 0.055, 0.075);
      double body = inside_ellipse(x, y, 0, 0.33, 0.125, 0.20);
      for (const double side : {-1.0, 1.0}) {
        body = std::max(body, inside_limb(x, y, side * 0.11, 0.20, side * 0.155, 0.46, 0.038));
        if (sitting) {
          body = std::max(body, inside_limb(x, y, side * 0.06, 0.50, side * 0.13, 0.56, 0.062));
          body = std::max(body, inside_limb(x, y, side * 0.13, 0.56, side * 0.13, 0.74, 0.046));
        } else {
          body = std::max(body, inside_limb(x, y, side * 0.06, 0.50, side * 0.075, 0.95, 0.055));
        }
      }
      const double cover = std::max(head, body);
      const double level = head > 0.5 ? 214 : 204 - 34 * std::clamp(y - 0.2, 0.0, 1.0);
      std::uint8_t* p = cut.at(px, py);
      // Grey in full-range RGB that becomes `level` in luma.
      p[0] = p[1] = p[2] = static_cast<std::uint8_t>((level - 16) / 0.859);
      p[3] = static_cast<std::uint8_t>(255 * cover);
    }
  }
  return Sprite(cut);
}

}  // namespace kanhu::simulator
