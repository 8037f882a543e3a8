// Packets + requests -> clips: MP4 files with a sidecar of capture times, remuxed and never decoded.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "pipelines/event.hpp"
#include "pipelines/packet.hpp"

namespace kanhu::record {

struct RingStats {
  std::uint64_t bytes = 0;
  double seconds = 0;                // from the oldest packet kept to the newest
  std::uint64_t overflow_drops = 0;  // packets dropped before the pre-roll was over
  std::uint64_t clips_open = 0;
};

// One recorded stream: its ring, and the clips being written from it.
// Thread: `packet`, `request` and the run calls from any thread.
class RecordedStream {
 public:
  virtual ~RecordedStream() = default;  // open clips are closed as partial(recorder_closed)
  virtual void packet(PacketPtr packet) = 0;
  // Starts a clip, or moves the end of a running one. The answer comes by `done`, always exactly once a clip
  // (pending is the asker's own word).
  virtual void request(const ClipRequest& request) = 0;
  // The source's time has reached `now` (ticks): a clip whose end has passed, by its request's clock, closes although
  // nothing arrives.
  virtual void tick(const CaptureTime& now) = 0;
  virtual void run_ended(const Error& why) = 0;  // clips close with what they have: partial(camera_lost)
  virtual RingStats stats() const = 0;
};

// Owns the `record` thread of one volume. Files: <directory>/<facility>/<yyyy>/<mm>/<dd>/<clip>[.N].mp4 and
// <clip>.json (sidecar, format version 1, docs/clips.md). Order: file written and synced, sidecar written, synced and
// renamed into place, directory synced, read back and compared, then `done`.
// Thread: any.
class Recorder {
 public:
  using Done = std::function<void(ClipRecord)>;  // on the record thread
  Recorder(FileIo& io, std::string directory, Done done);
  ~Recorder();  // closes all clips first
  std::unique_ptr<RecordedStream> open(const std::string& facility, const CameraConfig& camera);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// What is on disk for a clip that was pending when the gateway died: complete when it reads back whole and reaches
// `to`, partial(gateway_restarted) when it plays but is short, missing(gateway_restarted) when there is nothing.
// Leaves a sidecar behind that says so.
ClipRecord settle(FileIo& io, const std::string& directory, const ClipRequest& request);

// A sidecar as read back. `frames`: pts within the file and capture times, in file order.
struct SidecarFrame {
  int part = 0;
  std::chrono::nanoseconds pts{0};
  CaptureTime captured;
  bool is_key = false;
};
struct Sidecar {
  ClipRecord record;
  ClipRequest request;
  Codec codec = Codec::kH264;
  std::string camera_name;
  std::vector<SidecarFrame> frames;
};
Result<Sidecar> read_sidecar(FileIo& io, const std::string& path);
// All sidecars below `directory`, newest first.
Result<std::vector<Sidecar>> list_clips(FileIo& io, const std::string& directory);
// Reads the files of a clip again and compares them with the sidecar's hashes.
Result<void> verify_clip(FileIo& io, const std::string& directory, const Sidecar& sidecar);

}  // namespace kanhu::record
