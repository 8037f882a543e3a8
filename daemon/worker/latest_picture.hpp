// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "media/frame.hpp"
#include "media/packet.hpp"

namespace kanhu {

// A frame with pixels of its own.
struct KeptFrame {
  std::vector<std::uint8_t> pixels;
  ImageView image;  // of `pixels`
  CaptureTime captured;
};

// The newest a camera has to show: by stream its last key frame, encoded, and, for who waits, the next frame that analysis gets. Costs
// one encoded picture a stream; frames are copied only while somebody waits.
// Thread: any; shared by the camera's session, which may go first, and by who makes pictures.
class LatestPicture {
 public:
  void packet(const PacketPtr& packet);
  void frame(const Frame& frame);
  // The stream is over: what it showed last is not what there is now.
  void lost(StreamRole role);

  // nullptr: there is none.
  PacketPtr key_frame(StreamRole role) const;
  bool has_stream(StreamRole role) const;
  // The next frame of analysis; nothing when none comes within `patience`. Frames of a closed infrared shutter are passed over.
  std::optional<KeptFrame> next_frame(std::chrono::milliseconds patience);

  // The recording's key frame at or before a time; nullptr when it is not kept any more. Set once, before anything is asked.
  using Recorded = std::function<PacketPtr(WallTime, ClockSource)>;
  void set_recorded(Recorded recorded);
  PacketPtr recorded(WallTime time, ClockSource clock) const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable frame_came_;
  std::array<PacketPtr, 2> keys_;       // by role
  std::array<bool, 2> streams_{};       // packets come
  int waiting_ = 0;                     // for a frame
  std::shared_ptr<KeptFrame> arrived_;  // for those who wait
  Recorded recorded_;
};

}  // namespace kanhu
