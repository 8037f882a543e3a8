// SPDX-License-Identifier: MIT
// Reads a section by its rows, and writes it as JSON and back.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/json.hpp"
#include "config/table/key.hpp"
#include "config/table/sections.hpp"
#include "config/yaml/section.hpp"

namespace kanhu::table {

inline void read_value(Section& section, std::string_view key, int& into, int least, int most) { section.integer(key, into, least, most); }
inline void read_value(Section& section, std::string_view key, double& into, double least, double most) {
  section.number(key, into, least, most);
}
inline void read_value(Section& section, std::string_view key, std::chrono::milliseconds& into, std::chrono::milliseconds least,
                       std::chrono::milliseconds most) {
  section.duration(key, into, least, most);
}
inline void read_value(Section& section, std::string_view key, std::chrono::hours& into, std::chrono::hours least,
                       std::chrono::hours most) {
  section.hours(key, into, least, most);
}
inline void read_value(Section& section, std::string_view key, std::uint64_t& into, std::uint64_t least, std::uint64_t most) {
  section.bytes(key, into, least, most);
}

// Every row of the section's table, in its order. What holds between keys, and `finish`, is the caller's.
template <class S>
void read_rows(Section& section, S& into) {
  for (const Key<S>& key : keys_of(&into)) {
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_same_v<decltype(value), const Flag<S>&>)
            section.flag(key.name, into.*value.member);
          else
            read_value(section, key.name, into.*value.member, value.least, value.most);
        },
        key.value);
  }
}

// `json` with the rows of `from` added.
template <class S>
Json with_rows(Json json, const S& from) {
  for (const Key<S>& key : keys_of(&from)) {
    if (key.json.empty()) continue;
    Json& place = json[std::string(key.json)];
    std::visit(
        [&](const auto& value) {
          if constexpr (requires { (from.*value.member).count(); })
            place = (from.*value.member).count();
          else
            place = from.*value.member;
        },
        key.value);
  }
  return json;
}

// Throws Json::exception where a row is missing or of another type.
template <class S>
void rows_from(const Json& json, S& into) {
  for (const Key<S>& key : keys_of(&into)) {
    if (key.json.empty()) continue;
    const Json& place = json.at(std::string(key.json));
    std::visit(
        [&](const auto& value) {
          auto& member = into.*value.member;
          using T = std::remove_reference_t<decltype(member)>;
          if constexpr (requires { member.count(); })
            member = T(place.get<typename T::rep>());
          else
            member = place.get<T>();
        },
        key.value);
  }
}

}  // namespace kanhu::table
