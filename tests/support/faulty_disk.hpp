// SPDX-License-Identifier: MIT
// What FaultyFileIo keeps. Private to it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/faulty_file_io.hpp"

namespace kanhu::test {

inline constexpr std::size_t kCallKinds = 13;

struct Inode {
  std::string content;
  std::string durable;
  std::uint64_t reserved = 0;
  bool sync_failed = false;  // what a sync has dropped stays dropped
  std::uint64_t used() const { return std::max<std::uint64_t>(content.size(), reserved); }
};
using Names = std::map<std::string, std::shared_ptr<Inode>>;

inline std::string clean(const std::string& path) {
  std::string made;
  for (const char c : path) {
    if (c != '/' || made.empty() || made.back() != '/') made += c;
  }
  if (made.size() > 1 && made.back() == '/') made.pop_back();
  while (made.starts_with("./")) made.erase(0, 2);
  return made;
}

inline std::string parent(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

inline std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }  // npos + 1 == 0

// A change of names that a crash may undo: `from` is gone and `to` is there; either may be empty.
struct NameChange {
  std::string from, to;
  std::shared_ptr<Inode> inode;
};

struct Fault {
  std::uint64_t countdown = 0;
  bool always = false;
  std::optional<FileCall> call;
  Error error;
  std::size_t torn_bytes = 0;
};

struct FaultyFileIo::Disk {
  mutable std::mutex mutex;
  Names names;
  Names durable_names;
  std::set<std::string> directories{".", "/"};
  std::vector<NameChange> changes;  // since their folder was synced
  std::vector<Fault> faults;
  std::optional<std::uint64_t> off_at;  // counts down; 0: the power is off
  std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t generation = 0;  // counts crashes
  std::array<std::uint64_t, kCallKinds> calls{};

  // Counts the call; the fault that hits it, if one does.
  std::optional<Fault> enter(FileCall call) {
    ++calls[static_cast<std::size_t>(call)];
    if (off_at && *off_at > 0) --*off_at;
    if (off_at && *off_at == 0) return Fault{0, true, call, {ErrorKind::kIo, "the power is off"}, 0};
    std::optional<Fault> hit;
    for (auto fault = faults.begin(); fault != faults.end();) {
      const bool concerned = !fault->call || *fault->call == call;
      const bool due = concerned && (fault->always || --fault->countdown == 0);
      if (due && !hit) hit = *fault;
      fault = due && !fault->always ? faults.erase(fault) : fault + 1;
    }
    return hit;
  }

  bool is_off() const { return off_at && *off_at == 0; }

  std::uint64_t used() const {
    std::uint64_t bytes = 0;
    for (const auto& [path, inode] : names) bytes += inode->used();
    return bytes;
  }

  std::uint64_t free() const {
    const std::uint64_t taken = used();
    return capacity > taken ? capacity - taken : 0;
  }

  std::shared_ptr<Inode> find(const std::string& path) const {
    const auto found = names.find(clean(path));
    return found == names.end() ? nullptr : found->second;
  }
};

}  // namespace kanhu::test
