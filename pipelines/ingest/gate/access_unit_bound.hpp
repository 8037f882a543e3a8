// SPDX-License-Identifier: MIT
// How much may come in before a whole picture comes out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

// Depayloaders and parsers collect a picture until it ends, and believe the sender about where that is: a fragment without its end, an
// SEI or a JPEG without one, an endless flood of parameter sets grow until the process is killed. So what they are given is counted here
// first. One picture is at most 8 MiB; over RTP, where the end of a picture is marked, 64 MiB may come between whole pictures (a stream
// that is joined before its first parameter sets gives none), but only 8 MiB without a mark.
// Thread: any; `took` from the one that feeds the depayloader or parser, `completed` from the one behind it.
class AccessUnitBound {
 public:
  // An RTP packet is on its way in. An Error of kind kOversized: it must not go on.
  std::optional<Error> took_rtp(Codec codec, std::span<const std::byte> packet);
  // Bytes of a file are on their way in. `end`: where they end in it, for a reader that takes some twice; else 0.
  std::optional<Error> took(std::size_t bytes, std::uint64_t end = 0);
  // A whole picture came out.
  void completed();

 private:
  std::optional<Error> judge(std::uint64_t most) const;

  std::atomic<std::uint64_t> taken_{0};     // since the last whole picture
  std::atomic<std::uint64_t> unmarked_{0};  // and since the last mark
  std::atomic<std::uint64_t> furthest_{0};  // end of what was read of a file
};

// Of the H.264 and H.265 parameter sets the parsers keep one of each number, hundreds of them: none is so long that it must be sent in
// fragments. True for the fragment of one (RFC 6184, 5.8; RFC 7798, 4.4.3).
bool is_fragment_of_parameter_set(Codec codec, std::span<const std::byte> payload);
// What follows the header, its contributing sources and its extension (RFC 3550, 5.1); empty when they do not fit.
std::span<const std::byte> rtp_payload(std::span<const std::byte> packet);

}  // namespace kanhu::ingest
