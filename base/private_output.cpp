// SPDX-License-Identifier: MIT
#include "base/private_output.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.hpp"
#include "base/digest.hpp"

namespace kanhu {
namespace {

tl::unexpected<Error> output_failed(const char* what, const std::string& path, int code) {
  const ErrorKind kind = code == ENOSPC || code == EDQUOT                   ? ErrorKind::kNoSpace
                         : code == ENOENT || code == ENOTDIR                ? ErrorKind::kNotFound
                         : code == EACCES || code == EPERM || code == EROFS ? ErrorKind::kPermission
                                                                            : ErrorKind::kIo;
  return fail(kind, fmt::format("cannot {} {}: {}", what, path, std::generic_category().message(code)));
}

// 0, or the errno.
int write_new_file(const std::string& path, std::string_view bytes) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return errno;
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? EIO : errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return errno;
  return ::close(file.release()) == 0 ? 0 : errno;
}

// To where nothing stands. A file system without that call, or without links (a stick): as near to it as it gets.
int place_beside_nothing(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  struct stat there {};
  if (::lstat(to.c_str(), &there) == 0) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Result<void> write_private_output(const std::string& path, std::string_view bytes, Existing existing) {
  struct stat there {};
  const bool stands = ::lstat(path.c_str(), &there) == 0;
  if (stands && existing == Existing::kKeep) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is there already and stays", path));
  if (path.empty() || path.ends_with('/') || (stands && !S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode)))
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is not the name of a file", path.empty() ? "''" : path));

  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  // Short, so that it is no longer than a name may be.
  const std::string fresh = fmt::format("{}.kanhu-{}", slash == std::string::npos ? "" : folder, random_id());
  if (const int code = write_new_file(fresh, bytes); code != 0) {
    (void)::unlink(fresh.c_str());
    return output_failed("write", path, code);
  }
  const int code = existing == Existing::kKeep ? place_beside_nothing(fresh, path) : ::rename(fresh.c_str(), path.c_str()) == 0 ? 0 : errno;
  if (code != 0) {
    (void)::unlink(fresh.c_str());
    if (code == EEXIST) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is there already and stays", path));
    return output_failed("put in its place", path, code);
  }
  const Descriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!held.is_open() || ::fsync(held.get()) != 0) return output_failed("make durable", path, errno);
  return {};
}

}  // namespace kanhu
