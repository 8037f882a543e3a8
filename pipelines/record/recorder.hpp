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
#include "pipelines/event.hpp"
#include "pipelines/packet.hpp"
#include "pipelines/record/clip_muxer.hpp"

namespace kanhu::record {

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
  virtual ~RecordedStream() = default;  // open clips are closed as partial(recorder_closed)
  // In decode order. Of a camera with two sessions only the recorded role is taken, the other is ignored.
  virtual void packet(PacketPtr packet) = 0;
  // Starts a clip, or moves the end of a running one. The answer comes by `done`, always exactly once a clip
  // (pending is the asker's own word).
  virtual void request(const ClipRequest& request) = 0;
  // The source's time has reached `now` (ticks, by arrival): a clip whose end has passed closes although nothing arrives.
  virtual void tick(WallTime now) = 0;
  virtual void run_ended(const Error& why) = 0;  // clips close with what they have: partial(camera_lost)
  // The last key frame at or before `time` that is still in the ring, else nullptr.
  virtual PacketPtr key_at(WallTime time, ClockSource clock) const = 0;
  virtual RingStats stats() const = 0;
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

// What is on disk for a clip that was pending when the gateway died: complete when it reads back whole and reaches
// `to`, partial(gateway_restarted) when it plays but is short, missing(gateway_restarted) when there is nothing.
// Leaves a sidecar behind that says so. Never for a clip that a recorder is writing.
ClipRecord settle(FileIo& io, const std::string& directory, const ClipRequest& request);

// A sidecar as read back. `frames`: pts within the file and capture times, in file (decode) order.
struct SidecarFrame {
  int part = 0;  // counts from 1
  std::chrono::nanoseconds pts{0};
  CaptureTime captured;
  bool is_key = false;
  bool lost_before = false;  // the source lost something before this frame
};
struct SidecarPart {
  int number = 0;
  std::string file;  // relative to the clips folder
  std::string caps;  // of the stream: the format may change from part to part
  std::uint64_t bytes = 0;
};
struct Sidecar {
  ClipRecord record;
  ClipRequest request;  // as first asked for, `to` as last moved
  Codec codec = Codec::kH264;
  std::string camera_name;
  std::vector<SidecarFrame> frames;
  std::vector<std::string> subjects;  // all incidents this clip serves, first comes first
  std::vector<SidecarPart> parts;
  bool file_clock = false;              // the times are a recording's time line, not arrivals
  std::optional<std::string> manifest;  // SHA-256 of the clip's evidence manifest, when there is one
};
Result<Sidecar> read_sidecar(FileIo& io, const std::string& path);
// All sidecars below `directory`, newest first, without their frames (read_sidecar gives them): thousands of clips
// fit into memory. What cannot be read is logged and left out.
Result<std::vector<Sidecar>> list_clips(FileIo& io, const std::string& directory);
// Reads the files of a clip again and compares them with the sidecar's hashes. kCorrupt when one differs.
Result<void> verify_clip(FileIo& io, const std::string& directory, const Sidecar& sidecar);

// The clips that must go, oldest first: older than most_age at `now`, then until the rest fits into most_bytes.
// The asker journals clip.updated missing(retention) before it calls remove_clip.
std::vector<Sidecar> plan_retention(const StorageConfig& limits, std::vector<Sidecar> clips, WallTime now);
// Media first, the sidecar last: after a crash the clip is still listed and can be removed again.
Result<void> remove_clip(FileIo& io, const std::string& directory, const Sidecar& sidecar);
// Absolute path of a clip's sidecar, for read_sidecar.
std::string sidecar_path(const std::string& directory, const Sidecar& sidecar);

}  // namespace kanhu::record
