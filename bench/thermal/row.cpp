// SPDX-License-Identifier: MIT
#include "bench/thermal/row.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace kanhu::bench {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '[' || c == ']' || c == '"' || c == '\''; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

bool one_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

}  // namespace

std::vector<std::string> split_thermal_row(std::string_view line) {
  const char separator = line.find(';') != line.npos ? ';' : line.find('\t') != line.npos ? '\t' : line.find(',') != line.npos ? ',' : ' ';
  std::vector<std::string> cells;
  for (std::size_t from = 0; from <= line.size();) {
    const std::size_t to = std::min(line.find(separator, from), line.size());
    std::string cell = trimmed(line.substr(from, to - from));
    if (separator == ';' || separator == '\t') std::replace(cell.begin(), cell.end(), ',', '.');
    if (separator != ' ' || !cell.empty()) cells.push_back(std::move(cell));
    from = to + 1;
  }
  if (cells.size() > 1 && cells.back().empty()) cells.pop_back();  // a separator at the end
  return cells;
}

std::optional<double> thermal_number(const std::string& text) {
  if (text.empty()) return {};
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || !std::isfinite(value)) return {};
  return value;
}

bool is_thermal_cell(const std::string& text) {
  return thermal_number(text) || one_of(lower(text), {"", "nan", "-nan", "inf", "-inf", "null", "none", "na", "n/a", "?"});
}

std::optional<int> presence_word(std::string text) {
  text = lower(std::move(text));
  if (one_of(text, {"", "unknown", "?", "-1", "nan", "skip"})) return ThermalTruth::kNotLabelled;
  if (one_of(text, {"0", "0.0", "false", "no", "absent", "empty", "none", "nobody", "vacant", "unoccupied", "no_human"})) return 0;
  if (one_of(text, {"1", "1.0", "true", "yes", "present", "human", "person", "people", "occupied", "somebody"})) return 1;
  return {};
}

ThermalColumns columns_of_header(const std::vector<std::string>& names) {
  ThermalColumns columns;
  columns.all = names.size();
  std::vector<int> others, numbered;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string name = lower(names[i]);
    const int at = static_cast<int>(i);
    if (one_of(name, {"t", "time", "timestamp", "seconds", "time_s", "t_s", "ts", "sec"})) {
      columns.time = at;
    } else if (one_of(name, {"people", "count", "persons", "n_people", "num_people", "people_count", "occupancy_count"})) {
      columns.people = at;
    } else if (one_of(name, {"present", "presence", "label", "occupied", "human", "occupancy", "person", "class"})) {
      columns.present = at;
    } else if (name == "unknown_allowed") {
      columns.unknown_allowed = at;
    } else if (!one_of(name, {"frame", "index", "id", "ambient", "thermistor", "tamb", "ta", "vdd"})) {
      others.push_back(at);
      if (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back())) != 0) numbered.push_back(at);
    }
  }
  columns.values = numbered.empty() ? others : numbered;
  return columns;
}

std::optional<std::pair<int, int>> thermal_size_of(std::size_t pixels) {
  constexpr std::pair<int, int> kSizes[] = {{8, 8},   {4, 4},   {16, 4},  {12, 16},  {16, 16},  {32, 24},   {32, 32},   {60, 40},  {64, 62},
                                            {80, 60}, {80, 62}, {80, 64}, {120, 84}, {120, 90}, {160, 120}, {256, 192}, {320, 240}};
  for (const auto& size : kSizes) {
    if (static_cast<std::size_t>(size.first) * static_cast<std::size_t>(size.second) == pixels) return size;
  }
  return {};
}

std::optional<ThermalColumns> columns_of_rows(const std::vector<std::string>& first, const std::vector<std::string>& second,
                                              std::size_t pixels) {
  const std::size_t all = first.size();
  for (std::size_t extra = 0; extra <= 2 && extra < all; ++extra) {
    if (pixels != 0 ? pixels + extra != all : !thermal_size_of(all - extra)) continue;
    ThermalColumns columns;
    columns.all = all;
    std::size_t front = 0;
    if (extra > 0) {
      // Time stands in front and rises; a label is a small whole number or a word.
      const auto now = thermal_number(first.front()), next = second.empty() ? now : thermal_number(second.front());
      const bool rises = now && next && (*next > *now || (second.empty() && extra == 2));
      if (rises) columns.time = static_cast<int>(front++);
      if (extra > front) {
        // With both in front the label is second; a label behind the temperatures is told from one by being whole and small.
        const auto behind = thermal_number(first.back());
        const bool is_behind = presence_word(first.back()).has_value() || (behind && *behind == std::floor(*behind) && *behind < 10);
        columns.people = static_cast<int>(is_behind ? all - 1 : front++);
      }
      if (extra == 2 && !rises) continue;
    }
    for (std::size_t i = 0; i < all - extra; ++i) columns.values.push_back(static_cast<int>(front + i));
    return columns;
  }
  return {};
}

}  // namespace kanhu::bench
