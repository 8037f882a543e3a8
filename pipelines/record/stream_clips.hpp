// SPDX-License-Identifier: MIT
// What one recorded stream keeps and records: its ring, its open clips, and when each begins and ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "media/packet_ring.hpp"
#include "pipelines/record/clip_writer.hpp"
#include "pipelines/record/record_thread.hpp"
#include "pipelines/record/recorder.hpp"

namespace kanhu::record {

// Everything a stream's clips share with those of the other streams of a volume.
struct Volume {
  FileIo& io;
  std::string directory;
  Recorder::Done done;
  MuxerFactory muxers;
  RecordThread thread;
};

// Decides by packets, requests and ticks alone; all work on files is posted to the record thread, at most
// ring_bytes + 8 MiB (one largest access unit) of packets ahead of it. Beyond that a clip loses packets up to the
// next key frame and becomes partial(queue_overflow).
// Thread: any.
class StreamClips {
 public:
  StreamClips(std::shared_ptr<Volume> volume, std::string facility, const CameraConfig& camera);

  void packet(PacketPtr packet);
  void request(const ClipRequest& request);
  void tick(WallTime now);
  void run_ended(const Error& why);
  PacketPtr key_at(WallTime time, ClockSource clock) const;
  RingStats stats() const;
  void close_all(const std::string& reason);

 private:
  struct OpenClip {
    ClipRequest request;
    std::shared_ptr<ClipWriter> writer;  // used on the record thread only
    bool has_packets = false;
    bool skipping = false;             // lost packets: nothing until the next key frame
    std::optional<MediaTime> end_pts;  // of the first packet at or after `to`; earlier pictures may still follow it
    // What was asked for, by the clock that nobody sets, as soon as a packet has shown how that stands to this machine's time; and the end
    // on the stream's own line.
    std::optional<MonoTime> begin, end;
    std::optional<MediaTime> end_media;
    MonoTime newest{};  // arrival of the clip's newest picture
  };
  enum class Fate { kStaysOpen, kClosed };

  struct Anchor {
    MonoTime steady{};
    WallTime wall{};
    MediaTime pts{};
  };

  void start(const ClipRequest& request);
  void aim(OpenClip& clip) const;  // at `request.from` and `request.to`; an end only moves later
  bool is_end(const OpenClip& clip, const Packet& packet) const;
  void answer(const ClipRequest& request, const std::string& reason);  // missing, without a file
  Fate feed(OpenClip& clip, const PacketPtr& packet);
  void close(OpenClip& clip, const std::string& reason);
  void close_where(const std::function<bool(const OpenClip&)>& ends, const std::function<std::string(const OpenClip&)>& reason);
  std::string late_start(const std::string& run, const Packet& first, const OpenClip& clip) const;
  bool too_late(const std::string& run, const OpenClip& clip) const;

  const std::shared_ptr<Volume> volume_;
  const std::string facility_;
  const Recorded camera_;
  const std::optional<StreamRole> role_;  // the recorded one, when the camera has two sessions
  const std::uint64_t most_queue_bytes_;
  const std::shared_ptr<std::atomic<std::uint64_t>> queue_bytes_ = std::make_shared<std::atomic<std::uint64_t>>(0);

  mutable std::mutex mutex_;
  PacketRing ring_;
  std::vector<OpenClip> open_;
  std::deque<std::string> answered_;  // ids of clips that are over, newest last
  std::string run_;                   // of the newest packet
  std::optional<Anchor> newest_;      // the newest packet
  bool run_over_ = false;
  std::string over_reason_;
  bool reorders_ = false;  // the run has pictures whose decode order is not their order on the screen
  MediaTime newest_pts_{};
  std::uint64_t queue_drops_ = 0;
};

}  // namespace kanhu::record
