// What `kanhu probe URL` asks a camera.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "pipelines/packet.hpp"

namespace kanhu::ingest {

struct ProbeReport {
  // In order: resolve, connect, describe (path, password), setup (transport), play, key frame, decode; of 16-bit sources: open,
  // pictures, temperatures. The step that failed is the last.
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
  std::string picture_png;  // encoded PNG of the first decoded frame, empty when none
  // Of a radiometric source: apparent temperatures of its first picture.
  struct Warmth {
    double coolest_c = 0, median_c = 0, warmest_c = 0;
  };
  std::optional<Warmth> warmth;
};

// Tries TCP, then UDP when the transport was refused or nothing arrived. Takes at most `patience`.
ProbeReport probe(const StreamConfig& stream, const Credential& credential, std::chrono::seconds patience);

}  // namespace kanhu::ingest
