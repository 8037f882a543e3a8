// SPDX-License-Identifier: MIT
// JSON as it leaves Kanhu: canonical (RFC 8785, JSON Canonicalization Scheme), so that the same content has the same bytes.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"

namespace kanhu {

using Json = nlohmann::json;

// Canonical text per RFC 8785: no white space, members sorted by UTF-16 code units, numbers as ECMAScript prints them.
// Invalid UTF-8 inside strings is replaced by U+FFFD. Integers beyond 2^53 are an internal error (assert).
std::string canonical_json(const Json& value);

// Rounds to 4 decimals, as every published float is.
double round4(double value);

// Parses untrusted text: at most `most_bytes`, nesting at most `most_depth`, no comments, no duplicate keys, no NUL, no byte order mark.
Result<Json> parse_json(std::string_view text, std::size_t most_bytes = 1 << 20, int most_depth = 64);

// The member of that name; null when there is none, or `object` is no object.
inline const Json& member(const Json& object, const char* name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

// The member of that name where it is a text, else an empty one.
inline std::string text_in(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace kanhu
