// SPDX-License-Identifier: MIT
// What a parsed stream says about itself, and what is accepted of it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include <gst/gst.h>

#include "base/result.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

inline constexpr int kMostWidth = 4096;   // px
inline constexpr int kMostHeight = 2304;  // px
inline constexpr double kFewestFramesPerSecond = 0.1;
inline constexpr double kMostFramesPerSecond = 60;
inline constexpr std::size_t kMostAccessUnitBytes = 8u << 20;

// The codec of parsed caps or of caps a demuxer or device offers ("video/x-h264", "video/x-h265", "image/jpeg", "video/x-raw" of
// GRAY16_LE).
std::optional<Codec> codec_of(const GstCaps* caps);
// The codec of an RTP payload's encoding name ("H264", "H265", "JPEG").
std::optional<Codec> codec_of_rtp(std::string_view encoding_name);

// Names of the elements of a codec (not kRaw16, which needs none), as GStreamer knows them.
struct CodecElements {
  const char* depayloader;
  const char* parser;
  const char* parsed_caps;  // what the parser must give
  const char* decoder;
};
const CodecElements& elements_of(Codec codec);

// Whose word a frame rate in caps is. A demuxer reckons one from the times of a few pictures: two that came in a burst make
// 429 a second of a camera that sends 10. Such a rate is not told; nor is a declared one that no camera has (cheap ones at 10 declare
// 100, 500 or 90,000). What really comes is measured (stream_speed.hpp).
enum class FrameRate { kDeclared, kReckoned };
// kUnsupported for pictures beyond the limits above, with the camera setting to change.
Result<std::shared_ptr<const StreamFormat>> read_format(const GstCaps* caps, FrameRate rate);

// Does an access unit hold a picture, and not parameter sets, SEI or delimiters alone? Reads NAL types (H.264 table 7-1, H.265 table 7-1)
// of length-prefixed units; true for every other format.
bool holds_picture(const GstCaps* caps, GstBuffer* unit);
// Why a decoder for analysis cannot make 8-bit 4:2:0 (or grey) of parsed caps; nothing when it can.
std::optional<Error> undecodable(const GstCaps* caps);

}  // namespace kanhu::ingest
