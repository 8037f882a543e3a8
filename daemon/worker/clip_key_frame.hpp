// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "base/result.hpp"
#include "media/packet.hpp"

namespace kanhu {

// The last key frame at or before `at`, else the first one, of a clip below `clips`; `stem` are its files without their ending. Also of a
// clip that is being written, as far as it is on disk. kNotFound says what is not there; at most 1.5 s. In a worker: it parses media.
Result<PacketPtr> key_frame_of_clip(FileIo& files, const std::string& clips, const std::string& stem, WallTime at, ClockSource by,
                                    const Clock& clock);

}  // namespace kanhu
