// SPDX-License-Identifier: MIT
#include "base/file_io.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace kanhu {

namespace {

constexpr std::size_t kWriteBackFrom = 64u << 10;

ErrorKind kind_of(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::kNoSpace;
    case ENOENT:
    case ENOTDIR:
      return ErrorKind::kNotFound;
    case EEXIST:
    case ELOOP:
      return ErrorKind::kInvalidArgument;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorKind::kPermission;
    default:
      return ErrorKind::kIo;
  }
}

tl::unexpected<Error> failed(const char* what, const std::string& path, int code = errno) {
  const std::string cause = code == ELOOP ? "it is a symbolic link, which is not followed" : std::generic_category().message(code);
  return fail(kind_of(code), fmt::format("cannot {} {}: {}", what, path, cause));
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<void> append(std::span<const std::byte> bytes) override {
    const bool large = bytes.size() >= kWriteBackFrom;
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return failed("write to", path_, written == 0 ? EIO : errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    // Only sets the disk to work; it is `sync` that waits, and that hears of errors.
    if (large) (void)::sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return failed("read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return failed("make durable", path_);
    return {};
  }

  Result<void> allocate(std::uint64_t bytes) override {
    int result = 0;
    do {
      result = ::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes));
    } while (result != 0 && errno == EINTR);
    // A file system that cannot reserve (tmpfs before 3.5, NFSv3, ZFS) still stores; a full one is then met by append.
    if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS) return failed("reserve space for", path_);
    return {};
  }

  Result<void> truncate(std::uint64_t bytes) override {
    if (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) return failed("shorten", path_);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return failed("look at", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  const int fd_;
  const std::string path_;
};

class PosixFileIo final : public FileIo {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    // O_NONBLOCK so that a pipe planted under a file's name cannot hold the caller; regular files ignore it.
    int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    switch (mode) {
      case OpenMode::kRead:
        flags |= O_RDONLY;
        break;
      case OpenMode::kCreateNew:
        flags |= O_RDWR | O_APPEND | O_CREAT | O_EXCL;
        break;
      case OpenMode::kAppend:
        flags |= O_RDWR | O_APPEND;
        break;
    }
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) return failed(mode == OpenMode::kCreateNew ? "create" : "open", path);
    auto file = std::make_unique<PosixFile>(fd, path);
    struct stat status {};
    if (::fstat(fd, &status) != 0) return failed("look at", path);
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is not a regular file", path));
    return file;
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed(fmt::format("rename {} to", from).c_str(), to);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (std::remove(path.c_str()) != 0) return failed("remove", path);
    return {};
  }

  Result<void> make_directories(const std::string& path) override {
    for (std::size_t end = path.find_first_not_of('/'); end < path.size();) {
      end = std::min(path.find('/', end), path.size());
      const std::string part = path.substr(0, end);
      struct stat status {};
      if (::mkdir(part.c_str(), 0750) != 0) {
        // An existing folder answers EEXIST, on a read-only file system or under a folder of others EROFS or EACCES.
        const int code = errno;
        if (::stat(part.c_str(), &status) != 0) return failed("create folder", part, code);
        if (!S_ISDIR(status.st_mode)) return failed("create folder", part, ENOTDIR);
      }
      end = path.find_first_not_of('/', end);
    }
    return {};
  }

  Result<void> sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed("open folder", path);
    const bool synced = ::fsync(fd) == 0;
    const int code = errno;
    ::close(fd);
    if (!synced) return failed("make durable folder", path, code);
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
    if (!folder) return failed("list", path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return failed("list", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) override {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) return failed("ask for free space of", path);
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }
};

}  // namespace

std::unique_ptr<FileIo> make_posix_file_io() { return std::make_unique<PosixFileIo>(); }

}  // namespace kanhu
