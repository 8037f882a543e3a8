// SPDX-License-Identifier: MIT
#include "pipelines/sense/sender_clock.hpp"

#include <utility>

namespace kanhu::sense {
namespace {

constexpr std::chrono::seconds kBelievable{5};

}  // namespace

CaptureTime SenderClock::take(std::optional<WallTime> measured, WallTime arrival) {
  CaptureTime captured;
  captured.arrival = arrival;
  fault_.clear();
  if (!measured) return captured;
  const std::optional<WallTime> before = std::exchange(last_, measured);
  if (before && *measured < *before)
    fault_ = "the sensor's clock ran backwards: arrival counts";
  else if (before && *measured == *before)
    fault_ = "the sensor's clock stands still: arrival counts";
  else if (*measured - arrival > kBelievable)
    fault_ = "the sensor's clock is more than 5 s ahead: arrival counts";
  else if (arrival - *measured > kBelievable)
    fault_ = "the sensor's clock is more than 5 s behind: arrival counts";
  else
    captured.rtcp = measured;
  return captured;
}

}  // namespace kanhu::sense
