// SPDX-License-Identifier: MIT
// The seam behind which packets become bytes of a file.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "media/packet.hpp"

namespace kanhu::record {

// Times of one access unit on the time line of its file: dts starts at 0, strictly rises, and is never above pts.
struct MuxTimes {
  std::chrono::nanoseconds pts{0};
  std::chrono::nanoseconds dts{0};
  std::chrono::nanoseconds duration{0};
};

// Packets of one format in decode order -> a fragmented file, as bytes to be appended one after the other: what has
// been handed out is never corrected later, so the file plays up to its last whole fragment at any moment.
// Thread: confined to its owner; an implementation may use threads of its own.
class ClipMuxer {
 public:
  virtual ~ClipMuxer() = default;
  // Appends the bytes that have become ready to `out`; they may belong to earlier packets.
  virtual Result<void> add(const PacketPtr& packet, const MuxTimes& times, std::vector<std::byte>& out) = 0;
  // Appends all that is left. Nothing may follow.
  virtual Result<void> finish(std::vector<std::byte>& out) = 0;
};

using MuxerFactory = std::function<Result<std::unique_ptr<ClipMuxer>>(const StreamFormat& format)>;

// GStreamer's mp4mux (qtmux for MJPEG) with fragments of one second. kUnsupported for a format it refuses.
Result<std::unique_ptr<ClipMuxer>> make_gst_muxer(const StreamFormat& format);

// "mp4", or "mov" for MJPEG: MP4 knows JPEG pictures only under another sample entry than GStreamer writes.
const char* file_extension(Codec codec);

}  // namespace kanhu::record
