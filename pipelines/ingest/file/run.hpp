// SPDX-License-Identifier: MIT
// The name of a replayed run, and how much can come out of a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

// The SHA-256 of a file's content in lower-case hex; reads all it holds at the beginning: one
// that grows meanwhile would have no end.
Result<std::string> sha256_of_file(const std::string& path);

// What comes out of a recording, compared with what can be in it: an index that leads in circles gives more and more, for ever, and
// times that leap give ticks without end.
// Thread: confined.
class RecordingBounds {
 public:
  // `packed`: its packets are no larger than what they take in the file; false for losslessly packed counts.
  RecordingBounds(std::string path, bool packed);
  // kCorrupt when this packet cannot belong to the recording, and for all that follow.
  std::optional<Error> fault(const Packet& packet);

 private:
  std::string path_;
  bool packed_;
  std::uint64_t left_ = 0;              // bytes
  std::chrono::nanoseconds gaps_left_;  // of time in which there is no picture
  MediaTime latest_{};
};

}  // namespace kanhu::ingest
