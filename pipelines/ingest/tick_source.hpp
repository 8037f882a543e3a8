// SPDX-License-Identifier: MIT
// A source's ticks: once a second of its own time.
#pragma once

#include <optional>
#include <vector>

#include "media/frame.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

// Ticks of a camera, by this machine's monotonic clock; their times go on from the last packet's, so that they are in
// the same domain as captures, also while nothing arrives.
// Thread: confined to the source's thread.
class LiveTickSource {
 public:
  LiveTickSource(MonoTime started, WallTime wall);
  void saw(const Packet& packet);
  MonoTime due() const { return due_; }
  // The tick that is due at `now`; seconds that were missed are not made up.
  std::optional<Tick> tick(MonoTime now);

 private:
  MonoTime due_;
  MonoTime reference_;  // when the following two were true
  MediaTime media_{};
  CaptureTime captured_;
};

// Ticks of a replayed recording: at each whole second of media time, before the first frame that is not earlier.
// Thread: confined to the source's thread.
class ReplayTickSource {
 public:
  explicit ReplayTickSource(WallTime file_start);
  std::vector<Tick> until(MediaTime pts, const CaptureTime& captured);

 private:
  MediaTime next_{std::chrono::seconds(1)};
  MediaTime last_pts_{};
  CaptureTime last_captured_;
};

}  // namespace kanhu::ingest
