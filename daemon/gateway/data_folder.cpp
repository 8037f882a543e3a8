// SPDX-License-Identifier: MIT
#include "daemon/gateway/data_folder.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.hpp"

namespace kanhu {
namespace {

// Longer than a worker's own teardown deadline.
constexpr auto kLockPatience = std::chrono::seconds(12);
constexpr int kHoldTries = 20;
constexpr const char* kLock = "/lock";
constexpr const char* kWorkersLock = "/lock.workers";

Result<Descriptor> open_lock(const std::string& path, int access = O_RDWR) {
  Descriptor file(::open(path.c_str(), access | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640));
  if (!file.is_open()) return fail(ErrorKind::kIo, fmt::format("{}: {}", path, std::strerror(errno)));
  return file;
}

// Whether somebody holds it; a file that is not there is held by nobody.
bool is_held(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return file.is_open() && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0;
}

}  // namespace

bool is_in_use(const std::string& data_dir) { return is_held(data_dir + kLock) || is_held(data_dir + kWorkersLock); }

Descriptor hold_for_worker(const std::string& data_dir) {
  auto file = open_lock(data_dir + kWorkersLock, O_RDONLY);  // enough to hold it; a worker writes nothing there
  // Who asks whether the folder is in use holds it for an instant; a worker that was taken over may hold it for good.
  for (int tries = 0; file && tries < kHoldTries; ++tries) {
    if (::flock(file->get(), LOCK_SH | LOCK_NB) == 0) return std::move(*file);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  log::warning("workers", "{}{} cannot be held: {}", data_dir, kWorkersLock, file ? "another process has it alone" : file.error().message);
  return Descriptor();
}

Result<DataFolder> DataFolder::open(FileIo& files, const std::string& path) {
  for (const char* folder : {"", "/journal", "/clips"}) {
    if (auto made = files.make_directories(path + folder); !made) return tl::make_unexpected(made.error());
  }
  auto lock = open_lock(path + kLock);
  if (!lock) return tl::make_unexpected(lock.error());
  const auto until = std::chrono::steady_clock::now() + kLockPatience;
  bool said = false;
  // First who else is a gateway, then what is left of its workers.
  while (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0 || is_held(path + kWorkersLock)) {
    if (std::chrono::steady_clock::now() > until)
      return fail(ErrorKind::kClosed, fmt::format("another gateway uses {}: stop it, or give this one another data_dir", path));
    if (!std::exchange(said, true)) log::info("gateway", "waiting for the last users of {} to let go", path);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return DataFolder(path, std::move(*lock));
}

Result<void> DataFolder::write_endpoints(FileIo& files, const Json& endpoints) const {
  const std::string path = path_ + "/endpoints.json";
  const std::string temporary = path + ".new";
  if (files.exists(temporary)) (void)files.remove(temporary);
  auto file = files.open(temporary, OpenMode::kCreateNew);
  if (!file) return tl::make_unexpected(file.error());
  const std::string text = canonical_json(endpoints) + "\n";
  if (auto written = (*file)->append(std::as_bytes(std::span(text))); !written) return written;
  file->reset();
  // It says where the sockets are, nothing more: for who may read the folder.
  (void)::chmod(temporary.c_str(), 0640);
  return files.rename(temporary, path);
}

Result<Json> read_endpoints(FileIo& files, const std::string& data_dir) {
  auto file = files.open(data_dir + "/endpoints.json", OpenMode::kRead);
  if (!file) return tl::make_unexpected(file.error());
  std::vector<std::byte> bytes(4096);
  auto got = (*file)->read_at(0, bytes);
  if (!got) return tl::make_unexpected(got.error());
  return parse_json(std::string_view(reinterpret_cast<const char*>(bytes.data()), *got));
}

}  // namespace kanhu
