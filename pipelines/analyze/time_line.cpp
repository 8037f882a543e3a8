// SPDX-License-Identifier: MIT
#include "pipelines/analyze/time_line.hpp"

#include <algorithm>

namespace kanhu::analyze {
namespace {

using std::chrono::microseconds;
// pts -> NTP of one camera wandered by 31 ms; what arrival misses (exposure, encoding, jitter buffer) is not measured
// per camera, half a second bounds common ones.
constexpr microseconds kRtcpUncertainty = std::chrono::milliseconds(31);
constexpr microseconds kArrivalUncertainty = std::chrono::milliseconds(500);

}  // namespace

void TimeLine::begin_run() {
  begun_ = false;
  offset_.reset();
}

void TimeLine::observe(const CaptureTime& captured, bool incident) {
  if (captured.rtcp) offset_ = *captured.rtcp - captured.arrival;
  const bool believable = is_believable();
  arrived_ = captured.arrival;
  if (!begun_ || !incident) clock_ = believable ? ClockSource::kRtcp : captured.from_file ? ClockSource::kFile : ClockSource::kArrival;

  WallTime time = captured.arrival;
  // A tick between two reports carries none: the last offset stands in.
  if (clock_ == ClockSource::kRtcp && believable) time = captured.rtcp ? *captured.rtcp : captured.arrival + *offset_;
  now_ = begun_ ? std::max(now_, time) : time;
  begun_ = true;
}

microseconds TimeLine::offset() const {
  if (clock_ == ClockSource::kRtcp && !is_believable()) return microseconds(0);
  return offset_.value_or(microseconds(0));
}

microseconds TimeLine::uncertainty() const {
  switch (clock_) {
    case ClockSource::kRtcp:
      return kRtcpUncertainty;
    case ClockSource::kArrival:
      return kArrivalUncertainty;
    case ClockSource::kFile:
      return microseconds(0);
  }
  return microseconds(0);
}

}  // namespace kanhu::analyze
