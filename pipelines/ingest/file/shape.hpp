// SPDX-License-Identifier: MIT
// Is a recording whole, as far as its container tells?
#pragma once

#include <cstdint>

namespace kanhu::ingest {

// The demuxers play a file that is cut off up to where it ends and say nothing. `fd` is open for reading, of a file of `size` bytes; its
// position is not moved. False also for what is no such file: a demuxer says that better.
// Thread: any.

// Walks the top-level boxes of an MP4 (ISO/IEC 14496-12, 4.2): true when one reaches beyond the end.
bool mp4_is_cut_off(int fd, std::uint64_t size);
// Walks the elements of a Matroska file (RFC 9559): true when the segment, or in a segment of unknown size (one that was never closed) a
// cluster or block, reaches beyond the end.
bool matroska_is_cut_off(int fd, std::uint64_t size);

}  // namespace kanhu::ingest
