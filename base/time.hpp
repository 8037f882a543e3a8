// SPDX-License-Identifier: MIT
// Three kinds of time that must never be mixed; mixing them does not compile.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kanhu {

// A source's own time line: pts of a stream, 0 at its first packet.
struct MediaClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MediaClock>;
  static constexpr bool is_steady = true;
};
using MediaTime = MediaClock::time_point;

// Intervals of this machine (CLOCK_MONOTONIC); meaningless on another machine or after a boot.
struct MonoClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;

// People's time, UTC, in microseconds.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

// RFC 3339 in UTC with microseconds: 2026-11-24T02:05:08.123456Z. Always 27 characters for years 0000..9999.
std::string format_utc(WallTime time);

// The inverse; accepts 0 to 9 fraction digits and an offset ("Z", "+08:00").
Result<WallTime> parse_utc(std::string_view text);

inline std::int64_t to_microseconds(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime wall_from_microseconds(std::int64_t us) { return WallTime(std::chrono::microseconds(us)); }

inline double to_seconds(std::chrono::nanoseconds span) { return std::chrono::duration<double>(span).count(); }

}  // namespace kanhu
