// SPDX-License-Identifier: MIT
#include "config/private_file.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostBytesOfAny = 4096;

std::string cause(int code) { return std::generic_category().message(code); }

// Wiped when it is done with. One byte more than fits says that a file is too long.
struct Scratch {
  std::array<char, kMostBytesOfAny + 1> bytes{};
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { ::explicit_bzero(bytes.data(), bytes.size()); }
};

Result<PrivateText> read_file(const PrivateKind& kind, std::string path, bool check_mode) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) {
    const int code = errno;
    if (code == ENOENT || code == ENOTDIR) return fail(ErrorKind::kNotFound, fmt::format("there is no {} {}", kind.noun, path));
    if (code == ELOOP)
      return fail(ErrorKind::kInvalidArgument, fmt::format("{} is a symbolic link; a {} is a plain file", path, kind.noun));
    return fail(code == EACCES || code == EPERM ? ErrorKind::kPermission : ErrorKind::kIo,
                fmt::format("cannot open {}: {}", path, cause(code)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail(ErrorKind::kIo, fmt::format("cannot look at {}: {}", path, cause(errno)));
  if (!S_ISREG(status.st_mode)) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is not a plain file", path));
  if (check_mode && (status.st_mode & 077) != 0) {
    return fail(ErrorKind::kPermission,
                fmt::format("{} may be read by others (mode {:04o}); run: chmod 600 {}", path, status.st_mode & 07777, path));
  }
  Scratch content;
  std::size_t size = 0;
  while (size <= kind.most_bytes) {
    const ssize_t got = ::read(file.get(), content.bytes.data() + size, kind.most_bytes + 1 - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorKind::kIo, fmt::format("cannot read {}: {}", path, cause(errno)));
    if (got == 0) return PrivateText{std::move(path), Secret({content.bytes.data(), size})};
    size += static_cast<std::size_t>(got);
  }
  return fail(ErrorKind::kInvalidArgument, fmt::format("{} is longer than the {} bytes a {} may have", path, kind.most_bytes, kind.noun));
}

}  // namespace

Result<PrivateText> read_private(const PrivateKind& kind, std::string_view name, const std::string& dir) {
  if (kind.most_bytes > kMostBytesOfAny) return fail(ErrorKind::kInternal, "a private file of that size is not foreseen");
  if (const char* systemd = std::getenv("CREDENTIALS_DIRECTORY"); systemd != nullptr && *systemd != '\0') {
    // Its files are 0400 of root or of us.
    auto found = read_file(kind, fmt::format("{}/{}", systemd, name), false);
    if (found || found.error().kind != ErrorKind::kNotFound) return found;
  }
  return read_file(kind, fmt::format("{}/{}", dir, name), true);
}

Result<void> write_private(const std::string& dir, std::string_view name, const Secret& text, Existing existing) {
  struct stat status {};
  const std::string path = fmt::format("{}/{}", dir, name);
  if (name.empty() || name == "." || name == ".." || (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)))
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is a folder; name a file in it", path));
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(ErrorKind::kIo, fmt::format("cannot create folder {}: {}", dir, cause(errno)));

  return write_private_output(path, text.reveal(), existing);
}

}  // namespace kanhu
