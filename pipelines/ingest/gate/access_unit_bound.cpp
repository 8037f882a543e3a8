// SPDX-License-Identifier: MIT
#include "pipelines/ingest/gate/access_unit_bound.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::uint64_t kMostUnmarked = kMostAccessUnitBytes;
constexpr std::uint64_t kMostWithoutPicture = 64u << 20;
// A parser holds the picture that is complete until the next one begins, and reads a file ahead.
constexpr std::uint64_t kMostOfFile = 2 * kMostAccessUnitBytes;

unsigned at(std::span<const std::byte> bytes, std::size_t index) { return std::to_integer<unsigned>(bytes[index]); }

}  // namespace

std::span<const std::byte> rtp_payload(std::span<const std::byte> packet) {
  constexpr std::size_t kHeader = 12;
  if (packet.size() < kHeader) return {};
  std::size_t header = kHeader + 4 * (at(packet, 0) & 0x0f);
  if ((at(packet, 0) & 0x10) != 0) {
    if (packet.size() < header + 4) return {};
    header += 4 + 4 * (at(packet, header + 2) << 8 | at(packet, header + 3));
  }
  return packet.size() > header ? packet.subspan(header) : std::span<const std::byte>();
}

bool is_fragment_of_parameter_set(Codec codec, std::span<const std::byte> payload) {
  if (codec == Codec::kH264 && payload.size() >= 2) {
    const unsigned kind = at(payload, 0) & 0x1f;
    const unsigned type = at(payload, 1) & 0x1f;
    return (kind == 28 || kind == 29) && (type == 7 || type == 8 || type == 13 || type == 15);
  }
  if (codec == Codec::kH265 && payload.size() >= 3) {
    const unsigned type = at(payload, 2) & 0x3f;
    return (at(payload, 0) >> 1 & 0x3f) == 49 && type >= 32 && type <= 34;
  }
  return false;
}

std::optional<Error> AccessUnitBound::judge(std::uint64_t most) const {
  if (taken_ <= most && unmarked_ <= kMostUnmarked) return std::nullopt;
  const std::uint64_t reached = unmarked_ > kMostUnmarked ? kMostUnmarked : most;
  return Error{ErrorKind::kOversized,
               fmt::format("a picture without end: {} MiB came and it was not complete; lower the bit rate or restart the camera, and "
                           "update its firmware if it stays so",
                           reached >> 20)};
}

std::optional<Error> AccessUnitBound::took_rtp(Codec codec, std::span<const std::byte> packet) {
  if (is_fragment_of_parameter_set(codec, rtp_payload(packet)))
    return Error{ErrorKind::kOversized,
                 "the camera sends a parameter set (SPS, PPS or VPS) too large for one packet, which no real one is; update its firmware"};
  taken_ += packet.size();
  unmarked_ += packet.size();
  auto why = judge(kMostWithoutPicture);
  if (packet.size() >= 2 && (at(packet, 1) & 0x80) != 0) unmarked_ = 0;
  return why;
}

std::optional<Error> AccessUnitBound::took(std::size_t bytes, std::uint64_t end) {
  std::uint64_t more = bytes;
  if (end != 0) {
    const std::uint64_t before = furthest_;
    more = end > before ? std::min<std::uint64_t>(bytes, end - before) : 0;
    furthest_ = std::max(before, end);
  }
  taken_ += more;
  if (taken_ <= kMostOfFile) return std::nullopt;
  return Error{ErrorKind::kOversized, fmt::format("a picture without end: {} MiB of the recording hold no whole one", kMostOfFile >> 20)};
}

void AccessUnitBound::completed() {
  taken_ = 0;
  unmarked_ = 0;
}

}  // namespace kanhu::ingest
