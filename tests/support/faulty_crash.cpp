// SPDX-License-Identifier: MIT
// What a power cut leaves.
#include <random>

#include "tests/support/faulty_disk.hpp"

namespace kanhu::test {
namespace {

constexpr std::size_t kSector = 512;

// What a power cut leaves of a file.
std::string in_disorder(const Inode& inode, std::mt19937& dice) {
  if (!inode.content.starts_with(inode.durable)) return dice() % 2 == 0 ? inode.durable : inode.content;
  std::string left = inode.content.substr(0, inode.durable.size() + dice() % (inode.content.size() - inode.durable.size() + 1));
  for (std::size_t at = inode.durable.size(); at < left.size();) {
    const std::size_t end = std::min(left.size(), (at / kSector + 1) * kSector);
    if (dice() % 2 == 0) std::fill(left.begin() + static_cast<std::ptrdiff_t>(at), left.begin() + static_cast<std::ptrdiff_t>(end), '\0');
    at = end;
  }
  return left;
}

}  // namespace

void FaultyFileIo::crash(std::size_t kept) {
  std::scoped_lock lock(disk_->mutex);
  ++disk_->generation;
  disk_->off_at.reset();
  disk_->changes.clear();
  disk_->names = disk_->durable_names;
  for (auto& [path, inode] : disk_->names) {
    const bool appended = !inode->sync_failed && inode->content.starts_with(inode->durable);
    const std::string tail = appended ? inode->content.substr(inode->durable.size(), kept) : "";
    inode->content = inode->durable + tail;
    inode->durable = inode->content;
    inode->reserved = 0;
    inode->sync_failed = false;
  }
}

void FaultyFileIo::power_off_at(std::uint64_t nth) {
  std::scoped_lock lock(disk_->mutex);
  disk_->off_at = std::max<std::uint64_t>(nth, 1);
}

bool FaultyFileIo::is_off() const {
  std::scoped_lock lock(disk_->mutex);
  return disk_->is_off();
}

void FaultyFileIo::crash_in_disorder(std::uint32_t seed) {
  std::scoped_lock lock(disk_->mutex);
  std::mt19937 dice(seed);
  ++disk_->generation;
  disk_->off_at.reset();
  const std::size_t happened = dice() % (disk_->changes.size() + 1);
  for (std::size_t i = 0; i < happened; ++i) {
    const NameChange& change = disk_->changes[i];
    if (!change.from.empty()) disk_->durable_names.erase(change.from);
    if (!change.to.empty()) disk_->durable_names[change.to] = change.inode;
  }
  disk_->changes.clear();
  disk_->names = disk_->durable_names;
  for (auto& [path, inode] : disk_->names) {
    inode->content = inode->durable = in_disorder(*inode, dice);
    inode->reserved = 0;
    inode->sync_failed = false;
  }
}

}  // namespace kanhu::test
