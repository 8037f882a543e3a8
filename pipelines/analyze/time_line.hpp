#pragma once

#include <chrono>
#include <optional>

#include "pipelines/packet.hpp"

namespace kanhu::analyze {

// People's time of one run's observations. The clock it comes from (invariant of design "Time") changes only between
// incidents; the time never goes back within a run.
// Sender reports are believed while they are within 5 s of the arrival: a camera without time service is off by minutes
// to years, and then arrival is nearer the truth.
// Thread: confined to the source's claim.
class TimeLine {
 public:
  void begin_run();
  // The time of a frame or tick. `incident`: somebody is being followed or present.
  void observe(const CaptureTime& captured, bool incident);

  WallTime now() const { return now_; }  // the epoch when nothing was ever observed
  ClockSource clock() const { return clock_; }
  std::chrono::microseconds offset() const { return offset_.value_or(std::chrono::microseconds(0)); }  // capture minus arrival
  std::chrono::microseconds uncertainty() const;

 private:
  bool begun_ = false;
  WallTime now_{};
  ClockSource clock_ = ClockSource::kArrival;
  std::optional<std::chrono::microseconds> offset_;
};

}  // namespace kanhu::analyze
