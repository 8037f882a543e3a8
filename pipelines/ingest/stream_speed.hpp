// SPDX-License-Identifier: MIT
// How much video really comes, whatever the stream says of itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

// Counts pictures and pixels over spans of 10 s of arrival, so that what a network held back for seconds and then lets go is no speed.
// Thread: confined to its owner.
class StreamSpeed {
 public:
  // A picture arrived. An Error of kind kUnsupported when more came in the last span than is accepted: 60 pictures a second, and, where
  // they are decoded, as many pixels as 30 of the largest accepted picture have.
  std::optional<Error> too_fast(MonoTime arrival, const StreamFormat& format, bool decoded);

 private:
  std::optional<MonoTime> since_;
  std::uint64_t pictures_ = 0;
  std::uint64_t pixels_ = 0;
};

// A picture's duration as a parser tells it, which reckons it from the declared rate; 0, which says unknown, when no camera works
// so (less than 4 ms or more than 60 s).
std::chrono::nanoseconds plausible_duration(std::uint64_t nanoseconds);

}  // namespace kanhu::ingest
