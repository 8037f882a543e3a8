// SPDX-License-Identifier: MIT
#include "pipelines/record/fragments.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kanhu::record {
namespace {

constexpr std::uint64_t kMostMoofBytes = 4ull << 20;
constexpr std::uint32_t kMostSamples = 1u << 20;  // of one run; more is damage
constexpr std::uint32_t kMostBoxes = 1u << 20;    // of a file; more is damage

using Bytes = std::span<const std::byte>;

std::uint64_t big_endian(Bytes bytes) {
  std::uint64_t value = 0;
  for (std::byte byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

struct BoxHeader {
  std::uint32_t type = 0;
  std::uint64_t header_bytes = 8;
  std::uint64_t bytes = 0;
};

constexpr std::uint32_t type(const char (&name)[5]) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(name[i]);
  return value;
}

// Nothing when the box does not end within `room`.
std::optional<BoxHeader> parse_header(Bytes bytes, std::uint64_t room) {
  if (bytes.size() < 8) return std::nullopt;
  BoxHeader header;
  header.bytes = big_endian(bytes.subspan(0, 4));
  header.type = static_cast<std::uint32_t>(big_endian(bytes.subspan(4, 4)));
  if (header.bytes == 1) {
    if (bytes.size() < 16) return std::nullopt;
    header.bytes = big_endian(bytes.subspan(8, 8));
    header.header_bytes = 16;
  }
  if (header.bytes < header.header_bytes || header.bytes > room) return std::nullopt;
  return header;
}

// Samples of all track runs below `body`; nothing when a box does not fit into its parent.
std::optional<std::uint64_t> count_samples(Bytes body, bool inside_traf) {
  std::uint64_t samples = 0;
  while (!body.empty()) {
    const auto header = parse_header(body, body.size());
    if (!header) return std::nullopt;
    const Bytes content = body.subspan(header->header_bytes, header->bytes - header->header_bytes);
    if (!inside_traf && header->type == type("traf")) {
      const auto below = count_samples(content, true);
      if (!below) return std::nullopt;
      samples += *below;
    } else if (inside_traf && header->type == type("trun")) {
      if (content.size() < 8) return std::nullopt;
      const auto count = big_endian(content.subspan(4, 4));
      if (count > kMostSamples) return std::nullopt;
      samples += count;
    }
    body = body.subspan(header->bytes);
  }
  return samples;
}

}  // namespace

Result<FragmentScan> scan_fragments(File& file) {
  FragmentScan scan;
  const auto size = file.size();
  if (!size) return tl::unexpected(size.error());
  scan.file_bytes = *size;
  bool has_type = false;
  std::optional<std::uint64_t> announced;  // samples of a moof whose mdat is still to come
  std::uint64_t offset = 0;
  for (std::uint32_t boxes = 0; offset < *size && boxes < kMostBoxes; ++boxes) {
    std::array<std::byte, 16> start{};
    const auto got = file.read_at(offset, start);
    if (!got) return tl::unexpected(got.error());
    const auto header = parse_header(Bytes(start).first(*got), *size - offset);
    if (!header) return scan;
    const std::uint64_t end = offset + header->bytes;
    if (header->type == type("ftyp")) {
      has_type = true;
    } else if (header->type == type("moov")) {
      scan.has_movie = has_type;
      scan.whole_bytes = end;
    } else if (header->type == type("moof")) {
      if (!scan.has_movie || header->bytes > kMostMoofBytes) return scan;
      std::vector<std::byte> moof(header->bytes);
      const auto read = file.read_at(offset, moof);
      if (!read) return tl::unexpected(read.error());
      if (*read != moof.size()) return scan;
      announced = count_samples(Bytes(moof).subspan(header->header_bytes), false);
      if (!announced) return scan;
    } else if (header->type == type("mdat")) {
      if (announced) {
        ++scan.fragments;
        scan.samples += *announced;
        scan.whole_bytes = end;
        announced.reset();
      }
    } else if (header->type == type("mfra") || header->type == type("free") || header->type == type("wide")) {
      if (!announced && scan.has_movie) scan.whole_bytes = end;
    } else {
      return scan;
    }
    offset = end;
  }
  return scan;
}

}  // namespace kanhu::record
