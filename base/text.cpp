// SPDX-License-Identifier: MIT
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

namespace kanhu {

namespace {

constexpr std::size_t kLongestWord = 64;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kLongestWord + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& now = rows[i % 3];
    const auto& before = rows[(i - 1) % 3];
    const auto& earlier = rows[(i + 1) % 3];
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t swap = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({before[j] + 1, now[j - 1] + 1, before[j - 1] + swap});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], earlier[j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

// Characters that change how a line is shown rather than what it says: C1 controls, bidirectional overrides, line separators.
bool is_invisible(char32_t c) {
  return (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
         c == 0xfeff;
}

}  // namespace

std::string nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.size() > kLongestWord) return {};
  std::string_view best;
  std::size_t shortest = word.size() / 3 + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < shortest) {
      shortest = distance;
      best = candidate;
    }
  }
  return std::string(best);
}

bool is_identifier(std::string_view text) {
  const auto letter_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 32 || !letter_or_digit(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return letter_or_digit(c) || c == '_' || c == '-'; });
}

std::string quoted(std::string_view text, std::size_t most) {
  std::string shown = "\"";
  std::size_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++characters) {
    if (characters == most) {
      shown += "…";
      break;
    }
    const Utf8Step step = utf8_step(text, at);
    const std::string_view bytes = text.substr(at, step.bytes);
    at += step.bytes;
    if (!step.valid) {
      for (const char byte : bytes) fmt::format_to(std::back_inserter(shown), "\\x{:02x}", static_cast<unsigned char>(byte));
    } else if (step.code_point == '\n') {
      shown += "\\n";
    } else if (step.code_point == '\t') {
      shown += "\\t";
    } else if (step.code_point == '"' || step.code_point == '\\') {
      shown += '\\';
      shown += bytes;
    } else if (step.code_point < 0x20) {
      fmt::format_to(std::back_inserter(shown), "\\x{:02x}", static_cast<unsigned>(step.code_point));
    } else if (is_invisible(step.code_point)) {
      fmt::format_to(std::back_inserter(shown), "\\u{:04x}", static_cast<unsigned>(step.code_point));
    } else {
      shown += bytes;
    }
  }
  return shown + '"';
}

Utf8Step utf8_step(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80) return {first, 1, true};
  // The second byte's range excludes over-long forms, surrogates and what lies beyond U+10FFFF.
  unsigned low = 0x80, high = 0xbf;
  std::size_t length = 0;
  char32_t code_point = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    code_point = first & 0x1f;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    code_point = first & 0x0f;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    code_point = first & 0x07;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  } else {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned next = byte(at + i);
    if (next < low || next > high) return {0xfffd, i, false};
    code_point = (code_point << 6) | (next & 0x3f);
    low = 0x80;
    high = 0xbf;
  }
  return {code_point, length, true};
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    if (!step.valid) return at;
    at += step.bytes;
  }
  return std::string_view::npos;
}

}  // namespace kanhu
