// SPDX-License-Identifier: MIT
// Packets + requests -> clips: MP4 files with a sidecar of capture times, remuxed and never decoded.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "media/packet.hpp"
#include "pipelines/event.hpp"
#include "pipelines/record/clip_muxer.hpp"

namespace kanhu::record {

class StreamClips;

struct RingStats {
  std::uint64_t bytes = 0;
  double seconds = 0;                // from the oldest packet kept to the newest
  std::uint64_t overflow_drops = 0;  // packets dropped before the pre-roll was over
  std::uint64_t clips_open = 0;
  std::uint64_t queue_bytes = 0;  // on their way to the record thread, at most ring_bytes + 8 MiB
  std::uint64_t queue_drops = 0;  // packets a clip lost because that was full
};

// One recorded stream: its ring, and the clips being written from it.
// Thread: `packet`, `request` and the run calls from any thread; none of them waits for a disk.
class RecordedStream {
 public:
  explicit RecordedStream(std::shared_ptr<StreamClips> clips);
  ~RecordedStream();  // open clips are closed as partial(recorder_closed)
  // Start and end of clips are decided by the arrival of packets on this machine's steady clock, and by their pts: neither a camera's
  // clock nor this machine's, set while a clip is written, shortens it. In decode order. Of a camera with two sessions only the recorded
  // role is taken, the other is ignored.
  void packet(PacketPtr packet);
  // Starts a clip, or moves the end of a running one. The answer comes by `done`, always exactly once a clip
  // (pending is the asker's own word).
  void request(const ClipRequest& request);
  // The source's time has reached `now` (ticks, by arrival): a clip whose end has passed closes although nothing arrives.
  void tick(WallTime now);
  void run_ended(const Error& why);  // clips close with what they have: partial(camera_lost)
  // The last key frame at or before `time` that is still in the ring, else nullptr.
  PacketPtr key_at(WallTime time, ClockSource clock) const;
  RingStats stats() const;

 private:
  const std::shared_ptr<StreamClips> clips_;
};

// Owns the `record` thread of one volume. Files: <directory>/<facility>/<yyyy>/<mm>/<dd>/<clip>[.N].mp4 (.mov for
// MJPEG) and <clip>.json (sidecar, format version 1, docs/clips.md). Order: file written and synced, read back and
// compared, sidecar written, synced and renamed into place, directory synced, sidecar read back, then `done`. So no
// sidecar ever says more than was checked.
// Thread: any.
class Recorder {
 public:
  using Done = std::function<void(ClipRecord)>;  // on the record thread; must not wait for a disk
  Recorder(FileIo& io, std::string directory, Done done, MuxerFactory muxers = make_gst_muxer);
  ~Recorder();  // closes all clips first; streams may be destroyed later, but nothing is recorded any more
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  std::unique_ptr<RecordedStream> open(const std::string& facility, const CameraConfig& camera);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kanhu::record
