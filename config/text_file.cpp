// SPDX-License-Identifier: MIT
#include "config/text_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kanhu {
namespace {

constexpr std::size_t kMostFileBytes = 4 << 20;

}  // namespace

Result<std::string> read_text_file(const std::string& path, const char* what) {
  const auto refused = [&](int code) {
    return fail(ErrorKind::kInvalidConfig, fmt::format("cannot read the {} {}: {}", what, path, std::generic_category().message(code)));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return refused(errno);
  struct stat status {};
  int code = ::fstat(fd, &status) != 0 ? errno : 0;
  if (code == 0 && !S_ISREG(status.st_mode)) {
    ::close(fd);
    const char* kind = S_ISDIR(status.st_mode) ? "a folder" : S_ISFIFO(status.st_mode) ? "a pipe" : "a device or socket";
    return fail(ErrorKind::kInvalidConfig, fmt::format("cannot read the {} {}: it is {}, and a plain file is expected", what, path, kind));
  }
  std::string text;
  while (code == 0 && text.size() <= kMostFileBytes) {
    const std::size_t had = text.size();
    text.resize(std::min<std::size_t>(had + 65536, kMostFileBytes + 1));
    const ssize_t got = ::read(fd, text.data() + had, text.size() - had);
    text.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) break;
    if (got < 0 && errno != EINTR) code = errno;
  }
  ::close(fd);
  if (code != 0) return refused(code);
  return text;
}

}  // namespace kanhu
