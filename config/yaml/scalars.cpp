// SPDX-License-Identifier: MIT
#include "config/yaml/scalars.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include <fmt/format.h>

namespace kanhu {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr Unit kDurations[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"TiB", 1ll << 40}, {"GiB", 1ll << 30}, {"MiB", 1ll << 20}, {"KiB", 1ll << 10}, {"B", 1}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The length of a number at the front, 0 when there is none.
std::size_t number_length(std::string_view text, bool fraction) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t first = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at == first || (text[first] == '0' && at - first > 1)) return 0;
  if (fraction && at + 1 < text.size() && text[at] == '.' && is_digit(text[at + 1])) {
    for (++at; at < text.size() && is_digit(text[at]);) ++at;
  }
  return at;
}

// number + unit, exact in the smallest unit.
Result<std::int64_t> parse_quantity(std::string_view text, std::span<const Unit> units, std::string_view expected) {
  const auto refuse = [&] { return fail(ErrorKind::kInvalidConfig, fmt::format("expected {}", expected)); };
  const std::size_t length = number_length(text, true);
  if (length == 0 || length > 15 || text.starts_with('-')) return refuse();
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& one) { return one.name == text.substr(length); });
  if (unit == units.end()) return refuse();
  const Result<double> number = parse_number(text.substr(0, length));
  const double scaled = *number * static_cast<double>(unit->factor);
  if (scaled > 1e15 || std::abs(scaled - std::round(scaled)) > 1e-6) return refuse();
  return std::llround(scaled);
}

std::string format_quantity(std::int64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::format("0{}", units.size() > 1 ? units[units.size() - 2].name : units.back().name);
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const bool whole = !text.empty() && number_length(text, false) == text.size();
  if (!whole || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    return fail(ErrorKind::kInvalidConfig, "expected a whole number such as 8, without quotes or leading zeros");
  }
  return value;
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const bool whole = !text.empty() && number_length(text, true) == text.size();
  if (!whole || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    return fail(ErrorKind::kInvalidConfig, "expected a number such as 0.6, without quotes or leading zeros");
  }
  return value;
}

Result<bool> parse_flag(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return fail(ErrorKind::kInvalidConfig, "expected true or false");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  return parse_quantity(text, kDurations, "a duration with its unit: 500ms, 8s, 10min, 2h or 90d").map([](std::int64_t value) {
    return std::chrono::milliseconds(value);
  });
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_quantity(text, kSizes, "a size with its unit: 512KiB, 32MiB, 5GiB or 1TiB").map([](std::int64_t value) {
    return static_cast<std::uint64_t>(value);
  });
}

std::string format_duration(std::chrono::milliseconds span) { return format_quantity(span.count(), kDurations); }
std::string format_bytes(std::uint64_t bytes) { return format_quantity(static_cast<std::int64_t>(bytes), kSizes); }

}  // namespace kanhu
