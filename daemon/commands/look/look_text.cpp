// SPDX-License-Identifier: MIT
#include "daemon/commands/look/look_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.hpp"

namespace kanhu {
namespace {

// A picture comes about once a second.
constexpr double kOldSeconds = 5;
constexpr double kMovingSeconds = 3;
constexpr std::size_t kMostListed = 8;

const Json& part(const Json& object, const char* key) {
  static const Json kNothing;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : kNothing;
}

// Names and causes come from configurations and devices: none of their control characters (C0, DEL, C1) reaches the terminal.
std::string words_in(const Json& object, const char* key) {
  const Json& given = part(object, key);
  if (!given.is_string()) return {};
  const auto& text = given.get_ref<const std::string&>();
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    const bool control = step.code_point < 0x20 || (step.code_point >= 0x7f && step.code_point < 0xa0);
    shown += control || !step.valid ? "?" : text.substr(at, step.bytes);
    at += step.bytes;
  }
  return shown;
}

double figure(const Json& object, const char* key) {
  const Json& value = part(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

std::string degrees(const Json& object, const char* key, const Screen& screen) {
  return part(object, key).is_number() ? fmt::format("{:.1f} {}", figure(object, key), screen.unicode ? "°C" : "C") : std::string("-");
}

std::string counted(std::size_t count, const char* one, const char* more) { return fmt::format("{} {}", count, count == 1 ? one : more); }

// 0.4 s, 12 s, 3 min, 2 h 5 min
std::string span_of(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", std::max(0.0, seconds));
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  const auto minutes = static_cast<long>(std::min(seconds, 1e9) / 60);
  return minutes < 120 ? fmt::format("{} min", minutes) : fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

std::string in_colour(const Screen& screen, const char* code, const std::string& text) {
  return screen.colours == Screen::Colours::kNone ? text : fmt::format("\033[{}m{}\033[0m", code, text);
}

std::string state_of(const Json& zone) {
  std::string words = words_in(zone, "state");
  const double count = figure(zone, "count");
  if (words == "present" && count > 0) words += fmt::format(" ({:.0f})", count);
  if (const std::string reason = words_in(zone, "reason"); !reason.empty()) words += " (" + reason + ")";
  return words;
}

std::string age_line(const Json& look, const Screen& screen) {
  const double age_s = figure(look, "age_s");
  // What was kept has a time, not an age.
  const std::string age = part(look, "age_s").is_number() ? span_of(age_s) + " ago" : words_in(look, "time");
  std::string line = fmt::format("{:.0f}x{:.0f} {}, {}", figure(look, "width"), figure(look, "height"), words_in(look, "kind"),
                                 age_s > kOldSeconds ? in_colour(screen, "1;31", age) : age);
  if (const std::string cause = words_in(look, "cause"); !cause.empty()) line += ": " + in_colour(screen, "1;31", cause);
  return line;
}

std::string scale_line(const Json& look, const Screen& screen) {
  const std::string bar = palette_bar(screen, screen.colours == Screen::Colours::kNone ? 9 : 24);
  if (words_in(look, "kind") != "radiometric") return fmt::format("cooler [{}] warmer (relative: no degrees can be read from it)", bar);
  const double low_c = figure(look, "low_c"), step_c = figure(look, "step_c");
  const char* unit = screen.unicode ? "°C" : "C";
  return fmt::format("{:.1f} [{}] {:.1f} {}; coolest {}, warmest {}", low_c + step_c * figure(part(look, "palette"), "from_cell"), bar,
                     low_c + step_c * figure(part(look, "palette"), "to_cell"), unit, degrees(look, "coolest_c", screen),
                     degrees(look, "warmest_c", screen));
}

std::string place_of(const Json& marked) {
  const Json& box = part(marked, "box");
  return fmt::format("at {:.0f} % from the left, {:.0f} % from the top", 100 * (figure(box, "x") + figure(box, "width") / 2),
                     100 * (figure(box, "y") + figure(box, "height") / 2));
}

void add_people(std::vector<std::string>& lines, const Json& look) {
  const bool nominal = words_in(look, "kind") != "radiometric";
  const Json& people = part(look, "people");
  if (!people.is_array()) return;
  lines.push_back(people.empty() ? "nobody" : counted(people.size(), "person", "people"));
  for (std::size_t i = 0; i < people.size() && i < kMostListed; ++i) {
    const double still_s = figure(people[i], "still_s");
    lines.push_back(fmt::format("  {:<5} {:.1f} {} above the room, {}, {}", fmt::format("{:.0f}", figure(people[i], "id")),
                                figure(people[i], "warmth_k"), nominal ? "nominal K" : "K",
                                still_s < kMovingSeconds ? "moving" : "still for " + span_of(still_s), place_of(people[i])));
  }
  if (people.size() > kMostListed) lines.push_back(fmt::format("  and {} more", people.size() - kMostListed));
}

void add_hot_spots(std::vector<std::string>& lines, const Json& look, const Screen& screen) {
  const Json& spots = part(look, "hot_spots");
  if (!spots.is_array() || spots.empty()) return;
  lines.push_back(counted(spots.size(), "thing", "things") + " hotter than people");
  for (std::size_t i = 0; i < spots.size() && i < kMostListed; ++i) {
    const std::string hottest = part(spots[i], "hottest_c").is_number() ? degrees(spots[i], "hottest_c", screen) + ", " : "";
    lines.push_back(fmt::format("  !     {}{}", hottest, place_of(spots[i])));
  }
  if (spots.size() > kMostListed) lines.push_back(fmt::format("  and {} more", spots.size() - kMostListed));
}

void add_zones(std::vector<std::string>& lines, const Json& look, const Screen& screen) {
  for (const Json& zone : part(look, "zones")) {
    const std::string id = words_in(zone, "zone"), state = words_in(zone, "state");
    const char* colour = state == "present" ? "1;32" : state == "absent" ? "0" : "1;33";
    lines.push_back(fmt::format("{:<21} {}", id.empty() ? "whole view" : "zone " + id, in_colour(screen, colour, state_of(zone))));
  }
  if (part(look, "open").is_boolean()) lines.push_back(part(look, "open").get<bool>() ? "open" : "closed");
}

void add_mount(std::vector<std::string>& lines, const Json& look) {
  const Json& mount = part(look, "mount");
  if (figure(mount, "height_m") > 0) {
    lines.push_back(fmt::format("hangs at {:.2f} m, tilted by {:.0f} degrees", figure(mount, "height_m"), figure(mount, "tilt_degrees")));
  } else if (part(look, "cells").is_string() && look.contains("age_s")) {
    lines.push_back("mount: not said; it is taken to hang at 2.7 m and to look straight down");
  }
}

std::string presence_of(const Json& source) {
  std::string words;
  for (const Json& zone : part(source, "zones")) {
    if (!words.empty()) words += ", ";
    const std::string id = words_in(zone, "zone");
    words += (id.empty() ? "" : id + " ") + state_of(zone);
  }
  if (part(source, "open").is_boolean()) words = part(source, "open").get<bool>() ? "open" : "closed";
  if (const std::string waiting = words_in(source, "waiting"); !waiting.empty()) words += (words.empty() ? "" : "; ") + waiting;
  return words;
}

bool has(const char* variable, std::string_view what) {
  const char* value = std::getenv(variable);
  return value != nullptr && std::string_view(value).find(what) != std::string_view::npos;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// The first of the three that is set decides (POSIX, 8.2).
bool is_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (is_set(variable)) return has(variable, "UTF-8") || has(variable, "utf8") || has(variable, "UTF8") || has(variable, "utf-8");
  }
  return false;
}

}  // namespace

std::vector<std::string> look_text(const Json& look, const Screen& screen) {
  std::vector<std::string> before, after;
  std::string title = words_in(look, "facility") + "/" + words_in(look, "source");
  if (const std::string name = words_in(look, "name"); !name.empty()) title += "  " + name;
  before.push_back(title);
  if (const std::string waiting = words_in(look, "waiting"); !waiting.empty()) before.push_back(in_colour(screen, "1;33", waiting));
  const ThermalSight sight = sight_of(look);
  if (!sight.cells.empty()) {
    before.push_back(age_line(look, screen));
    after.push_back(scale_line(look, screen));
    add_people(after, look);
    add_hot_spots(after, look, screen);
  }
  add_zones(after, look, screen);
  add_mount(after, look);
  Screen rest = screen;
  if (screen.rows > 0) rest.rows = std::max(4, screen.rows - static_cast<int>(before.size() + after.size()));
  for (std::string& line : picture_lines(sight, rest)) before.push_back(std::move(line));
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

std::vector<std::string> look_table(const Json& sources, const Screen& screen) {
  std::vector<std::string> lines;
  if (!sources.is_array() || sources.empty()) return lines;
  lines.push_back(fmt::format("{:<24} {:<13} {:<13} {:>8} {:>8} {:>6}  {}", "infrared", "sensor", "picture", "coolest", "warmest", "people",
                              "presence"));
  for (const Json& source : sources) {
    const bool seen = part(source, "age_s").is_number();
    const double age_s = figure(source, "age_s");
    const bool relative = words_in(source, "kind") == "relative";
    std::string age = fmt::format("{:<13}", seen ? span_of(age_s) + " ago" : "-");
    if (seen && age_s > kOldSeconds) age = in_colour(screen, "1;31", age);
    lines.push_back(fmt::format("{:<24} {:<13} {} {:>8} {:>8} {:>6}  {}", words_in(source, "facility") + "/" + words_in(source, "source"),
                                words_in(source, "sensor"), age, relative ? "relative" : degrees(source, "coolest_c", screen),
                                relative ? "-" : degrees(source, "warmest_c", screen),
                                seen ? fmt::format("{:.0f}", figure(source, "people")) : "-", presence_of(source)));
  }
  return lines;
}

Screen screen_of_stdout() {
  Screen screen;
  screen.unicode = is_utf8();
  if (::isatty(STDOUT_FILENO) != 1) return screen;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    screen.columns = size.ws_col;
    screen.rows = size.ws_row;
  }
  const bool truly = has("COLORTERM", "truecolor") || has("COLORTERM", "24bit") || has("TERM", "direct");
  if (is_set("NO_COLOR") || !is_set("TERM") || has("TERM", "dumb")) return screen;
  screen.colours = truly ? Screen::Colours::kTrue : has("TERM", "256color") ? Screen::Colours::k256 : Screen::Colours::kNone;
  return screen;
}

}  // namespace kanhu
