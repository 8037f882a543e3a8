// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/file_io.hpp"

namespace kanhu::test {

// Another disk, of which one call throws instead of answering: as without memory. Thread: any.
class ThrowingDisk final : public FileIo {
 public:
  explicit ThrowingDisk(FileIo& inner) : inner_(inner) {}
  // The `n`th call from now on that opens, writes or syncs; 0: none. `behind`: it throws after it was done.
  void throw_at(int n, bool behind) {
    behind_ = behind;
    left_ = n;
  }
  bool has_thrown() const { return thrown_; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = passing([&] { return inner_.open(path, mode); });
    if (!file) return tl::unexpected(file.error());
    return std::make_unique<ThrowingFile>(*this, std::move(*file));
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return inner_.list(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return inner_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return inner_.remove(path); }
  Result<void> make_directories(const std::string& path) override { return inner_.make_directories(path); }
  Result<void> sync_directory(const std::string& path) override {
    return passing([&] { return inner_.sync_directory(path); });
  }
  bool exists(const std::string& path) override { return inner_.exists(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return inner_.free_bytes(path); }

 private:
  class ThrowingFile final : public File {
   public:
    ThrowingFile(ThrowingDisk& disk, std::unique_ptr<File> inner) : disk_(disk), inner_(std::move(inner)) {}
    Result<void> append(std::span<const std::byte> bytes) override {
      return disk_.passing([&] { return inner_->append(bytes); });
    }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override { return inner_->read_at(offset, into); }
    Result<void> sync() override {
      return disk_.passing([&] { return inner_->sync(); });
    }
    Result<void> allocate(std::uint64_t bytes) override { return inner_->allocate(bytes); }
    Result<void> truncate(std::uint64_t bytes) override { return inner_->truncate(bytes); }
    Result<std::uint64_t> size() override { return inner_->size(); }

   private:
    ThrowingDisk& disk_;
    std::unique_ptr<File> inner_;
  };

  template <typename Call>
  std::invoke_result_t<Call> passing(Call call) {
    const bool mine = left_ > 0 && --left_ == 0;
    if (mine && !behind_) fall();
    auto done = call();
    if (mine && behind_) fall();
    return done;
  }
  void fall() {
    thrown_ = true;
    throw std::bad_alloc();
  }

  FileIo& inner_;
  std::atomic<int> left_{0};
  std::atomic<bool> behind_{false}, thrown_{false};
};

}  // namespace kanhu::test
