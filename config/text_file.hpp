// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.hpp"

namespace kanhu {

// A file that people write: at most 4 MiB and one byte, so that the size is refused where all other faults are. `what` is its noun
// in the message ("configuration"). kInvalidConfig when it cannot be read or is no plain file.
Result<std::string> read_text_file(const std::string& path, const char* what);

}  // namespace kanhu
