// SPDX-License-Identifier: MIT
// Who may subscribe, and what of: the file that `publish.access` names and `kanhu keys` keeps.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "config/problem.hpp"

namespace kanhu {

// What a subscriber may ask for. `state`, `info` and `look` need no right beyond a facility that is seen; what they answer is cut to
// those facilities.
enum class Right { kLive, kFetch, kClip, kPicture };
inline constexpr std::string_view kRightNames[] = {"live", "fetch", "clip", "picture"};  // in the same order
constexpr std::optional<Right> right_named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kRightNames); ++i)
    if (kRightNames[i] == name) return static_cast<Right>(i);
  return std::nullopt;
}

inline constexpr std::size_t kMostSubscribers = 1'000;
// Its secret half, one line of 40 characters, in gateway.secrets_dir or as a credential of systemd.
inline constexpr std::string_view kPublishKey = "publish-key";

struct AllowedSubscriber {
  std::string name;                     // an identifier, unique
  std::string public_key;               // Z85, 40 characters, unique
  std::vector<std::string> facilities;  // `f1` that one, `f*` all whose id begins so, `*` all and the gateway's own events
  std::vector<std::string> rights;      // of kRightNames
  std::optional<WallTime> expires;      // from then on it is nobody
  bool operator==(const AllowedSubscriber&) const = default;
};

struct AllowList {
  std::vector<AllowedSubscriber> subscribers;
  bool operator==(const AllowList&) const = default;
};

// What is wrong with a single value, in words; empty: nothing.
std::string public_key_fault(std::string_view z85);
std::string facility_pattern_fault(std::string_view pattern);

// All or nothing: kInvalidConfig with place and fix of the first fault and the number of the others.
Result<AllowList> parse_allow_list(std::string_view text, const std::string& filename);
Result<AllowList> load_allow_list(const std::string& path);

// Whole and durable, or not at all; mode 0640, owner and group as the file or folder had them.
Result<void> store_allow_list(const std::string& path, const AllowList& list);

}  // namespace kanhu
