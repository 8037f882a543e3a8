// SPDX-License-Identifier: MIT
#include "daemon/commands/look/terminal_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"

namespace kanhu {
namespace {

struct Rgb {
  int red = 0, green = 0, blue = 0;
  bool operator==(const Rgb&) const = default;
};

// Black over violet and orange to white: brightness rises all the way, so that warmer is brighter also to those who see no colours.
constexpr std::array<Rgb, 8> kIron{Rgb{4, 2, 20}, {46, 8, 110},   {118, 10, 150}, {186, 36, 124},
                                   {226, 92, 48}, {248, 156, 20}, {255, 218, 92}, {255, 255, 240}};
// None of the characters that outlines are made of.
constexpr std::string_view kRamp = " .:=o*%#@";
constexpr Rgb kPersonInk{90, 255, 130};
constexpr Rgb kHotInk{90, 220, 255};
constexpr Rgb kBorderInk{150, 150, 150};
constexpr int kMostScale = 16;  // characters a cell

Rgb colour_at(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * (kIron.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), kIron.size() - 2);
  const double rest = place - static_cast<double>(below);
  const auto mix = [rest](int a, int b) { return static_cast<int>(std::lround(a + (b - a) * rest)); };
  const Rgb& a = kIron[below];
  const Rgb& b = kIron[below + 1];
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

char ramp_at(double share) {
  return kRamp[static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(kRamp.size() - 1) + 0.5)];
}

// The colour cube of xterm: 6 levels a channel.
int of_256(const Rgb& colour) {
  const auto level = [](int value) { return value < 48 ? 0 : value < 115 ? 1 : (value - 35) / 40; };
  return 16 + 36 * level(colour.red) + 6 * level(colour.green) + level(colour.blue);
}

std::string ink(Screen::Colours colours, bool background, const Rgb& colour) {
  const int code = background ? 48 : 38;
  if (colours == Screen::Colours::k256) return fmt::format("\033[{};5;{}m", code, of_256(colour));
  return fmt::format("\033[{};2;{};{};{}m", code, colour.red, colour.green, colour.blue);
}

struct Character {
  double upper = 0, lower = 0;  // shares of the palette
  std::string_view mark;        // over them; empty: none
  Rgb mark_ink;
};

// Characters in rows, and what is drawn over them.
class Canvas {
 public:
  Canvas(const ThermalSight& sight, const Screen& screen) : screen_(screen) {
    const int rows = screen.rows > 0 ? std::max(screen.rows, 4) : 1 << 16;
    int scale = std::min({std::max(screen.columns, 8) / sight.width, rows * 2 / sight.height, kMostScale});
    width_ = scale > 0 ? sight.width * scale : std::min(sight.width, std::max(screen.columns, 8));
    half_rows_ = std::max(1, scale > 0 ? sight.height * scale : sight.height * width_ / sight.width);
    if (half_rows_ > rows * 2) {
      half_rows_ = rows * 2;
      width_ = std::max(1, sight.width * half_rows_ / sight.height);
    }
    height_ = (half_rows_ + 1) / 2;
    characters_.resize(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_));
    const double range = std::max(sight.to_cell - sight.from_cell, 1e-6);
    for (int y = 0; y < height_; ++y) {
      for (int x = 0; x < width_; ++x) {
        const auto share = [&](int half_row) {
          const int cell_y = std::min(half_row, half_rows_ - 1) * sight.height / half_rows_;
          const int cell_x = x * sight.width / width_;
          return (sight.cells[static_cast<std::size_t>(cell_y) * static_cast<std::size_t>(sight.width) + static_cast<std::size_t>(cell_x)] -
                  sight.from_cell) /
                 range;
        };
        at(x, y).upper = share(2 * y);
        at(x, y).lower = share(2 * y + 1);
      }
    }
  }

  void border(const Polygon& polygon) {
    for (std::size_t i = 0; i < polygon.size(); ++i) {
      const Point& from = polygon[i];
      const Point& to = polygon[(i + 1) % polygon.size()];
      const double x0 = from.x * width_ - 0.5, y0 = from.y * height_ - 0.5;
      const double dx = (to.x - from.x) * width_, dy = (to.y - from.y) * height_;
      const int steps = std::clamp(static_cast<int>(std::ceil(std::max(std::abs(dx), std::abs(dy)))), 1, 4096);
      for (int step = 0; step <= steps; ++step) {
        put(static_cast<int>(std::lround(x0 + dx * step / steps)), static_cast<int>(std::lround(y0 + dy * step / steps)),
            screen_.unicode ? "·" : ",", kBorderInk);
      }
    }
  }

  // Around the box, so that what is in it stays to be seen.
  void outline(const ThermalSight::Mark& mark) {
    const Rgb& colour = mark.hot ? kHotInk : kPersonInk;
    const auto column = [&](double x) { return std::clamp(static_cast<int>(x), 0, width_ - 1); };
    const auto row = [&](double y) { return std::clamp(static_cast<int>(y), 0, height_ - 1); };
    const int left = column(std::floor(mark.box.x * width_) - 1), right = column(std::ceil((mark.box.x + mark.box.width) * width_));
    const int top = row(std::floor(mark.box.y * height_) - 1), bottom = row(std::ceil((mark.box.y + mark.box.height) * height_));
    const bool fine = screen_.unicode;
    for (int x = left + 1; x < right; ++x) {
      put(x, top, fine ? "─" : "-", colour);
      put(x, bottom, fine ? "─" : "-", colour);
    }
    for (int y = top + 1; y < bottom; ++y) {
      put(left, y, fine ? "│" : "|", colour);
      put(right, y, fine ? "│" : "|", colour);
    }
    put(left, bottom, fine ? "└" : "+", colour);
    put(right, bottom, fine ? "┘" : "+", colour);
    put(left, top, fine ? "┌" : "+", colour);
    put(right, top, fine ? "┐" : "+", colour);
    // At the right edge the label moves left rather than out of the picture.
    const int begin = std::max(0, std::min(left + 1, width_ - static_cast<int>(mark.label.size())));
    for (std::size_t i = 0; i < mark.label.size(); ++i)
      put(begin + static_cast<int>(i), top, std::string_view(mark.label).substr(i, 1), colour);
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (int y = 0; y < height_; ++y) lines.push_back(screen_.colours == Screen::Colours::kNone ? plain_line(y) : coloured_line(y));
    return lines;
  }

 private:
  Character& at(int x, int y) { return characters_[place(x, y)]; }
  const Character& at(int x, int y) const { return characters_[place(x, y)]; }
  std::size_t place(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
  }
  void put(int x, int y, std::string_view what, const Rgb& colour) {
    x = std::clamp(x, 0, width_ - 1);
    y = std::clamp(y, 0, height_ - 1);
    at(x, y).mark = what;
    at(x, y).mark_ink = colour;
  }

  std::string plain_line(int y) const {
    std::string line;
    for (int x = 0; x < width_; ++x) {
      const Character& one = at(x, y);
      if (one.mark.empty()) {
        line += ramp_at(std::max(one.upper, one.lower));
      } else {
        line += one.mark;
      }
    }
    return line;
  }

  std::string coloured_line(int y) const {
    std::string line, front, back;
    for (int x = 0; x < width_; ++x) {
      const Character& one = at(x, y);
      const bool halves = one.mark.empty() && screen_.unicode;
      const Rgb behind = colour_at(halves ? one.lower : (one.upper + one.lower) / 2);
      const std::string new_back = ink(screen_.colours, true, behind);
      const std::string new_front = ink(screen_.colours, false, halves ? colour_at(one.upper) : one.mark_ink);
      if (new_back != back) line += back = new_back;
      if ((halves || !one.mark.empty()) && new_front != front) line += front = new_front;
      line += halves ? "▀" : one.mark.empty() ? " " : one.mark;
    }
    return line + "\033[0m";
  }

  const Screen& screen_;
  int width_ = 0, half_rows_ = 0, height_ = 0;
  std::vector<Character> characters_;
};

double number_in(const Json& object, const char* key, double otherwise) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_number() ? found->get<double>() : otherwise;
}

const Json& list_in(const Json& object, const char* key) {
  static const Json kEmpty = Json::array();
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() && found->is_array() ? *found : kEmpty;
}

Box box_in(const Json& object) {
  const auto found = object.is_object() ? object.find("box") : object.end();
  if (!object.is_object() || found == object.end()) return {};
  const auto share = [&](const char* key) { return std::clamp(number_in(*found, key, 0), 0.0, 1.0); };
  return {share("x"), share("y"), share("width"), share("height")};
}

std::vector<std::uint8_t> cells_in(const Json& look, int width, int height) {
  const auto found = look.is_object() ? look.find("cells") : look.end();
  if (!look.is_object() || found == look.end() || !found->is_string()) return {};
  auto cells = from_base64(found->get_ref<const std::string&>());
  const bool fits = cells && cells->size() == static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  return fits ? std::move(*cells) : std::vector<std::uint8_t>();
}

}  // namespace

ThermalSight sight_of(const Json& look) {
  ThermalSight sight;
  const double width = number_in(look, "width", 0), height = number_in(look, "height", 0);
  if (width < 1 || height < 1 || width > 4096 || height > 4096) return sight;
  sight.width = static_cast<int>(width);
  sight.height = static_cast<int>(height);
  sight.cells = cells_in(look, sight.width, sight.height);
  const auto palette = look.find("palette");
  sight.from_cell = palette == look.end() ? 0 : number_in(*palette, "from_cell", 0);
  sight.to_cell = palette == look.end() ? 255 : number_in(*palette, "to_cell", 255);
  for (const Json& spot : list_in(look, "hot_spots")) {
    const double hottest_c = number_in(spot, "hottest_c", 0);
    sight.marks.push_back({box_in(spot), hottest_c > 0 ? fmt::format("!{:.0f}", hottest_c) : "!", true});
  }
  // Last, so that nothing hides a person.
  for (const Json& person : list_in(look, "people"))
    sight.marks.push_back({box_in(person), fmt::format("{:.0f}", number_in(person, "id", 0)), false});
  for (const Json& zone : list_in(look, "zones")) {
    for (const Json& given : list_in(zone, "polygons")) {
      Polygon polygon;
      for (const Json& point : given) {
        if (!point.is_array() || point.size() != 2 || !point[0].is_number() || !point[1].is_number()) continue;
        polygon.push_back({std::clamp(point[0].get<double>(), 0.0, 1.0), std::clamp(point[1].get<double>(), 0.0, 1.0)});
      }
      if (polygon.size() >= 3) sight.borders.push_back(std::move(polygon));
    }
  }
  return sight;
}

std::vector<std::string> picture_lines(const ThermalSight& sight, const Screen& screen) {
  if (sight.cells.empty()) return {};
  Canvas canvas(sight, screen);
  for (const Polygon& polygon : sight.borders) canvas.border(polygon);
  for (const ThermalSight::Mark& mark : sight.marks) canvas.outline(mark);
  return canvas.lines();
}

std::string palette_bar(const Screen& screen, int columns) {
  std::string bar;
  for (int x = 0; x < columns; ++x) {
    const double share = columns > 1 ? static_cast<double>(x) / (columns - 1) : 0;
    if (screen.colours == Screen::Colours::kNone) {
      bar += ramp_at(share);
    } else {
      bar += ink(screen.colours, true, colour_at(share)) + " ";
    }
  }
  return screen.colours == Screen::Colours::kNone ? bar : bar + "\033[0m";
}

}  // namespace kanhu
