// SPDX-License-Identifier: MIT
#include "pipelines/ingest/file/shape.hpp"

#include <array>
#include <cstddef>
#include <optional>

#include <unistd.h>

namespace kanhu::ingest {
namespace {

constexpr std::uint64_t kEbml = 0x1a45dfa3;
constexpr std::uint64_t kSegment = 0x18538067;
constexpr std::uint64_t kCluster = 0x1f43b675;
constexpr int kMostElements = 4'000'000;  // of a day at 25 a second there are two million

// An element's identity and size (RFC 8794, 4 to 6).
struct Element {
  std::uint64_t id = 0;
  std::optional<std::uint64_t> size;  // nothing: unknown, up to the end
  std::uint64_t content = 0;          // where it begins
};

// A number whose first byte tells by its leading zeros how long it is; 0 bytes when it does not fit in `most`.
struct Number {
  std::uint64_t value = 0;
  std::size_t bytes = 0;
  bool all_ones = true;
};
Number read_number(const std::array<std::uint8_t, 12>& head, std::size_t from, std::size_t got, std::size_t most, bool keep_marker) {
  Number number;
  std::size_t length = 1;
  while (length <= most && from < got && (head[from] & (0x80u >> (length - 1))) == 0) ++length;
  if (length > most || from + length > got) return number;
  number.value = keep_marker ? head[from] : head[from] & (0xffu >> length);
  number.all_ones = (head[from] & (0xffu >> length)) == (0xffu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    number.value = number.value << 8 | head[from + i];
    number.all_ones = number.all_ones && head[from + i] == 0xff;
  }
  number.bytes = length;
  return number;
}

std::optional<Element> element_at(int fd, std::uint64_t at) {
  std::array<std::uint8_t, 12> head{};
  const auto got = ::pread(fd, head.data(), head.size(), static_cast<off_t>(at));
  if (got <= 0) return std::nullopt;
  const auto bytes = static_cast<std::size_t>(got);
  const Number id = read_number(head, 0, bytes, 4, true);
  const Number size = id.bytes == 0 ? Number{} : read_number(head, id.bytes, bytes, 8, false);
  if (size.bytes == 0) return std::nullopt;
  Element element{id.value, size.value, at + id.bytes + size.bytes};
  if (size.all_ones) element.size.reset();
  return element;
}

}  // namespace

bool mp4_is_cut_off(int fd, std::uint64_t size) {
  std::uint64_t at = 0;
  while (at + 8 <= size) {
    std::array<std::uint8_t, 16> head{};
    if (::pread(fd, head.data(), head.size(), static_cast<off_t>(at)) < 8) return true;
    const auto number = [&](std::size_t from, std::size_t bytes) {
      std::uint64_t value = 0;
      for (std::size_t i = from; i < from + bytes; ++i) value = value << 8 | head[i];
      return value;
    };
    std::uint64_t length = number(0, 4);
    if (length == 1) length = number(8, 8);
    if (length == 0) return false;  // to the end of the file
    if (length < 8 || length > size - at) return true;
    at += length;
  }
  return at != size;
}

bool matroska_is_cut_off(int fd, std::uint64_t size) {
  std::uint64_t at = 0;
  bool in_segment = false;
  for (int count = 0; at < size && count < kMostElements; ++count) {
    const auto element = element_at(fd, at);
    if (!element) return in_segment;
    if (count == 0 && element->id != kEbml) return false;
    // What is of unknown size is entered: its content is told apart by the next identities, whatever level they are of.
    const bool enters = !element->size && (element->id == kSegment || element->id == kCluster);
    in_segment = in_segment || element->id == kSegment;
    if (enters) {
      at = element->content;
      continue;
    }
    if (!element->size) return false;
    if (element->content > size || *element->size > size - element->content) return true;
    at = element->content + *element->size;
  }
  return false;
}

}  // namespace kanhu::ingest
