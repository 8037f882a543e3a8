// SPDX-License-Identifier: MIT
// A disk in memory that fails when told and forgets what was not synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_io.hpp"

namespace kanhu::test {

enum class FileCall {
  kOpen,
  kAppend,
  kReadAt,
  kSync,
  kAllocate,
  kTruncate,
  kSize,
  kRename,
  kRemove,
  kMakeDirectories,
  kSyncDirectory,
  kList,
  kFreeBytes
};

// What it promises:
//  - The rules of FileIo, as on a POSIX disk: parents must exist, kCreateNew refuses an existing path, and so on.
//  - `crash` leaves what a power cut would: of each file what its last successful sync covered, plus at most `kept`
//    bytes of what was appended since (a torn tail); names (creations, renames, removals) as their directory's last
//    sync_directory left them. Directories are durable when made. Files opened before answer kIo afterwards.
//  - A failed sync loses what it should have covered for good: a later sync of that file reports success and still
//    does not bring it to the disk, as Linux does. Tests thereby catch code that syncs the same file again.
//  - A full disk takes what fits of an append and answers kNoSpace, unless space was allocated before.
// Thread: any.
class FaultyFileIo final : public FileIo {
 public:
  FaultyFileIo();
  ~FaultyFileIo() override;

  // --- faults ---
  // Fails the n-th call from now (1 = the next one) of this kind, or of any kind. An append that fails so has
  // written its first `torn_bytes` bytes.
  void fail_call(FileCall call, std::uint64_t nth, Error error, std::size_t torn_bytes = 0);
  void fail_any_call(std::uint64_t nth, Error error, std::size_t torn_bytes = 0);
  // Every call of this kind fails until `heal`.
  void fail_always(FileCall call, Error error);
  // Bytes the disk holds, contents and allocations together.
  void set_capacity(std::uint64_t bytes);
  // Takes back all faults and the capacity.
  void heal();
  void crash(std::size_t kept = 0);
  // From the n-th call from now on nothing has an effect any more; every call answers kIo until a crash.
  void power_off_at(std::uint64_t nth);
  bool is_off() const;
  // As `crash`, but as disks do it: of what was not synced any sectors of 512 bytes may have arrived, in any order, the others are
  // zeros; a file may end anywhere; a truncation may be undone; of the creations, renames and removals since the folder was
  // synced a first part has happened. The same seed makes the same choices.
  void crash_in_disorder(std::uint32_t seed);

  // --- looking on ---
  std::uint64_t calls() const;
  std::uint64_t calls(FileCall call) const;
  std::string content(const std::string& path) const;  // as a reader sees it now; empty when there is none
  std::string durable_content(const std::string& path) const;
  std::vector<std::string> files() const;  // all paths, sorted
  // A file that was always there, durable; parents are made.
  void put(const std::string& path, std::string_view content);
  // Changes one byte behind everybody's back.
  void corrupt(const std::string& path, std::size_t offset, char value);

  // --- FileIo ---
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_directories(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  class OpenFile;
  struct Disk;
  std::shared_ptr<Disk> disk_;
};

}  // namespace kanhu::test
