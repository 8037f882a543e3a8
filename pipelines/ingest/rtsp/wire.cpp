// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/wire.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace kanhu::ingest {
namespace {

constexpr std::size_t kKeptOfLine = 64;
constexpr std::size_t kFrameHeadBytes = 4;  // '$', channel, length in two bytes
constexpr std::string_view kContentLength = "content-length:";

}  // namespace

void RtspWire::refuse(std::string_view what, std::size_t most) {
  refused_ = fmt::format("{} of an RTSP answer is larger than {} KiB", what, most >> 10);
}

// Of lines that count twice the larger counts, so that no order of them hides a large body.
void RtspWire::note_content_length() {
  if (!std::string_view(line_).starts_with(kContentLength)) return;
  std::uint64_t length = line_was_cut_ ? kMostBodyBytes + 1 : 0;
  for (const char c : std::string_view(line_).substr(kContentLength.size())) {
    if (c == '-') length = kMostBodyBytes + 1;
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 && length <= kMostBodyBytes)
      length = 10 * length + static_cast<std::uint64_t>(c - '0');
  }
  content_length_ = std::max(content_length_, length);
}

void RtspWire::end_of_line() {
  if (line_is_empty_) {
    if (content_length_ > kMostBodyBytes) return refuse("the body", kMostBodyBytes);
    left_ = static_cast<std::size_t>(content_length_);
    in_ = left_ > 0 ? In::kBody : In::kStart;
    return;
  }
  note_content_length();
  line_is_empty_ = true;
}

void RtspWire::header_byte(char c) {
  if (++header_bytes_ > kMostHeaderBytes) return refuse("the header", kMostHeaderBytes);
  if (c == '\n') return end_of_line();
  if (c == '\r') return;
  const bool space = c == ' ' || c == '\t';
  // A line that begins with a space goes on with the one before it.
  if (line_is_empty_ && !space) {
    line_.clear();
    line_was_cut_ = false;
  }
  line_is_empty_ = false;
  if (space) return;
  if (line_.size() < kKeptOfLine) {
    line_ += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  } else {
    line_was_cut_ = true;
  }
}

const std::optional<std::string>& RtspWire::read(std::span<const std::byte> bytes) {
  while (!bytes.empty() && !refused_ && in_ != In::kUnknown) {
    if (in_ == In::kFrame || in_ == In::kBody) {
      const std::size_t now = std::min(left_, bytes.size());
      bytes = bytes.subspan(now);
      left_ -= now;
      if (left_ == 0) in_ = In::kStart;
      continue;
    }
    const char c = static_cast<char>(bytes.front());
    bytes = bytes.subspan(1);
    switch (in_) {
      case In::kStart:
        if (first_ && c != '$' && std::isprint(static_cast<unsigned char>(c)) == 0 && c != '\r' && c != '\n') {
          in_ = In::kUnknown;
          break;
        }
        first_ = false;
        header_bytes_ = 0;
        content_length_ = 0;
        line_is_empty_ = true;
        if (c == '$') {
          in_ = In::kFrameHead;
          head_read_ = 1;
          left_ = 0;
        } else if (c != '\r' && c != '\n') {
          in_ = In::kHeader;
          header_byte(c);
        }
        break;
      case In::kFrameHead:
        if (++head_read_ >= 3) left_ = left_ << 8 | static_cast<unsigned char>(c);
        if (head_read_ == kFrameHeadBytes) {
          in_ = left_ > 0 ? In::kFrame : In::kStart;
        }
        break;
      default:
        header_byte(c);
        break;
    }
  }
  return refused_;
}

}  // namespace kanhu::ingest
