// SPDX-License-Identifier: MIT
// The last seconds of one recorded stream, still encoded, so that a clip can begin before its event.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "media/packet.hpp"

namespace kanhu::record {

// When a packet arrived, by a clock that nobody sets. (A packet that says none, as in tests, has its wall time.)
MonoTime steady_of(const Packet& packet);

// Bounded by bytes, and kept no longer than needed. Whole GOPs leave at the front: by age only when what remains
// starts at a key frame and still covers `keep`; by bytes always, which is counted. A single GOP beyond the bound
// cannot be kept: the ring is emptied and begins again at the next key frame.
// Thread: confined to its owner (the stream's lock).
class PacketRing {
 public:
  PacketRing(std::uint64_t most_bytes, std::chrono::nanoseconds keep) : most_bytes_(most_bytes), keep_(keep) {}

  void push(PacketPtr packet);

  // What is known of one connection whose packets are, or lately were, in the ring.
  struct Run {
    std::string run;
    bool evicted = false;     // some of its packets have left by age
    bool overflowed = false;  // some of its packets have left by bytes
  };
  // The newest runs, oldest first; nullptr when unknown.
  const Run* find(const std::string& run) const;
  // Packets of `run` from the last key frame that had arrived at `from`, else from its first key frame.
  std::vector<PacketPtr> from(const std::string& run, MonoTime from) const;
  // The last key frame at or before `time`; nullptr when none is kept.
  PacketPtr key_at(WallTime time, ClockSource clock) const;
  const Packet* newest() const { return packets_.empty() ? nullptr : packets_.back().get(); }

  std::uint64_t bytes() const { return bytes_; }
  double seconds() const;
  std::uint64_t overflow_drops() const { return overflow_drops_; }

 private:
  std::chrono::nanoseconds age(const Packet& packet) const;
  std::size_t first_gop() const;  // packets before the second key frame; all when there is none
  void evict(std::size_t count, bool by_bytes);
  Run& note(const std::string& run);

  const std::uint64_t most_bytes_;
  const std::chrono::nanoseconds keep_;
  std::deque<PacketPtr> packets_;
  std::deque<Run> runs_;
  std::uint64_t bytes_ = 0;
  std::uint64_t overflow_drops_ = 0;
  MediaTime newest_pts_{};
};

}  // namespace kanhu::record
