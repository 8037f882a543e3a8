// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace kanhu {

// The time zone of the process, by its IANA name, from now on: before there are other threads.
void enter_zone(const std::string& zone);

// Times as clocks on the wall of a place show them, by its IANA name (Asia/Shanghai, UTC). A name the system does not know is taken for
// UTC. Sets the time zone of the process: for sub-commands with one thread alone. 2026-11-26T08:00:05.123456+08:00
std::string local_time_text(WallTime time, const std::string& zone);

// What a time in a hour that comes twice, or never, means: the first instant that fits, or the last.
enum class TimeEdge { kFirst, kLast };

// `start`; a length before `now` such as 2h, 10min or 10m; RFC 3339 with an offset; or without one, in `zone`: 2026-11-26T08:00, 2026-11-26
// 08:00:05.5, 2026-11-26 (its midnight). `option` is named in the error. An empty zone: a time without an offset is refused, since none is
// known.
Result<WallTime> parse_time_argument(std::string_view option, std::string_view text, const std::string& zone, TimeEdge edge, WallTime now);

}  // namespace kanhu
