// SPDX-License-Identifier: MIT
#include "tests/support/faulty_file_io.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "tests/support/faulty_disk.hpp"

namespace kanhu::test {

class FaultyFileIo::OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<Disk> disk, std::shared_ptr<Inode> inode, std::string path, bool writable)
      : disk_(std::move(disk)), inode_(std::move(inode)), path_(std::move(path)), writable_(writable), generation_(disk_->generation) {}

  Result<void> append(std::span<const std::byte> bytes) override {
    std::scoped_lock lock(disk_->mutex);
    std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (const auto fault = disk_->enter(FileCall::kAppend)) {
      write(text.substr(0, fault->torn_bytes));
      return tl::unexpected(fault->error);
    }
    if (auto usable = check(true); !usable) return usable;
    if (write(text) < text.size()) return fail(ErrorKind::kNoSpace, fmt::format("cannot write to {}: no space left on device", path_));
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::scoped_lock lock(disk_->mutex);
    if (const auto fault = disk_->enter(FileCall::kReadAt)) return tl::unexpected(fault->error);
    if (auto usable = check(false); !usable) return tl::unexpected(usable.error());
    if (offset >= inode_->content.size()) return std::size_t{0};
    const std::size_t count = std::min<std::size_t>(into.size(), inode_->content.size() - offset);
    std::memcpy(into.data(), inode_->content.data() + offset, count);
    return count;
  }

  Result<void> sync() override {
    std::scoped_lock lock(disk_->mutex);
    if (const auto fault = disk_->enter(FileCall::kSync)) {
      if (!disk_->is_off()) inode_->sync_failed = true;
      return tl::unexpected(fault->error);
    }
    if (auto usable = check(false); !usable) return usable;
    if (!inode_->sync_failed) inode_->durable = inode_->content;
    return {};
  }

  Result<void> allocate(std::uint64_t bytes) override {
    std::scoped_lock lock(disk_->mutex);
    if (const auto fault = disk_->enter(FileCall::kAllocate)) return tl::unexpected(fault->error);
    if (auto usable = check(true); !usable) return usable;
    if (bytes > inode_->used() && bytes - inode_->used() > disk_->free()) {
      return fail(ErrorKind::kNoSpace, fmt::format("cannot reserve space for {}: no space left on device", path_));
    }
    inode_->reserved = std::max(inode_->reserved, bytes);
    return {};
  }

  Result<void> truncate(std::uint64_t bytes) override {
    std::scoped_lock lock(disk_->mutex);
    if (const auto fault = disk_->enter(FileCall::kTruncate)) return tl::unexpected(fault->error);
    if (auto usable = check(true); !usable) return usable;
    inode_->content.resize(bytes);
    inode_->reserved = 0;
    return {};
  }

  Result<std::uint64_t> size() override {
    std::scoped_lock lock(disk_->mutex);
    if (const auto fault = disk_->enter(FileCall::kSize)) return tl::unexpected(fault->error);
    if (auto usable = check(false); !usable) return tl::unexpected(usable.error());
    return std::uint64_t{inode_->content.size()};
  }

 private:
  Result<void> check(bool writing) const {
    if (generation_ != disk_->generation) return fail(ErrorKind::kIo, fmt::format("{} was open when the power failed", path_));
    if (writing && !writable_) return fail(ErrorKind::kIo, fmt::format("{} is open for reading only", path_));
    return {};
  }

  // What fits, from the file's own reservation first.
  std::size_t write(std::string_view text) {
    const std::uint64_t room = inode_->used() - inode_->content.size();
    const std::uint64_t free = disk_->free();
    const std::uint64_t fits = free > std::numeric_limits<std::uint64_t>::max() - room ? free : room + free;
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(text.size(), fits));
    inode_->content.append(text.substr(0, count));
    return count;
  }

  std::shared_ptr<Disk> disk_;
  std::shared_ptr<Inode> inode_;
  const std::string path_;
  const bool writable_;
  const std::uint64_t generation_;
};

FaultyFileIo::FaultyFileIo() : disk_(std::make_shared<Disk>()) {}
FaultyFileIo::~FaultyFileIo() = default;

void FaultyFileIo::fail_call(FileCall call, std::uint64_t nth, Error error, std::size_t torn_bytes) {
  std::scoped_lock lock(disk_->mutex);
  disk_->faults.push_back({std::max<std::uint64_t>(nth, 1), false, call, std::move(error), torn_bytes});
}

void FaultyFileIo::fail_any_call(std::uint64_t nth, Error error, std::size_t torn_bytes) {
  std::scoped_lock lock(disk_->mutex);
  disk_->faults.push_back({std::max<std::uint64_t>(nth, 1), false, std::nullopt, std::move(error), torn_bytes});
}

void FaultyFileIo::fail_always(FileCall call, Error error) {
  std::scoped_lock lock(disk_->mutex);
  disk_->faults.push_back({0, true, call, std::move(error), 0});
}

void FaultyFileIo::set_capacity(std::uint64_t bytes) {
  std::scoped_lock lock(disk_->mutex);
  disk_->capacity = bytes;
}

void FaultyFileIo::heal() {
  std::scoped_lock lock(disk_->mutex);
  disk_->faults.clear();
  disk_->capacity = std::numeric_limits<std::uint64_t>::max();
}

std::uint64_t FaultyFileIo::calls() const {
  std::scoped_lock lock(disk_->mutex);
  std::uint64_t sum = 0;
  for (const std::uint64_t count : disk_->calls) sum += count;
  return sum;
}

std::uint64_t FaultyFileIo::calls(FileCall call) const {
  std::scoped_lock lock(disk_->mutex);
  return disk_->calls[static_cast<std::size_t>(call)];
}

std::string FaultyFileIo::content(const std::string& path) const {
  std::scoped_lock lock(disk_->mutex);
  const auto inode = disk_->find(path);
  return inode ? inode->content : "";
}

std::string FaultyFileIo::durable_content(const std::string& path) const {
  std::scoped_lock lock(disk_->mutex);
  const auto found = disk_->durable_names.find(clean(path));
  return found == disk_->durable_names.end() ? "" : found->second->durable;
}

std::vector<std::string> FaultyFileIo::files() const {
  std::scoped_lock lock(disk_->mutex);
  std::vector<std::string> paths;
  for (const auto& [path, inode] : disk_->names) paths.push_back(path);
  return paths;
}

void FaultyFileIo::put(const std::string& path, std::string_view content) {
  std::scoped_lock lock(disk_->mutex);
  auto inode = std::make_shared<Inode>();
  inode->content = inode->durable = std::string(content);
  disk_->names[clean(path)] = disk_->durable_names[clean(path)] = std::move(inode);
  for (std::string folder = parent(clean(path)); disk_->directories.insert(folder).second;) folder = parent(folder);
}

void FaultyFileIo::corrupt(const std::string& path, std::size_t offset, char value) {
  std::scoped_lock lock(disk_->mutex);
  const auto inode = disk_->find(path);
  if (!inode || offset >= inode->content.size()) return;
  inode->content[offset] = value;
  if (offset < inode->durable.size()) inode->durable[offset] = value;
}

Result<std::unique_ptr<File>> FaultyFileIo::open(const std::string& path, OpenMode mode) {
  std::scoped_lock lock(disk_->mutex);
  if (const auto fault = disk_->enter(FileCall::kOpen)) return tl::unexpected(fault->error);
  const std::string key = clean(path);
  auto inode = disk_->find(key);
  if (mode == OpenMode::kCreateNew) {
    if (inode || disk_->directories.contains(key))
      return fail(ErrorKind::kInvalidArgument, fmt::format("cannot create {}: file exists", path));
    if (!disk_->directories.contains(parent(key))) return fail(ErrorKind::kNotFound, fmt::format("cannot create {}: no such folder", path));
    inode = disk_->names[key] = std::make_shared<Inode>();
    disk_->changes.push_back({{}, key, inode});
  }
  if (disk_->directories.contains(key)) return fail(ErrorKind::kInvalidArgument, fmt::format("{} is not a regular file", path));
  if (!inode) return fail(ErrorKind::kNotFound, fmt::format("cannot open {}: no such file", path));
  return std::make_unique<OpenFile>(disk_, std::move(inode), path, mode != OpenMode::kRead);
}

Result<void> FaultyFileIo::rename(const std::string& from, const std::string& to) {
  std::scoped_lock lock(disk_->mutex);
  if (const auto fault = disk_->enter(FileCall::kRename)) return tl::unexpected(fault->error);
  const auto inode = disk_->find(from);
  if (!inode || !disk_->directories.contains(parent(clean(to)))) {
    return fail(ErrorKind::kNotFound, fmt::format("cannot rename {} to {}: no such file or folder", from, to));
  }
  disk_->names.erase(clean(from));
  disk_->names[clean(to)] = inode;
  disk_->changes.push_back({clean(from), clean(to), inode});
  return {};
}

Result<void> FaultyFileIo::remove(const std::string& path) {
  std::scoped_lock lock(disk_->mutex);
  if (const auto fault = disk_->enter(FileCall::kRemove)) return tl::unexpected(fault->error);
  const std::string key = clean(path);
  if (disk_->names.erase(key) > 0) {
    disk_->changes.push_back({key, {}, nullptr});
    return {};
  }
  if (!disk_->directories.contains(key)) return fail(ErrorKind::kNotFound, fmt::format("cannot remove {}: no such file", path));
  const auto inside = [&](const std::string& other) { return other.starts_with(key + "/"); };
  const bool used = std::any_of(disk_->names.begin(), disk_->names.end(), [&](const auto& entry) { return inside(entry.first); }) ||
                    std::any_of(disk_->directories.begin(), disk_->directories.end(), inside);
  if (used) return fail(ErrorKind::kIo, fmt::format("cannot remove {}: directory not empty", path));
  disk_->directories.erase(key);
  return {};
}

Result<void> FaultyFileIo::make_directories(const std::string& path) {
  std::scoped_lock lock(disk_->mutex);
  if (const auto fault = disk_->enter(FileCall::kMakeDirectories)) return tl::unexpected(fault->error);
  for (std::string folder = clean(path); !disk_->directories.contains(folder); folder = parent(folder)) {
    if (disk_->names.contains(folder)) return fail(ErrorKind::kNotFound, fmt::format("cannot create folder {}: not a directory", folder));
    disk_->directories.insert(folder);
  }
  return {};
}

Result<void> FaultyFileIo::sync_directory(const std::string& path) {
  std::scoped_lock lock(disk_->mutex);
  if (const auto fault = disk_->enter(FileCall::kSyncDirectory)) return tl::unexpected(fault->error);
  const std::string key = clean(path);
  if (!disk_->directories.contains(key)) return fail(ErrorKind::kNotFound, fmt::format("cannot open folder {}: no such folder", path));
  std::erase_if(disk_->changes, [&](const NameChange& change) { return parent(change.to.empty() ? change.from : change.to) == key; });
  std::erase_if(disk_->durable_names, [&](const auto& entry) { return parent(entry.first) == key; });
  for (const auto& [name, inode] : disk_->names) {
    if (parent(name) == key) disk_->durable_names[name] = inode;
  }
  return {};
}

Result<std::vector<std::string>> FaultyFileIo::list(const std::string& path) {
  std::scoped_lock lock(disk_->mutex);
  if (const auto fault = disk_->enter(FileCall::kList)) return tl::unexpected(fault->error);
  const std::string key = clean(path);
  if (!disk_->directories.contains(key)) return fail(ErrorKind::kNotFound, fmt::format("cannot list {}: no such folder", path));
  std::vector<std::string> found;
  for (const auto& [name, inode] : disk_->names) {
    if (parent(name) == key) found.push_back(name_of(name));
  }
  for (const std::string& folder : disk_->directories) {
    if (folder != "/" && folder != "." && parent(folder) == key) found.push_back(name_of(folder));
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool FaultyFileIo::exists(const std::string& path) {
  std::scoped_lock lock(disk_->mutex);
  return disk_->directories.contains(clean(path)) || disk_->find(path) != nullptr;
}

Result<std::uint64_t> FaultyFileIo::free_bytes(const std::string&) {
  std::scoped_lock lock(disk_->mutex);
  if (const auto fault = disk_->enter(FileCall::kFreeBytes)) return tl::unexpected(fault->error);
  return disk_->free();
}

}  // namespace kanhu::test
