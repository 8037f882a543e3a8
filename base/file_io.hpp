// SPDX-License-Identifier: MIT
// The seam behind which durable files are written, so that tests can fail the Nth call and lose unsynced writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace kanhu {

// An open file. Errors carry the path. A failed `sync` leaves the content unknown: never sync the same file again,
// start another (the lesson PostgreSQL learnt in 2018).
// Thread: confined to its owner.
class File {
 public:
  virtual ~File() = default;
  virtual Result<void> append(std::span<const std::byte> bytes) = 0;  // all or Error; a short write may leave a torn tail
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;  // 0 at the end
  virtual Result<void> sync() = 0;                                                           // fdatasync
  virtual Result<void> allocate(std::uint64_t bytes) = 0;  // reserves space without changing the size; kNoSpace
  virtual Result<void> truncate(std::uint64_t bytes) = 0;
  virtual Result<std::uint64_t> size() = 0;
};

enum class OpenMode {
  kRead,
  kCreateNew,  // fails with kInvalidArgument when the path exists; mode 0600: most of it holds faces, or says who was where
  kAppend,     // an existing file, positioned at its end
};

// Thread: any.
class FileIo {
 public:
  virtual ~FileIo() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> make_directories(const std::string& path) = 0;  // mode 0750; an existing one is fine
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;  // names, sorted; kNotFound
  virtual bool exists(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

// POSIX files. Symbolic links are never followed in the last component (O_NOFOLLOW).
std::unique_ptr<FileIo> make_posix_file_io();

}  // namespace kanhu
