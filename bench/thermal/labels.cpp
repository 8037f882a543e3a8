// SPDX-License-Identifier: MIT
#include "bench/thermal/labels.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bench/thermal/row.hpp"

namespace kanhu::bench {
namespace {

Result<std::string> whole_text(const std::string& path) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) return fail(ErrorKind::kNotFound, fmt::format("{}: is not there", path));
  if (!std::filesystem::is_regular_file(path, problem))
    return fail(ErrorKind::kUnsupported, fmt::format("{}: a plain file expected", path));
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return fail(ErrorKind::kIo, fmt::format("{}: cannot be read", path));
  return text.str();
}

ThermalLabel somebody() { return {false, 1, false}; }
ThermalLabel nobody() { return {false, 0, false}; }

Result<ThermalLabel> label_in(const Json& value, const std::string& place) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() <= 1000) {
    ThermalLabel label{false, value.get<int>(), true};
    return label;
  }
  const std::string word = value.is_string() ? value.get<std::string>() : "";
  if (word == "present") return somebody();
  if (word == "absent") return nobody();
  if (word == "unknown") return ThermalLabel{};
  if (word == "skip") return ThermalLabel{true, ThermalTruth::kNotLabelled, false};
  return fail(ErrorKind::kCorrupt, fmt::format("{}: present, absent, unknown, skip or a number of people is needed", place));
}

Result<void> read_labels(const Json& list, const std::string& place, std::vector<std::pair<std::string, ThermalLabel>>& labels) {
  const std::string form = fmt::format("{}: pairs are needed: [[\"Nothing*\", \"absent\"], [\"*\", \"present\"]]", place);
  if (!list.is_array()) return fail(ErrorKind::kCorrupt, form);
  for (const Json& pair : list) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) return fail(ErrorKind::kCorrupt, form);
    auto label = label_in(pair[1], fmt::format("{}, {}", place, kanhu::quoted(pair[0].get<std::string>())));
    if (!label) return tl::unexpected(label.error());
    labels.emplace_back(pair[0].get<std::string>(), *label);
  }
  return {};
}

Result<void> read_member(const std::string& key, const Json& value, const std::string& place, ThermalRules& rules) {
  if (key == "folders") return read_labels(value, place, rules.folders);
  if (key == "names") return read_labels(value, place, rules.names);
  if (key == "size" && value.is_string()) {
    const auto size = parse_thermal_size(value.get<std::string>());
    if (!size) return fail(ErrorKind::kCorrupt, fmt::format("{}: {}", place, size.error().message));
    rules.defaults.width = size->first;
    rules.defaults.height = size->second;
    return {};
  }
  if (key == "unit" && value.is_string()) {
    const auto unit = parse_thermal_unit(value.get<std::string>());
    if (!unit) return fail(ErrorKind::kCorrupt, fmt::format("{}: {}", place, unit.error().message));
    rules.defaults.unit = *unit;
    return {};
  }
  if ((key == "rate" || key == "pitch_m") && value.is_number() && value.get<double>() > 0) {
    (key == "rate" ? rules.defaults.rate : rules.defaults.pitch_m) = value.get<double>();
    return {};
  }
  if (key == "about") return {};
  return fail(ErrorKind::kCorrupt, fmt::format("{}: there are folders, names, size, unit, rate, pitch_m and about", place));
}

}  // namespace

bool fits_pattern(const std::string& text, const std::string& pattern) {
  // The last '*' takes one character more whenever what follows it does not fit.
  std::size_t at = 0, in = 0, star = pattern.npos, behind = 0;
  while (at < text.size()) {
    if (in < pattern.size() && pattern[in] == '*') {
      star = in++;
      behind = at;
    } else if (in < pattern.size() && pattern[in] == text[at]) {
      ++in;
      ++at;
    } else if (star != pattern.npos) {
      in = star + 1;
      at = ++behind;
    } else {
      return false;
    }
  }
  while (in < pattern.size() && pattern[in] == '*') ++in;
  return in == pattern.size();
}

std::optional<ThermalLabel> ThermalRules::label_of(const std::string& folder, const std::string& stem) const {
  for (const auto& [pattern, label] : names) {
    if (fits_pattern(pattern.find('/') == pattern.npos ? stem : folder + "/" + stem, pattern)) return label;
  }
  for (const auto& [name, label] : folders) {
    if (fits_pattern(folder, name)) return label;
  }
  return {};
}

ThermalRules common_thermal_rules() {
  ThermalRules rules;
  for (const char* name : {"human", "humans", "person", "people", "present", "occupied", "somebody"})
    rules.folders.emplace_back(name, somebody());
  for (const char* name :
       {"no_human", "no_humans", "nohuman", "no_person", "no_people", "absent", "empty", "unoccupied", "nobody", "background"})
    rules.folders.emplace_back(name, nobody());
  return rules;
}

Result<ThermalRules> read_thermal_rules(const std::string& path) {
  const auto text = whole_text(path);
  if (!text) return tl::unexpected(text.error());
  const auto json = parse_json(*text);
  if (!json) return fail(ErrorKind::kCorrupt, fmt::format("{}: {}", path, json.error().message));
  if (!json->is_object()) return fail(ErrorKind::kCorrupt, fmt::format("{}: an object is needed", path));
  ThermalRules rules;
  for (const auto& [key, value] : json->items()) {
    if (auto read = read_member(key, value, fmt::format("{}: {}", path, kanhu::quoted(key)), rules); !read)
      return tl::unexpected(read.error());
  }
  return rules;
}

Result<std::vector<ThermalInterval>> read_thermal_intervals(const std::string& path) {
  const auto text = whole_text(path);
  if (!text) return tl::unexpected(text.error());
  std::vector<ThermalInterval> intervals;
  std::istringstream lines(*text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == line.npos || line[start] == '#') continue;
    const auto cells = split_thermal_row(line);
    if (number == 1 && !is_thermal_cell(cells[0])) continue;
    const auto from = thermal_number(cells[0]);
    const auto to = cells.size() == 3 ? thermal_number(cells[1]) : std::nullopt;
    const auto people = cells.size() == 3 ? thermal_number(cells[2]) : std::nullopt;
    if (!from || !to || !people || *to < *from || *people < 0 || *people > 1000 || *people != std::floor(*people))
      return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: from_s,to_s,people is needed, as 12.5,60,1", path, number));
    intervals.push_back({*from, *to, static_cast<int>(*people)});
  }
  return intervals;
}

void apply_intervals(const std::vector<ThermalInterval>& intervals, ThermalRecording& recording) {
  for (auto& truth : recording.truths) {
    truth.people = ThermalTruth::kNotLabelled;
    truth.counted = true;
    for (const auto& interval : intervals) {
      if (truth.seconds >= interval.from_s && truth.seconds < interval.to_s) truth.people = interval.people;
    }
  }
}

}  // namespace kanhu::bench
