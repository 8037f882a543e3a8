// SPDX-License-Identifier: MIT
// What Kanhu says to the outside, and what it asks the recorder for. The wire contract is docs/events.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "pipelines/observation.hpp"

namespace kanhu {

// An event before it is numbered: what the rules decided. `data` is the CloudEvents payload's `data` member without
// what the publisher adds (provenance).
struct EventDraft {
  std::string facility = "-";  // "-" is the gateway's own stream
  std::string source = "-";    // camera id, or "-"
  std::string type;            // without the "kanhu." prefix: "presence.started"
  std::string subject;         // the incident: the same from start to end (content_id)
  Phase phase = Phase::kPoint;
  WallTime time{};  // capture time of the deciding frame; without one, the decision's time
  Json data = Json::object();
  MonoTime arrival{};  // of the deciding packet; for latency figures only, 0 when there is none
};

// Names an event for ever.
struct EventId {
  std::string epoch;             // 32 lower-case hex digits, new with each opening of the journal for writing
  std::uint64_t seq = 0;         // 1, 2, 3 ... over the whole gateway within the epoch
  std::uint64_t stream_seq = 0;  // 1, 2, 3 ... over the facility within the epoch
  std::string text() const { return epoch + ":" + std::to_string(seq); }
};

// An event with its final bytes. Immutable once accepted.
struct Event {
  EventId id;
  std::string facility;
  std::string source;
  std::string type;
  std::string subject;
  Phase phase = Phase::kPoint;
  WallTime time{};
  std::string body;  // canonical CloudEvents JSON, at most 2 KiB
  MonoTime arrival{};
};

// What the rules ask the recorder for.
struct ClipRequest {
  std::string clip;  // content_id; one clip may serve many subjects
  std::string subject;
  std::string facility;
  std::string source;
  std::string run;
  WallTime from{};  // in the clock of the camera's observations
  WallTime to{};    // a later request for the same clip may move it later, never earlier
  ClockSource clock = ClockSource::kArrival;
  // That clock minus arrival at this machine when the clip was begun: start and end are decided by arrival, `from` and `to` minus this.
  std::chrono::microseconds offset{0};
};

enum class ClipStatus { kPending, kComplete, kPartial, kMissing };
const char* to_string(ClipStatus status);

// What became of a request. `path` is relative to the clips folder.
struct ClipRecord {
  std::string clip;
  std::string facility;
  std::string source;
  ClipStatus status = ClipStatus::kPending;
  std::string reason;               // for partial and missing: ring_overflow, camera_lost, format_changed, disk_full, ...
  std::vector<std::string> parts;   // files in order, relative paths
  std::vector<std::string> sha256;  // of the parts, lower-case hex
  std::uint64_t bytes = 0;          // of all parts
  WallTime from{};                  // first and last frame really inside
  WallTime to{};
};

}  // namespace kanhu
