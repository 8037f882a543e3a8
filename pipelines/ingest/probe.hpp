// SPDX-License-Identifier: MIT
// What `kanhu probe URL` asks a camera.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "media/frame.hpp"
#include "media/packet.hpp"
#include "pipelines/ingest/frame_source.hpp"

namespace kanhu::ingest {

struct ProbeReport {
  // In order: resolve, connect, describe (path, password), setup (transport), play, key frame, decode, steady (no break and no pause in the
  // whole time); of 16-bit sources: open, pictures, temperatures. The step that failed is the last.
  struct Step {
    std::string name;
    bool passed = false;
    std::string detail;  // one sentence, with the fix when it failed
  };
  std::vector<Step> steps;
  std::optional<Error> error;             // of the failed step
  Transport transport = Transport::kTcp;  // that worked
  StreamFormat format;
  double measured_frames_per_second = 0;
  double gop_seconds = 0;  // longest distance of key frames seen; 0 when only one was seen
  bool has_rtcp_time = false;
  std::chrono::milliseconds clock_offset{0};  // camera minus this machine, when has_rtcp_time
  bool has_b_frames = false;
  double kilobits_per_second = 0;
  int breaks = 0;  // times the stream ended, or did not come back, while it was watched
  // How the camera lets its session be kept alive; kRefused: it may end it of its own accord.
  KeepAlive keep_alive = KeepAlive::kUnknown;
  std::optional<Frame> picture;  // the first that was decoded
  // Of a radiometric source: apparent temperatures of its first picture.
  struct Warmth {
    double coolest_c = 0, median_c = 0, warmest_c = 0;
  };
  std::optional<Warmth> warmth;
};

// Tries TCP, then UDP when the transport was refused or nothing arrived. A camera that gives pictures is watched for all of `patience`, and
// connected to anew when its stream ends within it: what breaks is not in order, however good it looks in between.
ProbeReport probe(const StreamConfig& stream, const Credential& credential, std::chrono::seconds patience);

}  // namespace kanhu::ingest
