// SPDX-License-Identifier: MIT
#include "pipelines/journal/segment_cursor.hpp"

#include <algorithm>
#include <cstring>

#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::journal {
namespace {

constexpr std::size_t kWindow = 256u << 10;

// More of the file may make a record of it.
bool may_be_cut(std::span<const std::byte> rest) {
  if (rest.size() < kRecordLeastBytes) return true;
  std::uint32_t length = 0;
  std::memcpy(&length, rest.data() + 4, sizeof length);
  return std::memcmp(rest.data(), "KREC", 4) == 0 && length > rest.size() && length <= kRecordMostBytes;
}

}  // namespace

Result<std::optional<Decoded>> SegmentCursor::next() {
  while (true) {
    const auto rest = std::span<const std::byte>(window_).subspan(position_);
    if (auto decoded = decode_record(rest)) {
      position_ += decoded->size;
      return decoded;
    }
    if (!at_end_ && may_be_cut(rest)) {
      if (auto filled = fill(); !filled) return tl::unexpected(filled.error());
      continue;
    }
    if (rest.empty()) return std::optional<Decoded>();
    const auto found = next_record(window_, position_ + 1);
    if (!found && at_end_) return std::optional<Decoded>();
    // A marker may be cut at the end of the window.
    position_ = found ? *found : window_.size() - std::min<std::size_t>(3, rest.size() - 1);
  }
}

Result<void> SegmentCursor::fill() {
  window_.erase(window_.begin(), window_.begin() + static_cast<std::ptrdiff_t>(position_));
  base_ += position_;
  position_ = 0;
  const std::size_t held = window_.size();
  window_.resize(held + kWindow);
  auto got = file_.read_at(base_ + held, std::span<std::byte>(window_).subspan(held));
  window_.resize(held + (got ? *got : 0));
  if (!got) return tl::unexpected(got.error());
  at_end_ = *got == 0;
  return {};
}

}  // namespace kanhu::journal
