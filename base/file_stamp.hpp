// SPDX-License-Identifier: MIT
// Whether a file was changed since, as far as the file system says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kanhu {

// What a file looked like, not its content: rot on the disk leaves it as it is.
struct FileStamp {
  std::int64_t bytes = 0, modified_ns = 0, changed_ns = 0, inode = 0;
  bool operator==(const FileStamp&) const = default;
};

enum class FollowLinks { kNo, kYes };
// Nothing when no file is there.
std::optional<FileStamp> file_stamp(const std::string& path, FollowLinks links);

}  // namespace kanhu
