// SPDX-License-Identifier: MIT
// The files beside a clip's media: the sidecar (final, JSON) and the times log (while the clip is being written).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_io.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "media/packet.hpp"
#include "pipelines/event.hpp"

namespace kanhu::record {

inline constexpr int kSidecarVersion = 1;
inline constexpr std::size_t kMostSidecarBytes = 16u << 20;

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
  std::vector<std::string> zones;  // that the camera watched; empty, too, when an older version recorded it
  std::vector<SidecarFrame> frames;
  std::vector<std::string> subjects;  // all incidents this clip serves, first comes first
  std::vector<SidecarPart> parts;
  WallTime arrived{};                   // of the last picture at this machine, as read back; without one `record.to`
  bool file_clock = false;              // the times are a recording's time line, not arrivals
  std::optional<std::string> manifest;  // SHA-256 of the clip's evidence manifest, when there is one
};
Result<Sidecar> read_sidecar(FileIo& io, const std::string& path);

// Where a clip's files are: <facility>/<yyyy>/<mm>/<dd> (UTC day of `from`) below the clips folder.
struct ClipPaths {
  std::string directory;  // of the clips folder
  std::string day;        // relative to it
  std::string clip;

  std::string part(int number, std::string_view extension) const;  // relative; number counts from 1
  std::string absolute(const std::string& relative) const { return directory + "/" + relative; }
  std::string sidecar() const { return absolute(day + "/" + clip + ".json"); }
  std::string times() const { return absolute(day + "/" + clip + ".times"); }
  std::string folder() const { return absolute(day); }
};
// kInvalidArgument unless clip is 26 base32 digits (a-z, 2-7) and facility an identifier: both become file names.
Result<ClipPaths> clip_paths(const std::string& directory, const ClipRequest& request);
bool is_clip_id(std::string_view text);

Json to_json(const Sidecar& sidecar);
Result<Sidecar> sidecar_from_json(const Json& json);
// Written beside, synced, renamed into place, directory synced, read back and compared.
Result<void> write_sidecar(FileIo& io, const ClipPaths& paths, const Sidecar& sidecar);

// First and last moment of what these frames show, in a clock, as far as that is believed. Pictures are in order of pts: one stamp that
// is wrong, or this machine's clock set in between, moves neither.
std::pair<WallTime, WallTime> span_of(const std::vector<SidecarFrame>& frames, ClockSource clock);

// One line of the times log; a torn last line is ignored by its reader.
std::string times_header(const Sidecar& sidecar);
std::string times_part(const SidecarPart& part);
std::string times_frame(const SidecarFrame& frame);
std::string times_reason(const std::string& reason);
// What the log tells: request, camera, codec, parts (without hashes), frames, and record.reason.
Result<Sidecar> read_times(FileIo& io, const std::string& path);

// A whole file of at most `most` bytes. kCorrupt beyond.
Result<std::string> read_text(FileIo& io, const std::string& path, std::size_t most);

}  // namespace kanhu::record
