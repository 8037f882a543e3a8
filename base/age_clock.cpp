// SPDX-License-Identifier: MIT
#include "base/age_clock.hpp"

#include <algorithm>

#include "base/time.hpp"

namespace kanhu {

AgeClock::AgeClock(const Clock& clock, std::int64_t held_us)
    : clock_(clock), held_us_(held_us == 0 ? to_microseconds(clock.wall()) : held_us), at_(clock.mono()) {}

std::int64_t AgeClock::now_us() {
  const MonoTime now = clock_.mono();
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - at_).count();
  held_us_ = std::min(to_microseconds(clock_.wall()), held_us_ + kFastest * elapsed);
  at_ = now;
  return held_us_;
}

}  // namespace kanhu
