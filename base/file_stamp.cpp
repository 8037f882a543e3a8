// SPDX-License-Identifier: MIT
#include "base/file_stamp.hpp"

#include <ctime>

#include <sys/stat.h>

namespace kanhu {
namespace {

std::int64_t nanoseconds(const timespec& time) { return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

}  // namespace

std::optional<FileStamp> file_stamp(const std::string& path, FollowLinks links) {
  struct stat found {};
  if ((links == FollowLinks::kYes ? ::stat(path.c_str(), &found) : ::lstat(path.c_str(), &found)) != 0) return std::nullopt;
  return FileStamp{static_cast<std::int64_t>(found.st_size), nanoseconds(found.st_mtim), nanoseconds(found.st_ctim),
                   static_cast<std::int64_t>(found.st_ino)};
}

}  // namespace kanhu
