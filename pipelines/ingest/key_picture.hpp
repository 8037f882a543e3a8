// SPDX-License-Identifier: MIT
// One encoded picture that needs no other -> its pixels.
#pragma once

#include <chrono>

#include "base/result.hpp"
#include "media/frame.hpp"
#include "media/packet.hpp"

namespace kanhu::ingest {

// Decodes `packet`, a key frame, by itself with a decoder of its own; waits for it at most `patience`. kInvalidArgument for a packet
// that is none, kUnsupported for raw temperatures, kCorrupt when it cannot be decoded, kTimeout.
// Thread: any but GStreamer's.
Result<Frame> decode_key_frame(const PacketPtr& packet, std::chrono::milliseconds patience);

}  // namespace kanhu::ingest
