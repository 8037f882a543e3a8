// SPDX-License-Identifier: MIT
// What a fragmented MP4 or QuickTime file holds, read from its boxes (ISO/IEC 14496-12) without decoding.
#pragma once

#include <cstdint>

#include "base/file_io.hpp"
#include "base/result.hpp"

namespace kanhu::record {

struct FragmentScan {
  bool has_movie = false;         // ftyp and moov are whole
  std::uint64_t fragments = 0;    // moof with its whole mdat
  std::uint64_t samples = 0;      // in those fragments
  std::uint64_t whole_bytes = 0;  // up to the end of the last whole fragment, and of an index behind it
  std::uint64_t file_bytes = 0;
  bool whole() const { return has_movie && whole_bytes == file_bytes; }
};

// Reads box headers and moof boxes (at most 4 MiB each), no media. Damage ends the scan, it is not an error; errors
// are those of reading.
Result<FragmentScan> scan_fragments(File& file);

}  // namespace kanhu::record
