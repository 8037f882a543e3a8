// SPDX-License-Identifier: MIT
// A camera or a recording, and what it hands over.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "media/frame.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

class Intake;
class Receiver;

// What a source hands over. All calls of one source come one at a time (never two at once), from the source's own
// threads, in this order: on_packet / on_frame / on_tick in any mixture, then on_end exactly once, then nothing.
// Implementations must return quickly in a live source; in replay they may block, which holds the source back.
class SourceSink {
 public:
  virtual ~SourceSink() = default;
  // Live, once a run and before its first packet: the camera has answered. A device or file answers by its first packet.
  virtual void on_connected() {}
  virtual void on_packet(PacketPtr packet) = 0;
  virtual void on_frame(Frame frame) = 0;
  // Once a second of the source's time, also while nothing arrives. In replay a tick stands in the order of frames:
  // before the first frame whose pts is not earlier.
  virtual void on_tick(Tick tick) = 0;
  // The run is over. A source never retries: it ends with an Error and the supervisor decides. kEndOfStream is the
  // normal end of a file and a fault of a camera.
  virtual void on_end(Error why) = 0;
};

// How an RTSP session is kept alive; many cameras count requests only. kUnknown: not RTSP, or not known yet. kRefused: the camera refuses
// requests that would, and may end the session of its own accord.
enum class KeepAlive { kUnknown, kGetParameter, kOptions, kRefused };
const char* to_string(KeepAlive kind);  // "unknown", "get_parameter", "options", "refused"

// Live facts of a run, for status and metrics.
struct SourceStats {
  std::uint64_t packets = 0;
  std::uint64_t key_frames = 0;
  std::uint64_t bytes = 0;
  std::uint64_t frames_decoded = 0;
  std::uint64_t decode_errors = 0;
  std::uint64_t packets_not_decoded = 0;  // held back by the gate
  std::uint64_t packets_lost = 0;         // by RTP sequence numbers, where the transport tells
  std::uint64_t held_bytes = 0;           // encoded bytes alive anywhere (ring, queues), by the memory account
  StreamFormat format;
  bool has_rtcp_time = false;
  bool was_heard = false;  // at its end: RTP or packets had come within `stall_after`
  KeepAlive keep_alive = KeepAlive::kUnknown;
  std::string sent_to;  // `"host:port"` to which the camera redirects, for words; or empty
};

// A frame of a recording whose capture time is known (from a clip's sidecar).
struct RecordedTime {
  MediaTime pts{};  // within the file
  CaptureTime captured;
};

// What a source is asked to do.
struct SourceSpec {
  std::string source;  // camera id
  StreamRole role = StreamRole::kMain;
  StreamConfig stream;
  Credential credential;
  bool decode = false;           // frames wanted
  double frames_per_second = 5;  // of decoded frames handed over at most this many (by pts, deterministic)
  HealthConfig health;
  // Replay: no pacing, nothing dropped; capture times from `recorded_times` (rising pts; the nearest within 1 ms wins),
  // else `file_start` + pts.
  bool replay = false;
  WallTime file_start{};
  std::string file_digest;  // SHA-256 of the file in lower-case hex where it is known; empty: it is read for it, which takes its time
  std::vector<RecordedTime> recorded_times;
};

// One stream of one camera, or one recording: "run until it fails".
// Thread: start, stop and stats from one owner thread; the sink is called from the source's threads.
class FrameSource {
 public:
  FrameSource(std::shared_ptr<Intake> intake, std::unique_ptr<Receiver> receiver, const Clock& clock);
  ~FrameSource();  // stops, and waits for on_end where it is not called from within it
  FrameSource(const FrameSource&) = delete;
  FrameSource& operator=(const FrameSource&) = delete;
  // Returns at once; what goes wrong later comes by on_end. `sink` must live until on_end has returned.
  void start(SourceSink& sink);
  // Asks the run to end; never blocks for more than a moment, however the peer behaves: on_end follows with kClosed
  // from another thread within 3 s. A second call does nothing.
  void stop();
  SourceStats stats() const;
  // Random (live) or the SHA-256 of the file (replay). Constant for the object's life.
  const std::string& run() const;

 private:
  const std::shared_ptr<Intake> intake_;
  std::unique_ptr<Receiver> receiver_;  // until the start
  const Clock& clock_;
  std::thread thread_;
};

// rtsp:// by GStreamer's rtspsrc with an explicit pipeline, file:// for mp4, mkv, raw .h264/.h265; v4l2:// and file:// of
// 16-bit frames (raw .y16, .raw16; FFV1 in .mkv) where `stream.thermal` says how they are read.
// `clock` must outlive the source. kUnsupported for another scheme or file name.
Result<std::unique_ptr<FrameSource>> make_source(const SourceSpec& spec, const Clock& clock);

// Prepares GStreamer once per process: restricted plugin set, log lines to kanhu::log with redaction, no registry
// helper process. Call from main thread before make_source.
Result<void> init_gstreamer();

}  // namespace kanhu::ingest
