// SPDX-License-Identifier: MIT
// Files that people ask for and that hold faces, people or keys: pictures, clips, exports, key files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kanhu {

// What is done with a file that is there already.
enum class Existing { kReplace, kKeep };

// Writes `path` whole and durable or not at all, for its owner alone: to a name beside it that nobody can know before (mode 0600, created
// by this call, no symbolic link followed), then renamed. A symbolic link at `path` is itself replaced, never followed. kInvalidArgument:
// what stands there is no file (a folder, a device, a pipe), or, with `kKeep`, anything does; kNotFound: there is no such folder;
// kPermission, kNoSpace, kIo. Every message names `path`. Thread: any.
Result<void> write_private_output(const std::string& path, std::string_view bytes, Existing existing = Existing::kReplace);

}  // namespace kanhu
