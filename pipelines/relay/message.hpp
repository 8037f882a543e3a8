// SPDX-License-Identifier: MIT
// What crosses between a worker and the gateway. One message is one datagram on their SOCK_SEQPACKET socket, canonical
// JSON, at most 64 KiB; the first one each way is `hello`, and a mismatch of schema or build is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/histogram.hpp"
#include "base/overloaded.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "pipelines/event.hpp"
#include "pipelines/observation.hpp"
#include "pipelines/relay/sensor_message.hpp"
#include "pipelines/relay/task.hpp"
#include "pipelines/relay/worker_report.hpp"

namespace kanhu::relay {

inline constexpr int kSchema = 1;
inline constexpr std::size_t kLargestMessage = 64 * 1024;

struct Hello {
  int schema = kSchema;
  std::string build;  // version and source revision; both ends are the same executable
};

// --- down: gateway to worker

// Process-wide settings, right after `hello`.
struct Setup {
  std::string clips_dir;
  std::vector<std::string> models_path;
  int analysis_threads = 1;
  bool replay = false;
  std::vector<std::string> files;  // recordings, pictures and devices of this machine that it is going to read
};

// A camera and what it needs; opens nothing yet.
struct Assign {
  std::string facility;
  CameraConfig camera;
  bool is_private = false;                        // it watches a private zone: no picture leaves the worker, none is written
  std::map<std::string, Credential> credentials;  // by name; secrets travel only this way
  // Replay: the capture time of pts 0, and a clip's sidecar when the file is a clip.
  WallTime file_start{};
  std::string sidecar;
  int part = 0;             // of the sidecar
  std::string file_digest;  // SHA-256 of the file, which who assigns it has read; empty: the worker reads it
};
// Opens (again) one session of an assigned camera. Retries are the gateway's decision.
struct Open {
  std::string camera;
  StreamRole role = StreamRole::kMain;
};
struct Release {
  std::string camera;
};
struct AskClip {
  ClipRequest request;
};
// A picture for people: of the camera now, or of a clip.
struct AskPicture {
  std::uint64_t id = 0;  // random: an answer is believed only with it
  std::string camera;
  int max_width = 0;  // px; 0: as it is
  std::string clip;   // its files without their ending, below the clips folder: fuxing/2026/11/26/<clip>; empty: now
  WallTime at{};      // of a clip: the last key frame at or before it
  ClockSource clock = ClockSource::kArrival;
};
// Stop sources, close clips, say goodbye by closing the socket.
struct Drain {};

// --- up: worker to gateway

struct Observed {
  Observation observation;
};
// The camera has answered: what follows is waiting for media.
struct SourceConnected {
  std::string camera;
  StreamRole role = StreamRole::kMain;
};
// A session got its first packet.
struct SourceUp {
  std::string camera;
  StreamRole role = StreamRole::kMain;
  StreamFormat format;  // without caps
};
struct SourceEnded {
  std::string camera;
  StreamRole role = StreamRole::kMain;
  Error why;
};
struct ClipDone {
  ClipRecord record;
};
// A JPEG is larger than a message: it comes in parts, in order, each with what is known of the whole.
struct PicturePart {
  std::uint64_t id = 0;  // of AskPicture
  WallTime captured{}, arrival{};
  int width = 0, height = 0;  // px
  std::uint64_t total = 0, offset = 0;
  std::string bytes;  // 1 to kMostPartBytes
};
inline constexpr std::size_t kMostPartBytes = 45'000;  // 60,000 digits of base64
struct PictureFailed {
  std::uint64_t id = 0;
  Error why;
};
// Counters of one camera since it was assigned, about once a second.
struct CameraReport {
  std::string camera;
  std::uint64_t packets = 0, key_frames = 0, bytes = 0, frames_decoded = 0, decode_errors = 0;
  std::uint64_t packets_not_decoded = 0, packets_lost = 0, held_bytes = 0;
  std::uint64_t frames_analysed = 0, frames_dropped = 0, detections = 0, tracks = 0;
  std::uint64_t faces_compared = 0, faces_shed = 0;  // shots embedded; shots worth it that found no room
  std::uint64_t ring_bytes = 0, ring_overflow_drops = 0, clips_open = 0;
  double ring_seconds = 0;
  std::string codec;
  int width = 0, height = 0;
  bool has_rtcp_time = false;
  std::string keep_alive;       // of the RTSP session: get_parameter, options or refused; empty when not known
  std::string detector;         // in use, which may be a fallback
  std::string detector_notice;  // why it is one
  LatencyHistogram wait, work;  // for analysis, of analysis
};
using Message = std::variant<Hello, Setup, Assign, Open, Release, AskClip, AskPicture, Drain, Observed, SourceConnected, SourceUp,
                             SourceEnded, ClipDone, PicturePart, PictureFailed, CameraReport, WorkerReport, LogLine, Task, TaskMoved,
                             TaskPart, TaskFailed, BrokerState, SensorMessage, SensorsRound>;

// Who may send what; both say Hello and count rounds of sensors. A message in neither list does not compile where messages are visited.
template <typename M>
concept OnlyToWorker = OneOf<M, Setup, Assign, Open, Release, AskClip, AskPicture, Drain, Task, BrokerState, SensorMessage>;
template <typename M>
concept OnlyToGateway = OneOf<M, Observed, SourceConnected, SourceUp, SourceEnded, ClipDone, PicturePart, PictureFailed, CameraReport,
                              WorkerReport, LogLine, TaskMoved, TaskPart, TaskFailed>;

// At most kLargestMessage bytes for every message Kanhu makes.
std::string encode(const Message& message);
// kCorrupt names what was wrong. Never throws, whatever the bytes: a worker parses untrusted media and may lie.
Result<Message> decode(std::string_view bytes);

}  // namespace kanhu::relay
