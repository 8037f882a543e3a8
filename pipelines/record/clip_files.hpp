// SPDX-License-Identifier: MIT
// One clip by its id, and bytes of its files: what a reader over the network may see of the clips folder.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "pipelines/event.hpp"

namespace kanhu::record {

struct ShelvedPart {
  std::string file;  // relative to the clips folder
  std::uint64_t bytes = 0;
  std::string sha256;  // lower-case hex
};
// A clip as its sidecar has it; pending while there is only the log of what is being written.
struct ShelvedClip {
  std::string id, facility, source;
  ClipStatus status = ClipStatus::kPending;
  std::string reason;
  std::vector<std::string> zones;  // its camera watched then; empty, too, when an older version recorded it
  std::string stem;                // its files without their ending, relative: fuxing/2026/11/26/<id>
  std::vector<ShelvedPart> parts;
};

// Opens files below the clips folder only, and never through a link: neither an id nor a sidecar can lead out of it.
// Remembers the 64 clips asked for last; one whose sidecar changed or went is read again. Thread: any; it waits for the disk.
class ClipFiles {
 public:
  explicit ClipFiles(std::string directory) : directory_(std::move(directory)) {}

  // kInvalidArgument for what is no clip id, kNotFound, kPermission for a link, kCorrupt, kNewerFormat, kIo.
  Result<ShelvedClip> find(std::string_view id);
  // Whose folder has files of this clip, readable or not; empty: nobody's.
  std::string facility_of(std::string_view id) const;
  // Bytes of a part; fewer at its end, none behind it. `part` is one of `find`. kCorrupt when the file is not as long as it was recorded.
  Result<std::string> read(const ShelvedPart& part, std::uint64_t offset, std::size_t length) const;

 private:
  struct Known {
    ShelvedClip clip;
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t changed_ns = 0;
  };
  Result<ShelvedClip> read_clip(const std::string& stem, std::string_view id);

  const std::string directory_;
  std::mutex mutex_;
  std::list<Known> known_;  // newest first
};

}  // namespace kanhu::record
