// SPDX-License-Identifier: MIT
// Who was shown what: events of phase point, on the stream of the facility whose pictures they are.
#pragma once

#include <string>

#include "config/config.hpp"
#include "pipelines/event.hpp"

namespace kanhu::rules {

// What was asked for, and what was given.
struct Access {
  std::string user;      // of the allow-list; empty: a socket without keys
  std::string request;   // picture, clip, look
  std::string facility;  // "-" when it is not known
  std::string source;    // id of a camera or sensor, or "-"
  std::string event;     // "<epoch>:<seq>" when an event's picture was asked for
  std::string clip;      // its id
  std::string sha256;    // of what was given: the JPEG, or the clip's part
  std::uint64_t bytes = 0;
  int part = 0;         // of the clip, from 1
  WallTime captured{};  // of the picture
};

// access.picture, access.clip or access.look by `request`. `config` gives facility and camera their names.
EventDraft access_given(const Config& config, const Access& access, WallTime now);
// access.refused: for lack of `words` (the right, or the facility).
EventDraft access_refused(const Config& config, const Access& access, WallTime now, const std::string& words);

}  // namespace kanhu::rules
