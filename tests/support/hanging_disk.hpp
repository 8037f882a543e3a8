// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/file_io.hpp"

namespace kanhu::test {

// Another disk, whose folders cannot be read and whose files cannot be synced while it hangs.
// Thread: any.
class HangingDisk final : public FileIo {
 public:
  explicit HangingDisk(FileIo& inner) : inner_(inner) {}
  ~HangingDisk() override { hang(false); }
  void hang(bool on) {
    std::scoped_lock lock(mutex_);
    hangs_ = on;
    changed_.notify_all();
  }
  // Until somebody waits for it; false when nobody comes.
  bool is_waited_for() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_ > 0; });
  }
  int lists() const { return lists_; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = inner_.open(path, mode);
    if (!file) return tl::unexpected(file.error());
    return std::make_unique<HangingFile>(*this, std::move(*file));
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    ++lists_;
    pass();
    return inner_.list(path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return inner_.remove(path); }
  Result<void> make_directories(const std::string& path) override { return inner_.make_directories(path); }
  Result<void> sync_directory(const std::string& path) override { return inner_.sync_directory(path); }
  bool exists(const std::string& path) override { return inner_.exists(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return inner_.free_bytes(path); }

 private:
  class HangingFile final : public File {
   public:
    HangingFile(HangingDisk& disk, std::unique_ptr<File> inner) : disk_(disk), inner_(std::move(inner)) {}
    Result<void> append(std::span<const std::byte> bytes) override { return inner_->append(bytes); }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override { return inner_->read_at(offset, into); }
    Result<void> sync() override {
      disk_.pass();
      return inner_->sync();
    }
    Result<void> allocate(std::uint64_t bytes) override { return inner_->allocate(bytes); }
    Result<void> truncate(std::uint64_t bytes) override { return inner_->truncate(bytes); }
    Result<std::uint64_t> size() override { return inner_->size(); }

   private:
    HangingDisk& disk_;
    std::unique_ptr<File> inner_;
  };

  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !hangs_; });
    --waiting_;
  }

  FileIo& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  int waiting_ = 0;
  std::atomic<int> lists_{0};
};

}  // namespace kanhu::test
