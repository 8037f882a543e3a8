// SPDX-License-Identifier: MIT
// One row a configuration key. What the loader, the canonical JSON, docs/configuration.md and docs/kanhu.schema.json say of a
// key comes from its row.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace kanhu::table {

// What a reload does with another value (daemon/admin/config_reload.hpp).
enum class Change {
  kLive,      // taken over at once
  kAnalysis,  // the camera's analysis begins anew, its connections stay
  kSession,   // the camera, sensor or broker is connected anew
  kRestart,   // at the gateway's next start
};
const char* to_string(Change change);  // live, analysis, session, restart

// A member of the section's struct, and what it may be.
template <class S>
struct Flag {
  bool S::*member;
};
template <class S, class T>
struct Bounded {
  T S::*member;
  T least, most;
};

// A key that is read, written to JSON and described by its row alone.
template <class S>
struct Key {
  std::string_view name;  // in YAML
  std::string_view json;  // in the canonical JSON; empty: left out of the digest
  std::variant<Flag<S>, Bounded<S, int>, Bounded<S, double>, Bounded<S, std::chrono::milliseconds>, Bounded<S, std::chrono::hours>,
               Bounded<S, std::uint64_t>>
      value;
  std::string_view unit;  // of a number; durations and sizes are written with theirs
  Change change;
  std::string_view sentence;
};

// What is said of a key: from its Key, or written down for those whose reading is code.
struct KeyText {
  std::string name;
  std::string type;  // see kTypes in config/table/print.cpp
  std::string default_text;
  Change change = Change::kLive;
  std::string sentence;
  std::string unit{}, least{}, most{};  // bounds as written in YAML
  std::string choices{};                // "a, b, c"
  bool is_required = false;
  bool is_secret = false;  // the name of a secret
  bool in_digest = true;
};

}  // namespace kanhu::table
