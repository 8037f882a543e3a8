// SPDX-License-Identifier: MIT
// The framing of an RTSP connection, read along to bound what one message may take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kanhu::ingest {

// Follows what comes from the other side (RFC 2326, 4 and 10.12): messages of header lines with a body of Content-Length bytes, and
// interleaved frames. GStreamer 1.22 believes any Content-Length up to 4 GiB and any number of header lines, and takes the memory at once;
// here a message has at most 64 KiB of header and 256 KiB of body. Costs a look at each frame's 4 bytes, and nothing for its content.
// What does not begin like RTSP (TLS) is left alone.
// Thread: confined to its owner.
class RtspWire {
 public:
  static constexpr std::size_t kMostHeaderBytes = 64u << 10;
  static constexpr std::size_t kMostBodyBytes = 256u << 10;

  // The next bytes, in order. What is too large, in words, or nothing; after a word nothing more is read.
  const std::optional<std::string>& read(std::span<const std::byte> bytes);

 private:
  enum class In { kStart, kFrameHead, kFrame, kHeader, kBody, kUnknown };
  void header_byte(char c);
  void end_of_line();
  void note_content_length();
  void refuse(std::string_view what, std::size_t most);

  In in_ = In::kStart;
  bool first_ = true;
  std::size_t head_read_ = 0;
  std::size_t left_ = 0;  // of a frame or body
  std::size_t header_bytes_ = 0;
  std::uint64_t content_length_ = 0;
  std::string line_;  // in lower case, without spaces, at most 64 bytes of it
  bool line_was_cut_ = false;
  bool line_is_empty_ = true;
  std::optional<std::string> refused_;
};

}  // namespace kanhu::ingest
