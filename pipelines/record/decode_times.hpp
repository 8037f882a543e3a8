// SPDX-License-Identifier: MIT
// Decode times for streams that carry none: RTSP gives presentation times only, and MP4 needs both.
#pragma once

#include <chrono>
#include <cstddef>
#include <queue>
#include <span>
#include <vector>

#include "media/packet.hpp"

namespace kanhu::record {

// The n-th packet in decode order gets the n-th presentation time in rising order, delayed by the stream's reorder
// depth (the most pictures that come before another in decode order and after it on the screen: max_num_reorder of
// H.264 E.2.1). The depth is read from the first packets of a file. dts strictly rises and is never above pts.
// GStreamer's h264timestamper does the same from the parameter sets, but moves pts by 1,000 hours.
// Thread: confined to its owner.
class DecodeTimes {
 public:
  struct Times {
    MediaTime pts{};  // moved up to dts when a picture comes later than the depth allows
    MediaTime dts{};
  };
  // So many packets are looked at before the first one gets its time: two mini-GOPs of the deepest legal reordering.
  static constexpr std::size_t kLookAhead = 32;

  // `first`: presentation times of the first packets of the file in decode order, at most kLookAhead, at least one.
  explicit DecodeTimes(std::span<const MediaTime> first);
  // In decode order, starting with those given to the constructor.
  Times next(MediaTime pts);
  std::size_t depth() const { return depth_; }
  std::chrono::nanoseconds frame_duration() const { return frame_; }
  MediaTime first_dts() const { return first_dts_; }

 private:
  std::size_t depth_ = 0;
  std::chrono::nanoseconds frame_{};
  MediaTime first_dts_{};
  MediaTime earliest_{};
  MediaTime last_dts_{};
  std::size_t count_ = 0;
  std::priority_queue<MediaTime, std::vector<MediaTime>, std::greater<>> waiting_;
};

}  // namespace kanhu::record
