// SPDX-License-Identifier: MIT
#include "pipelines/publish/ipc_socket.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/digest.hpp"

namespace kanhu::publish {
namespace {

constexpr int kBacklog = 100;  // as libzmq's

std::string cause_of(int code) { return std::generic_category().message(code); }

struct Split {
  std::string folder, name;
};
Split split_path(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorKind::kIo, fmt::format("ipc://{}: at most 107 bytes of path expected", path));
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

// What stands at `path` may be taken away: a socket of this user at which nobody listens.
Result<void> check_dead_socket(const std::string& path, const struct stat& status) {
  const auto refused = [&](std::string_view what) { return fail(ErrorKind::kIo, fmt::format("ipc://{}: {}", path, what)); };
  if (!S_ISSOCK(status.st_mode))
    return refused("something that is no socket stands there, and it stays; choose another path, or move it away");
  if (status.st_uid != ::geteuid())
    return refused("a socket of another user stands there, and it stays; choose another path, or have its owner remove it");
  const auto address = address_of(path);
  if (!address) return tl::unexpected(address.error());
  const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (probe.get() < 0) return fail(ErrorKind::kIo, fmt::format("ipc://{}: {}", path, cause_of(errno)));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0 && errno == ECONNREFUSED) return {};
  return refused("another program (a second gateway?) listens there; stop it, or choose another path");
}

Result<void> check_folder(const std::string& path, const std::string& folder) {
  struct stat status {};
  const auto refused = [&](std::string_view what) { return fail(ErrorKind::kIo, fmt::format("ipc://{}: {}", path, what)); };
  if (::stat(folder.c_str(), &status) != 0) {
    const int code = errno;
    return refused(code == ENOENT ? fmt::format("the folder {} is not there; make it, or choose another", folder)
                                  : fmt::format("{}: {}", folder, cause_of(code)));
  }
  if (!S_ISDIR(status.st_mode)) return refused(folder + " is no folder");
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    return refused(fmt::format("this user may not make a socket in {} ({})", folder, cause_of(errno)));
  return {};
}

// Takes the dead socket `status` tells of away. What came there since is put back.
Result<void> clear(int folder, const std::string& path, const std::string& name, const struct stat& status) {
  const std::string aside = ".kanhu-" + random_id().substr(0, 12);
  if (::renameat(folder, name.c_str(), folder, aside.c_str()) != 0)
    return errno == ENOENT ? Result<void>() : fail(ErrorKind::kIo, fmt::format("ipc://{}: {}", path, cause_of(errno)));
  struct stat taken {};
  const bool same =
      ::fstatat(folder, aside.c_str(), &taken, AT_SYMLINK_NOFOLLOW) == 0 && taken.st_ino == status.st_ino && taken.st_dev == status.st_dev;
  if (same) {
    (void)::unlinkat(folder, aside.c_str(), 0);
    return {};
  }
  (void)::renameat2(folder, aside.c_str(), folder, name.c_str(), RENAME_NOREPLACE);
  return fail(ErrorKind::kIo, fmt::format("ipc://{}: another program put something there just now; it stays", path));
}

}  // namespace

Result<void> check_ipc_path(const std::string& path) {
  const Split split = split_path(path);
  if (auto folder = check_folder(path, split.folder); !folder) return folder;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail(ErrorKind::kIo, fmt::format("ipc://{}: {}", path, cause_of(errno)));
  }
  return check_dead_socket(path, status);
}

Result<IpcSocket> IpcSocket::listen(const std::string& path) {
  if (auto good = check_ipc_path(path); !good) return tl::unexpected(good.error());
  const Split split = split_path(path);
  const auto failed = [&](int code) { return fail(ErrorKind::kIo, fmt::format("ipc://{}: {}", path, cause_of(code))); };
  const Descriptor folder(::open(split.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return failed(errno);
  IpcSocket made;
  made.descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made.descriptor_ < 0) return failed(errno);

  // By the folder's descriptor, so that the name beside `path` may be longer than its own.
  const std::string fresh = ".kanhu-" + random_id().substr(0, 12);
  const auto address = address_of(fmt::format("/proc/self/fd/{}/{}", folder.get(), fresh));
  if (!address) return tl::unexpected(address.error());
  if (::bind(made.descriptor_, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) return failed(errno);
  struct stat own {};
  if (::listen(made.descriptor_, kBacklog) != 0 || ::fstatat(folder.get(), fresh.c_str(), &own, AT_SYMLINK_NOFOLLOW) != 0) {
    const int code = errno;
    (void)::unlinkat(folder.get(), fresh.c_str(), 0);
    return failed(code);
  }
  int code = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (::renameat2(folder.get(), fresh.c_str(), folder.get(), split.name.c_str(), RENAME_NOREPLACE) == 0) {
      made.path_ = path;
      made.device_ = own.st_dev;
      made.inode_ = own.st_ino;
      return made;
    }
    code = errno;
    struct stat there {};
    if (code != EEXIST || ::fstatat(folder.get(), split.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) break;
    auto cleared = check_dead_socket(path, there);
    if (cleared) cleared = clear(folder.get(), path, split.name, there);
    if (!cleared) {
      (void)::unlinkat(folder.get(), fresh.c_str(), 0);
      return tl::unexpected(cleared.error());
    }
  }
  (void)::unlinkat(folder.get(), fresh.c_str(), 0);
  return failed(code);
}

IpcSocket::IpcSocket(IpcSocket&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      device_(other.device_),
      inode_(other.inode_) {}

IpcSocket& IpcSocket::operator=(IpcSocket&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  descriptor_ = std::exchange(other.descriptor_, -1);
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

IpcSocket::~IpcSocket() { remove(); }

int IpcSocket::release() { return std::exchange(descriptor_, -1); }

void IpcSocket::remove() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (path_.empty()) return;
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) (void)::unlink(path_.c_str());
  path_.clear();
}

}  // namespace kanhu::publish
