// Small things about text that more than one folder needs.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kanhu {

// The candidate nearest to `word` by Damerau-Levenshtein distance (optimal string alignment), or empty when none is
// within a third of the word's length.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);

// [a-z0-9][a-z0-9_-]{0,31}: ids of facilities, sources and zones; safe in topics, paths and metrics.
bool is_identifier(std::string_view text);

// Quoted for a message, with control characters and invalid UTF-8 made visible, cut at `most` characters.
std::string quoted(std::string_view text, std::size_t most = 80);

}  // namespace kanhu
