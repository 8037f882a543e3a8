// SPDX-License-Identifier: MIT
// One line of a recording, and what its columns mean.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/thermal/recording.hpp"

namespace kanhu::bench {

// Where a row's time, label and temperatures stand.
struct ThermalColumns {
  int time = -1, people = -1, present = -1, unknown_allowed = -1;
  std::vector<int> values;
  std::size_t all = 0;
};

// By ';', tab, ',' or blanks, whichever the line has, in this order; brackets and quotes are blanks. With ';' and tab, a decimal comma
// is a point.
std::vector<std::string> split_thermal_row(std::string_view line);
// All of the text a number; not "nan" and not infinite ones.
std::optional<double> thermal_number(const std::string& text);
// Whether it is a number or the word for none ("nan"): what stands in a row and not in a header.
bool is_thermal_cell(const std::string& text);
// 1, 0 or kNotLabelled, from 0, 1, true, present, human, empty, absent, unknown, ...; nothing from anything else.
std::optional<int> presence_word(std::string text);

ThermalColumns columns_of_header(const std::vector<std::string>& names);
// Of rows without a header: `first` and `second` are two rows one after the other (`second` may be empty), `pixels` how many
// temperatures there must be, 0 for not known. Nothing when that cannot be told.
std::optional<ThermalColumns> columns_of_rows(const std::vector<std::string>& first, const std::vector<std::string>& second,
                                              std::size_t pixels);
// Width and height of an array with so many pixels: the sensors that are sold.
std::optional<std::pair<int, int>> thermal_size_of(std::size_t pixels);

}  // namespace kanhu::bench
