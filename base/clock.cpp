// SPDX-License-Identifier: MIT
#include "base/clock.hpp"

namespace kanhu {

// libstdc++'s steady_clock is CLOCK_MONOTONIC; the system clock counts from 1970 in UTC without leap seconds.
MonoTime SystemClock::mono() const {
  return MonoTime(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()));
}

WallTime SystemClock::wall() const { return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()); }

}  // namespace kanhu
