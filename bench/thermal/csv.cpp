// SPDX-License-Identifier: MIT
// Recordings as text: temperatures, a row a frame.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "base/text.hpp"
#include "bench/thermal/recording.hpp"
#include "bench/thermal/row.hpp"

namespace kanhu::bench {
namespace {

constexpr std::size_t kLongestThermalLine = 8U << 20;

// In hundredths: of a degree Celsius, or of a nominal one.
double centi_of(double value, ThermalUnit unit) {
  switch (unit) {
    case ThermalUnit::kCentiCelsius:
      return value;
    case ThermalUnit::kKelvin:
      return 100 * (value - 273.15);
    case ThermalUnit::kCentiKelvin:
      return value - 27315;
    case ThermalUnit::kFahrenheit:
      return 100 * (value - 32) / 1.8;
    case ThermalUnit::kGrey:
      return 10 * value;
    default:
      return 100 * value;
  }
}

// Of rooms: 10 to 50 degrees Celsius are 1000 to 5000 hundredths, 283 to 323 K and 28300 to 32300 hundredths of K.
ThermalUnit unit_of_middle(double middle) {
  if (middle > 20000) return ThermalUnit::kCentiKelvin;
  if (middle > 500) return ThermalUnit::kCentiCelsius;
  if (middle > 230) return ThermalUnit::kKelvin;
  return ThermalUnit::kCelsius;
}

class ThermalCsvReader {
 public:
  ThermalCsvReader(const std::string& path, const std::string& name, const ThermalDefaults& defaults) : path_(path), defaults_(defaults) {
    recording_.name = name;
  }

  Result<ThermalRecording> read() {
    std::error_code problem;
    if (!std::filesystem::exists(path_, problem)) return fail(ErrorKind::kNotFound, fmt::format("{}: is not there", path_));
    if (!std::filesystem::is_regular_file(path_, problem))
      return fail(ErrorKind::kUnsupported, fmt::format("{}: a plain file expected", path_));
    std::ifstream file(path_, std::ios::binary);
    if (!file) return fail(ErrorKind::kIo, fmt::format("{}: cannot be read", path_));
    std::string line;
    while (std::getline(file, line)) {
      ++number_;
      if (number_ == 1 && line.rfind("\xef\xbb\xbf", 0) == 0) line.erase(0, 3);
      if (line.size() > kLongestThermalLine)
        return fail(ErrorKind::kUnsupported,
                    fmt::format("{}:{}: a line of over {} MiB is no row", path_, number_, kLongestThermalLine >> 20));
      if (auto taken = take(line); !taken) return tl::unexpected(taken.error());
      if (static_cast<std::uint64_t>(recording_.frames.size()) * columns_.values.size() > kMostThermalValues)
        return fail(ErrorKind::kUnsupported, fmt::format("{}: over {} values; cut it into several recordings", path_, kMostThermalValues));
    }
    if (!waiting_.empty()) settle_columns({});
    if (file.bad()) return fail(ErrorKind::kIo, fmt::format("{}:{}: cannot be read on", path_, number_));
    return finished();
  }

 private:
  struct Row {
    std::size_t line = 0;
    std::vector<std::string> cells;
    std::optional<double> time_above;
  };

  Result<void> take(const std::string& line) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == line.npos) return {};
    if (line[start] == '#') return comment(line.substr(start + 1));
    Row row{number_, split_thermal_row(line), {}};
    if (!columns_known_ && waiting_.empty() && !std::all_of(row.cells.begin(), row.cells.end(), is_thermal_cell)) {
      const bool words_only =
          std::none_of(row.cells.begin(), row.cells.end(), [](const auto& cell) { return thermal_number(cell).has_value(); });
      if (words_only || row.cells.size() > 2) {
        columns_ = columns_of_header(row.cells);
        columns_known_ = true;
        return {};
      }
    }
    if (row.cells.size() == 1) {  // a time above its row
      if (const auto time = thermal_number(row.cells[0])) {
        time_above_ = time;
      } else {
        leave_out(row.line, fmt::format("{} is no temperature", kanhu::quoted(row.cells[0])));
      }
      return {};
    }
    row.time_above = std::exchange(time_above_, std::nullopt);
    if (columns_known_) {
      frame(row);
    } else if (waiting_.empty()) {
      waiting_.push_back(std::move(row));
    } else {
      settle_columns(row);
    }
    return {};
  }

  // The first rows say what the columns are.
  void settle_columns(const Row& second) {
    const std::size_t pixels = static_cast<std::size_t>(defaults_.width) * static_cast<std::size_t>(defaults_.height);
    const bool alike = second.cells.size() == waiting_[0].cells.size();
    auto found = columns_of_rows(waiting_[0].cells, alike ? second.cells : std::vector<std::string>{}, pixels);
    if (!found) {
      leave_out(waiting_[0].line, fmt::format("{} numbers are no row of a known size; say '# size: 32x24'", waiting_[0].cells.size()));
    } else {
      columns_ = std::move(*found);
      columns_known_ = true;
      frame(waiting_[0]);
    }
    waiting_.clear();
    if (second.cells.empty()) return;
    if (columns_known_) {
      frame(second);
    } else {
      waiting_.push_back(second);
    }
  }

  Result<void> comment(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == text.npos) return {};
    const auto plain = [](std::string part) {
      part.erase(0, part.find_first_not_of(" \t\r"));
      part.erase(part.find_last_not_of(" \t\r") + 1);
      return part;
    };
    const std::string key = plain(text.substr(0, colon)), value = plain(text.substr(colon + 1));
    const auto wrong = [&](const std::string& what) { return fail(ErrorKind::kCorrupt, fmt::format("{}:{}: {}", path_, number_, what)); };
    if (key == "size") {
      const auto size = parse_thermal_size(value);
      if (!size) return wrong(size.error().message);
      defaults_.width = size->first;
      defaults_.height = size->second;
    } else if (key == "unit") {
      const auto unit = parse_thermal_unit(value);
      if (!unit) return wrong(unit.error().message);
      defaults_.unit = *unit;
    } else if (key == "pitch_m" || key == "rate") {
      const auto number = thermal_number(value);
      if (!number || *number <= 0 || *number > 1000)
        return wrong(fmt::format("'# {}: {}': a number above 0 is needed", key, kanhu::quoted(value)));
      (key == "rate" ? defaults_.rate : defaults_.pitch_m) = *number;
    }
    return {};
  }

  bool settle_size(const Row& row) {
    const std::size_t pixels = columns_.values.size();
    if (defaults_.width == 0) {
      const auto size = thermal_size_of(pixels);
      if (!size) {
        leave_out(row.line, fmt::format("{} temperatures are no array that is known; say '# size: WIDTHxHEIGHT'", pixels));
        return false;
      }
      defaults_.width = size->first;
      defaults_.height = size->second;
      recording_.assumed.push_back(fmt::format("{}: {}x{} pixels", recording_.name, size->first, size->second));
    }
    recording_.width = defaults_.width;
    recording_.height = defaults_.height;
    if (pixels == static_cast<std::size_t>(defaults_.width) * static_cast<std::size_t>(defaults_.height)) return true;
    leave_out(row.line, fmt::format("{} columns of temperatures, {}x{} needs {}", pixels, defaults_.width, defaults_.height,
                                    defaults_.width * defaults_.height));
    return false;
  }

  void frame(const Row& row) {
    if (!settle_size(row)) return;
    if (row.cells.size() != columns_.all) {
      leave_out(row.line, fmt::format("{} values, {} are needed", row.cells.size(), columns_.all));
      return;
    }
    std::vector<double> values;
    values.reserve(columns_.values.size());
    for (const int column : columns_.values) {
      const auto value = thermal_number(row.cells[static_cast<std::size_t>(column)]);
      if (!value) {
        leave_out(row.line, fmt::format("{} is no temperature", kanhu::quoted(row.cells[static_cast<std::size_t>(column)])));
        return;
      }
      values.push_back(*value);
    }
    ThermalTruth truth;
    if (!label(row, truth) || !time(row, truth)) return;
    if (defaults_.unit == ThermalUnit::kGuess) {
      std::vector<double> sorted = values;
      std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
      defaults_.unit = unit_of_middle(sorted[sorted.size() / 2]);
    }
    ThermalFrame made;
    made.kind = defaults_.unit == ThermalUnit::kGrey ? ThermalKind::kRelative : ThermalKind::kRadiometric;
    made.width = recording_.width;
    made.height = recording_.height;
    made.values.reserve(values.size());
    for (const double value : values) {
      const double centi = std::round(centi_of(value, defaults_.unit));
      if (std::abs(centi) > 32767) {
        leave_out(row.line, fmt::format("{} is beyond what a sensor measures", value));
        return;
      }
      made.values.push_back(static_cast<std::int16_t>(centi));
    }
    recording_.frames.push_back(std::move(made));
    recording_.truths.push_back(truth);
  }

  bool label(const Row& row, ThermalTruth& truth) {
    const auto cell = [&](int column) -> const std::string& { return row.cells[static_cast<std::size_t>(column)]; };
    if (columns_.unknown_allowed >= 0) truth.unknown_allowed = presence_word(cell(columns_.unknown_allowed)).value_or(0) == 1;
    const int column = columns_.people >= 0 ? columns_.people : columns_.present;
    if (column < 0) return true;
    const auto number = thermal_number(cell(column));
    if (columns_.people >= 0 && number && *number >= 0 && *number <= 1000 && *number == std::floor(*number)) {
      truth.people = static_cast<int>(*number);
      return true;
    }
    const auto word = presence_word(cell(column));
    if (!word) {
      leave_out(row.line, fmt::format("the label {} is no number of people, no present, absent or unknown", kanhu::quoted(cell(column))));
      return false;
    }
    truth.people = *word;
    truth.counted = false;
    return true;
  }

  bool time(const Row& row, ThermalTruth& truth) {
    std::optional<double> given = row.time_above;
    if (columns_.time >= 0) {
      given = thermal_number(row.cells[static_cast<std::size_t>(columns_.time)]);
      if (!given) {
        leave_out(row.line,
                  fmt::format("the time {} is no number of seconds", kanhu::quoted(row.cells[static_cast<std::size_t>(columns_.time)])));
        return false;
      }
      if (*given > 1e11) *given /= 1000;  // milliseconds since 1970
    }
    if (given && last_ && *given <= *last_) {
      leave_out(row.line, fmt::format("its time {} does not rise from {}", *given, *last_));
      return false;
    }
    if (given) last_ = given;
    timed_ = timed_ && given.has_value();
    truth.seconds = given.value_or(0);
    return true;
  }

  void leave_out(std::size_t line, const std::string& why) {
    if (++left_out_ <= kMostNamedRows) recording_.left_out.push_back(fmt::format("{}:{}: {}", path_, line, why));
  }

  // Times that count frames (1, 2, 3, ...) and rows without any get theirs from the rate.
  void settle_times() {
    auto& truths = recording_.truths;
    bool counts = timed_ && truths.size() > 2;
    for (std::size_t i = 1; counts && i < truths.size(); ++i) counts = std::floor(truths[i].seconds) == truths[i].seconds;
    counts = counts && truths[1].seconds - truths[0].seconds == 1 && truths[2].seconds - truths[1].seconds == 1 && truths[0].seconds <= 1;
    if (timed_ && !counts && truths.size() > 1) {
      const double start = truths.front().seconds, span = truths.back().seconds - start;
      for (auto& truth : truths) truth.seconds -= start;
      recording_.rate = defaults_.rate > 0 ? defaults_.rate : static_cast<double>(truths.size() - 1) / span;
      return;
    }
    recording_.rate = defaults_.rate;
    if (recording_.rate <= 0) {
      recording_.rate = recording_.width <= 8 ? 10 : 8;
      recording_.assumed.push_back(fmt::format("{}: {} frames a second", recording_.name, recording_.rate));
    }
    const double first = timed_ && !truths.empty() ? truths.front().seconds : 0;
    for (std::size_t i = 0; i < truths.size(); ++i)
      truths[i].seconds = (counts ? truths[i].seconds - first : static_cast<double>(i)) / recording_.rate;
  }

  Result<ThermalRecording> finished() {
    if (left_out_ > kMostNamedRows) recording_.left_out.push_back(fmt::format("{}: {} more rows", path_, left_out_ - kMostNamedRows));
    if (recording_.frames.empty()) {
      return fail(ErrorKind::kCorrupt,
                  left_out_ > 0 ? recording_.left_out[0] : fmt::format("{}: {}", path_, number_ == 0 ? "is empty" : "has no row"));
    }
    settle_times();
    recording_.pitch_m = defaults_.pitch_m;
    return std::move(recording_);
  }

  std::string path_;
  ThermalDefaults defaults_;
  ThermalRecording recording_;
  ThermalColumns columns_;
  bool columns_known_ = false, timed_ = true;
  std::vector<Row> waiting_;
  std::optional<double> time_above_, last_;
  std::size_t number_ = 0, left_out_ = 0;
};

}  // namespace

Result<std::pair<int, int>> parse_thermal_size(const std::string& text) {
  const std::size_t cross = text.find('x');
  const auto width = cross == text.npos ? std::nullopt : thermal_number(text.substr(0, cross));
  const auto height = cross == text.npos ? std::nullopt : thermal_number(text.substr(cross + 1));
  const auto fits = [](const auto& side) { return side && *side >= 1 && *side <= 4096 && *side == std::floor(*side); };
  if (!fits(width) || !fits(height))
    return fail(ErrorKind::kInvalidArgument, fmt::format("size {}: WIDTHxHEIGHT is needed", kanhu::quoted(text)));
  return std::pair(static_cast<int>(*width), static_cast<int>(*height));
}

Result<ThermalUnit> parse_thermal_unit(const std::string& text) {
  constexpr std::array<std::pair<const char*, ThermalUnit>, 6> kUnits{{{"celsius", ThermalUnit::kCelsius},
                                                                       {"centi_celsius", ThermalUnit::kCentiCelsius},
                                                                       {"kelvin", ThermalUnit::kKelvin},
                                                                       {"centi_kelvin", ThermalUnit::kCentiKelvin},
                                                                       {"fahrenheit", ThermalUnit::kFahrenheit},
                                                                       {"grey", ThermalUnit::kGrey}}};
  for (const auto& [name, unit] : kUnits) {
    if (text == name) return unit;
  }
  return fail(ErrorKind::kInvalidArgument,
              fmt::format("unit {}: there are celsius, centi_celsius, kelvin, centi_kelvin, fahrenheit, grey", kanhu::quoted(text)));
}

Result<ThermalRecording> read_thermal_csv(const std::string& path, const std::string& name, const ThermalDefaults& defaults) {
  return ThermalCsvReader(path, name, defaults).read();
}

}  // namespace kanhu::bench
