// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>

#include "media/packet.hpp"

namespace kanhu::analyze {

// People's time of one run's observations. The clock it comes from (invariant of design "Time") changes only between
// incidents; the time never goes back within a run.
// Sender reports are believed while they are within kCameraClockBelieved of the arrival (media/packet.hpp).
// Thread: confined to the source's claim.
class TimeLine {
 public:
  void begin_run();
  // The time of a frame or tick. `incident`: somebody is being followed or present.
  void observe(const CaptureTime& captured, bool incident);

  WallTime now() const { return now_; }  // the epoch when nothing was ever observed
  ClockSource clock() const { return clock_; }
  WallTime arrived() const { return arrived_; }  // of what was observed last
  // The camera's clock minus arrival, as last reported; 0 while arrival stands in for a camera's clock that is not believed any more.
  std::chrono::microseconds offset() const;
  std::chrono::microseconds uncertainty() const;

 private:
  bool begun_ = false;
  WallTime now_{}, arrived_{};
  ClockSource clock_ = ClockSource::kArrival;
  std::optional<std::chrono::microseconds> offset_;
  bool is_believable() const { return offset_ && *offset_ <= kCameraClockBelieved && *offset_ >= -kCameraClockBelieved; }
};

}  // namespace kanhu::analyze
