// SPDX-License-Identifier: MIT
// Small things about text that more than one folder needs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kanhu {

// The candidate nearest to `word` by Damerau-Levenshtein distance (optimal string alignment), or empty when none is
// within a third of the word's length. The first of equals wins; words over 64 bytes are near nothing.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);

// [a-z0-9][a-z0-9_-]{0,31}: ids of facilities, sources and zones; safe in topics, paths and metrics.
bool is_identifier(std::string_view text);

// Quoted for a message, with control characters and invalid UTF-8 made visible, cut at `most` characters. Written
// `kanhu::quoted`: with a std::string the bare name may find std::quoted of <iomanip>.
std::string quoted(std::string_view text, std::size_t most = 80);

// One code point of UTF-8 (Unicode 15, table 3-7: no surrogates, nothing over-long).
struct Utf8Step {
  char32_t code_point = 0xfffd;
  std::size_t bytes = 1;  // consumed
  bool valid = false;     // false: replace the consumed bytes by U+FFFD
};
// The code point at `at`, which must be inside the text.
Utf8Step utf8_step(std::string_view text, std::size_t at);

// The place of the first byte that is not valid UTF-8, or npos.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace kanhu
