// SPDX-License-Identifier: MIT
// When a picture was taken, for cameras and for recordings.
#pragma once

#include <vector>

#include <gst/gst.h>

#include "base/clock.hpp"
#include "pipelines/ingest/frame_source.hpp"

namespace kanhu::ingest {

// The NTP time (RFC 5905 timestamp, as GStreamer's "timestamp/x-ntp" meta) of a buffer, once sender reports have come.
// Nothing for times before 2020: cameras without a set clock send 0, 1970, or their time since power-on.
std::optional<WallTime> ntp_time_of(GstBuffer* buffer);

// The capture time of a recording's frame: the nearest of `times` (rising pts) within 1 ms, else `start` + pts.
CaptureTime recorded_time(const std::vector<RecordedTime>& times, WallTime start, MediaTime pts);

// `from` moved by what has passed since: stays in the time domain the source's captures are in.
CaptureTime advanced(const CaptureTime& from, std::chrono::nanoseconds passed);

// Hands over frames at most so often, by pts alone: of each slot of 1/frames_per_second the first frame. So it
// decides the same on every run, whatever was shed before.
// Thread: confined to its owner.
class FrameThinner {
 public:
  explicit FrameThinner(double frames_per_second) : frames_per_second_(frames_per_second) {}
  bool wants(MediaTime pts);

 private:
  double frames_per_second_;
  std::optional<std::int64_t> last_slot_;
};

}  // namespace kanhu::ingest
