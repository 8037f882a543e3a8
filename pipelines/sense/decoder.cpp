// SPDX-License-Identifier: MIT
#include "pipelines/sense/decoder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace kanhu::sense {
namespace {

constexpr int kMostDepth = 16;
constexpr int kLeastCenti = -4000, kMostCenti = 30000;
constexpr double kMillisecondsFrom = 1e11;  // seconds since 1970 reach that in the year 5138
constexpr double kLatestMs = 4e12;          // 2096

tl::unexpected<Error> refuse(std::string words) { return fail(ErrorKind::kCorrupt, std::move(words)); }

// A unit as hundredths of a degree Celsius: value * scale + offset.
struct Unit {
  std::string_view name;
  double scale, offset;
};
constexpr std::array kUnits{
    Unit{"celsius", 100, 0},         Unit{"centi_celsius", 1, 0},     Unit{"kelvin", 100, -27315},
    Unit{"deci_kelvin", 10, -27315}, Unit{"centi_kelvin", 1, -27315}, Unit{"fahrenheit", 500.0 / 9, -16000.0 / 9},
};

const Unit* unit_of(std::string_view name) {
  const auto* found = std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& unit) { return unit.name == name; });
  return found == kUnits.end() ? nullptr : found;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return made;
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Microcontrollers send the end of a C string along.
std::string_view without_terminator(std::string_view text) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return text;
}

// Microcontrollers print a missing value as their C library does.
Result<Json> parse(std::string_view payload, std::size_t most_bytes) {
  payload = without_terminator(payload);
  auto json = parse_json(payload, most_bytes, kMostDepth);
  if (json) return json;
  const std::string folded = lower(payload.substr(0, most_bytes));
  if (folded.find("nan") != std::string::npos) return refuse("NaN stands in the payload, which JSON has not: a pixel without a value");
  if (folded.find("inf") != std::string::npos) return refuse("inf stands in the payload, which JSON has not: a pixel without a value");
  return refuse(fmt::format("the payload is {}", json.error().message));
}

// RFC 6901; nothing when it leads nowhere.
const Json* at_pointer(const Json& json, const std::string& pointer) {
  const Json* at = &json;
  for (std::size_t begin = 1; begin <= pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    std::string key;
    for (std::size_t i = begin; i < end; ++i) {
      if (pointer[i] != '~' || i + 1 == end) {
        key += pointer[i];
      } else {
        key += pointer[++i] == '0' ? '~' : '/';
      }
    }
    if (at->is_object()) {
      const auto found = at->find(key);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      const bool number =
          !key.empty() && key.size() < 7 && std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (!number || std::stoul(key) >= at->size()) return nullptr;
      at = &(*at)[std::stoul(key)];
    } else {
      return nullptr;
    }
    begin = end + 1;
  }
  return at;
}

void read_time(const Json& time, Reading& into) {
  if (time.is_string()) {
    const auto parsed = parse_utc(time.get_ref<const std::string&>());
    if (parsed) into.measured = *parsed;
  } else if (time.is_number()) {
    double ms = time.get<double>();
    if (ms < kMillisecondsFrom) ms *= 1000;
    if (ms > 0 && ms < kLatestMs) into.measured = WallTime(std::chrono::microseconds(std::llround(ms * 1000)));
  }
  if (!into.measured) into.time_fault = "the sender's time is neither RFC 3339 nor seconds or milliseconds since 1970";
}

class Pixels {
 public:
  Pixels(const SensorConfig& sensor, const Unit& unit) : sensor_(sensor), unit_(unit) { values_.reserve(count()); }

  std::size_t count() const { return static_cast<std::size_t>(sensor_.width) * static_cast<std::size_t>(sensor_.height); }

  Result<void> add(double value) {
    const double centi = std::round(value * unit_.scale + unit_.offset);
    if (!std::isfinite(centi) || centi < kLeastCenti || centi > kMostCenti) {
      return refuse(fmt::format("the value of {} is {:.2f} degrees Celsius as {}; -40 to 300 can be", place(), centi / 100, unit_.name));
    }
    values_.push_back(static_cast<std::int16_t>(centi));
    return {};
  }

  Result<void> add(const Json& value) {
    if (value.is_number()) return add(value.get<double>());
    return refuse(fmt::format("the value of {} is {}, not a number", place(), value.is_null() ? "null" : value.type_name()));
  }

  // Numbers, or rows of numbers.
  Result<void> add_all(const Json& values) {
    if (!values.is_array()) return refuse(fmt::format("where the values should be stands {}", values.type_name()));
    const bool rows = !values.empty() && values.front().is_array();
    std::size_t found = rows ? 0 : values.size();
    if (rows)
      for (const Json& row : values) found += row.is_array() ? row.size() : 1;
    if (auto fits = check_count(found); !fits) return fits;
    for (const Json& value : values) {
      if (rows && (!value.is_array() || value.size() != static_cast<std::size_t>(sensor_.width)))
        return refuse(fmt::format("a row of the values has not {} numbers", sensor_.width));
      if (!rows) {
        if (auto added = add(value); !added) return added;
        continue;
      }
      for (const Json& pixel : value)
        if (auto added = add(pixel); !added) return added;
    }
    return {};
  }

  // Signed 16-bit numbers, low byte first, in base64.
  Result<void> add_base64(const Json& text) {
    const auto bytes = text.is_string() ? from_base64(text.get_ref<const std::string&>()) : std::nullopt;
    if (!bytes || bytes->size() % 2 != 0) return refuse("values_b64 is no base64 of 16-bit numbers");
    if (auto fits = check_count(bytes->size() / 2); !fits) return fits;
    for (std::size_t i = 0; i < bytes->size(); i += 2) {
      const auto raw = static_cast<std::int16_t>((*bytes)[i] | (*bytes)[i + 1] << 8);
      if (auto added = add(static_cast<double>(raw)); !added) return added;
    }
    return {};
  }

  ThermalFrame frame() && {
    const ReadingMapping& mapping = sensor_.mapping;
    const auto width = static_cast<std::ptrdiff_t>(sensor_.width);
    if (mapping.flip_horizontal)
      for (auto row = values_.begin(); row != values_.end(); row += width) std::reverse(row, row + width);
    if (mapping.flip_vertical) {
      for (std::ptrdiff_t top = 0, bottom = sensor_.height - 1; top < bottom; ++top, --bottom)
        std::swap_ranges(values_.begin() + top * width, values_.begin() + (top + 1) * width, values_.begin() + bottom * width);
    }
    ThermalFrame frame;
    frame.width = sensor_.width;
    frame.height = sensor_.height;
    frame.values = std::move(values_);
    return frame;
  }

 private:
  Result<void> check_count(std::size_t found) const {
    if (found == count()) return {};
    return refuse(fmt::format("the payload has {} values, {}x{} needs {}", found, sensor_.width, sensor_.height, count()));
  }

  std::string place() const {
    const auto width = static_cast<std::size_t>(sensor_.width);
    return fmt::format("column {}, row {}", values_.size() % width + 1, values_.size() / width + 1);
  }

  const SensorConfig& sensor_;
  const Unit& unit_;
  std::vector<std::int16_t> values_;
};

Result<void> check_version(const Json& json) {
  const auto found = json.find("v");
  if (found == json.end()) return refuse("\"v\": 1 is missing: neither Kanhu's own form nor a mapping for another");
  if (!found->is_number_integer() || *found != 1) return refuse("\"v\" is not 1: another version of the form");
  return {};
}

// The size a payload states itself, where it does.
Result<void> check_size(const Json& json, const SensorConfig& sensor) {
  if (!json.contains("w") && !json.contains("h")) return {};
  const auto says = [&](const char* key, int wanted) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() && *found == wanted;
  };
  if (says("w", sensor.width) && says("h", sensor.height)) return {};
  const auto text = [&](const char* key) { return json.contains(key) && json[key].is_number_integer() ? json[key].dump() : "?"; };
  return refuse(
      fmt::format("the payload says it is {}x{}, the sensor is configured as {}x{}", text("w"), text("h"), sensor.width, sensor.height));
}

Result<Reading> own_array(const SensorConfig& sensor, const Json& json) {
  if (auto version = check_version(json); !version) return tl::unexpected(version.error());
  if (auto size = check_size(json, sensor); !size) return tl::unexpected(size.error());
  const bool packed = json.contains("values_b64");
  const auto said = json.find("unit");
  const Unit* unit = said == json.end() ? unit_of(packed ? "centi_celsius" : sensor.mapping.unit)
                                        : unit_of(said->is_string() ? said->get_ref<const std::string&>() : "");
  if (unit == nullptr) return refuse("\"unit\" is none that is known (docs/sensors.md)");
  Pixels pixels(sensor, *unit);
  if (!packed && !json.contains("values")) return refuse("\"values\" is missing");
  if (auto added = packed ? pixels.add_base64(json["values_b64"]) : pixels.add_all(json["values"]); !added)
    return tl::unexpected(added.error());
  Reading reading;
  reading.frame = std::move(pixels).frame();
  const auto calibrating = json.find("calibrating");
  reading.frame.calibrating = calibrating != json.end() && calibrating->is_boolean() && calibrating->get<bool>();
  if (const auto time = json.find("t"); time != json.end()) read_time(*time, reading);
  return reading;
}

Result<Reading> foreign_array(const SensorConfig& sensor, const Json& json) {
  const Json* values = at_pointer(json, sensor.mapping.values);
  if (values == nullptr) return refuse(fmt::format("the payload has nothing at mapping.values {}", sensor.mapping.values));
  const Unit* unit = unit_of(sensor.mapping.unit);
  if (unit == nullptr) return refuse("mapping.unit is none that is known");
  Pixels pixels(sensor, *unit);
  if (auto added = pixels.add_all(*values); !added) return tl::unexpected(added.error());
  Reading reading;
  reading.frame = std::move(pixels).frame();
  return reading;
}

constexpr std::string_view kActive[] = {"true", "1", "on", "open", "motion", "detected", "occupied"};
constexpr std::string_view kInactive[] = {"false", "0", "off", "closed", "clear", "none"};

// A state in the words it came in: true, 1, ON.
Result<bool> state_of(const SensorConfig& sensor, const std::string& word) {
  const std::string folded = lower(word);
  const auto names = [&](const std::vector<std::string>& words, std::span<const std::string_view> usual) {
    if (sensor.mapping.active.empty()) return std::find(usual.begin(), usual.end(), folded) != usual.end();
    return std::any_of(words.begin(), words.end(), [&](const std::string& one) { return lower(one) == folded; });
  };
  if (names(sensor.mapping.active, kActive)) return true;
  if (names(sensor.mapping.inactive, kInactive)) return false;
  return refuse(fmt::format("{} is neither of the words for {}", kanhu::quoted(word, 32),
                            sensor.kind == SensorKind::kPir ? "motion and none" : "open and closed"));
}

Result<bool> state_in(const SensorConfig& sensor, const Json& value) {
  if (value.is_string()) return state_of(sensor, value.get_ref<const std::string&>());
  if (value.is_boolean() || value.is_number_integer()) return state_of(sensor, value.dump());
  return refuse(fmt::format("where the state should be stands {}", value.is_null() ? "null" : value.type_name()));
}

Result<Reading> decode_state(const SensorConfig& sensor, std::string_view payload) {
  const std::string_view text = trimmed(payload);
  const bool mapped = !sensor.mapping.values.empty();
  Reading reading;
  if (!mapped && !text.starts_with('{')) {
    const bool in_quotes = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    auto state = state_of(sensor, std::string(in_quotes ? text.substr(1, text.size() - 2) : text));
    if (!state) return tl::unexpected(state.error());
    reading.active = *state;
    return reading;
  }
  auto json = parse(text, kMostStateBytes);
  if (!json) return tl::unexpected(json.error());
  const char* own = sensor.kind == SensorKind::kPir ? "/motion" : "/open";
  if (auto version = mapped ? Result<void>() : check_version(*json); !version) return tl::unexpected(version.error());
  const std::string pointer = mapped ? sensor.mapping.values : own;
  const Json* value = at_pointer(*json, pointer);
  if (value == nullptr) return refuse(fmt::format("the payload has nothing at {}", pointer));
  auto state = state_in(sensor, *value);
  if (!state) return tl::unexpected(state.error());
  reading.active = *state;
  const Json* time = at_pointer(*json, mapped ? sensor.mapping.time : "/t");
  if (time != nullptr && time != &*json) read_time(*time, reading);
  return reading;
}

}  // namespace

std::size_t most_payload_bytes(SensorKind kind) { return kind == SensorKind::kThermalArray ? kMostArrayBytes : kMostStateBytes; }

Result<Reading> decode(const SensorConfig& sensor, std::string_view payload) {
  const std::size_t most = most_payload_bytes(sensor.kind);
  if (payload.size() > most) return refuse(fmt::format("the payload has {} bytes, at most {} are read", payload.size(), most));
  if (trimmed(payload).empty()) return refuse("the payload is empty");
  if (sensor.kind != SensorKind::kThermalArray) return decode_state(sensor, payload);
  auto json = parse(payload, most);
  if (!json) return tl::unexpected(json.error());
  const bool own = sensor.mapping.values.empty() && json->is_object();
  auto reading = own ? own_array(sensor, *json) : foreign_array(sensor, *json);
  if (!reading || own) return reading;
  if (sensor.mapping.time.empty()) return reading;
  if (const Json* time = at_pointer(*json, sensor.mapping.time))
    read_time(*time, *reading);
  else
    reading->time_fault = fmt::format("the payload has nothing at mapping.time {}", sensor.mapping.time);
  return reading;
}

std::optional<bool> decode_availability(const SensorConfig& sensor, std::string_view payload) {
  std::string_view word = trimmed(without_terminator(payload.substr(0, 1024)));
  std::string stated;
  // zigbee2mqtt says {"state":"online"}.
  if (word.starts_with('{')) {
    const auto json = parse_json(word, 1024, 4);
    const auto state = json && json->is_object() ? json->find("state") : Json::const_iterator();
    if (!json || !json->is_object() || state == json->end() || !state->is_string()) return std::nullopt;
    stated = state->get<std::string>();
    word = stated;
  }
  if (word == sensor.online) return true;
  if (word == sensor.offline) return false;
  return std::nullopt;
}

}  // namespace kanhu::sense
