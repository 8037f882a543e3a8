// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace kanhu {

// The time that ages of what is kept are counted from: the wall clock, but forward it goes at most kFastest times as fast as real time. A
// clock that is wrong by years for an hour then costs kFastest hours of the oldest, not everything; one that was right all along while
// the gateway was off for a month is caught up with in 30 hours.
// Thread: confined.
class AgeClock {
 public:
  static constexpr int kFastest = 24;
  // `held`: where it stood when it was last written down; 0: not known, the wall clock is believed.
  explicit AgeClock(const Clock& clock, std::int64_t held_us = 0);
  std::int64_t now_us();

 private:
  const Clock& clock_;
  std::int64_t held_us_;
  MonoTime at_;
};

}  // namespace kanhu
