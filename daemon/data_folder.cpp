#include "daemon/data_folder.hpp"

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
#include <unistd.h>

#include "base/log.hpp"

namespace kanhu {
namespace {

// Longer than a worker's own teardown deadline.
constexpr auto kLockPatience = std::chrono::seconds(12);

}  // namespace

Result<DataFolder> DataFolder::open(FileIo& files, const std::string& path) {
  for (const char* folder : {"", "/journal", "/clips"}) {
    if (auto made = files.make_directories(path + folder); !made) return tl::make_unexpected(made.error());
  }
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (lock < 0) return fail(ErrorKind::kIo, fmt::format("{}: {}", lock_path, std::strerror(errno)));
  const auto until = std::chrono::steady_clock::now() + kLockPatience;
  bool said = false;
  while (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::close(lock);
      return fail(ErrorKind::kClosed, fmt::format("another gateway uses {}: stop it, or give this one another data_dir", path));
    }
    if (!std::exchange(said, true)) log::info("gateway", "waiting for the last users of {} to let go", path);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return DataFolder(path, lock);
}

DataFolder::DataFolder(DataFolder&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
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
