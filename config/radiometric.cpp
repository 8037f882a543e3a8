// SPDX-License-Identifier: MIT
#include "config/radiometric.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu {

namespace {

constexpr std::array<std::string_view, 5> kScales{"0.01K", "0.1K", "1/64K", "0.01C", "0.1C"};
constexpr std::array<std::string_view, 3> kTelemetry{"none", "header", "footer"};
constexpr int kLeastSide = 8;  // px

// Position of `word`, or the size of the list.
template <std::size_t N>
std::size_t place_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin());
}

}  // namespace

const char* to_string(CountScale scale) { return scale == CountScale::kUnknown ? "" : kScales[static_cast<std::size_t>(scale) - 1].data(); }

std::span<const std::string_view> count_scales() { return kScales; }

CountScale count_scale(std::string_view word) {
  const std::size_t place = place_of(word, kScales);
  return place == kScales.size() ? CountScale::kUnknown : static_cast<CountScale>(place + 1);
}

const char* to_string(TelemetryRows rows) { return kTelemetry[static_cast<std::size_t>(rows)].data(); }

std::span<const std::string_view> telemetry_words() { return kTelemetry; }

TelemetryRows telemetry_rows(std::string_view word) {
  const std::size_t place = place_of(word, kTelemetry);
  return place == kTelemetry.size() ? TelemetryRows::kNone : static_cast<TelemetryRows>(place);
}

bool is_radiometric(std::string_view url) {
  return url.starts_with("v4l2:") || (url.starts_with("file:") && (url.ends_with(".y16") || url.ends_with(".raw16")));
}

namespace {

// A file that says neither its size nor its rate.
bool is_headerless(std::string_view url) { return url.starts_with("file:") && !url.ends_with(".mkv"); }

}  // namespace

int telemetry_row_count(const RadiometricConfig& config) {
  if (config.telemetry == TelemetryRows::kNone) return 0;
  return config.width == 80 ? 3 : 2;
}

std::string radiometric_fault(const RadiometricConfig& config, std::string_view url) {
  if (!is_radiometric(url) && !(url.starts_with("file:") && url.ends_with(".mkv")))
    return "only 16-bit sources (v4l2:///dev/video0, file:///path/x.y16, .raw16, .mkv with FFV1) have it";
  const bool with_telemetry = config.telemetry != TelemetryRows::kNone;
  if (config.scale == CountScale::kUnknown && !with_telemetry)
    return fmt::format("16-bit numbers mean nothing without scale: one of {}", fmt::join(kScales, ", "));
  if (with_telemetry && !(config.width == 80 && config.height == 60) && !(config.width == 160 && config.height == 120))
    return "telemetry rows are those of a Lepton: say size: 160x120 or size: 80x60, or telemetry: none";
  if (is_headerless(url) && config.width == 0) return "a file of raw frames does not tell its size; say size: 160x120";
  if (is_headerless(url) && config.frames_per_second <= 0) return "a file of raw frames does not tell its rate; say fps: 8.7";
  return "";
}

bool read_size(std::string_view text, int& width, int& height) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return false;
  const auto w = parse_integer(text.substr(0, cross)), h = parse_integer(text.substr(cross + 1));
  if (!w || !h || *w < kLeastSide || *h < kLeastSide || *w > kMostRadiometricSide || *h > kMostRadiometricSide) return false;
  width = static_cast<int>(*w);
  height = static_cast<int>(*h);
  return true;
}

Result<RadiometricConfig> parse_radiometric(std::string_view text) {
  RadiometricConfig config;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto rate = parse_number(part);
    if (read_size(part, config.width, config.height)) continue;
    if (const CountScale scale = count_scale(part); scale != CountScale::kUnknown) {
      config.scale = scale;
    } else if (place_of(part, kTelemetry) < kTelemetry.size()) {
      config.telemetry = telemetry_rows(part);
    } else if (rate && *rate > 0 && *rate <= kMostRadiometricRate) {
      config.frames_per_second = *rate;
    } else {
      return fail(ErrorKind::kInvalidArgument, fmt::format("{} is no size (160x120), rate (8.7), scale ({}) or place of telemetry ({})",
                                                           quoted(part), fmt::join(kScales, ", "), fmt::join(kTelemetry, ", ")));
    }
  }
  return config;
}

}  // namespace kanhu
