// SPDX-License-Identifier: MIT
#include "pipelines/journal/search/index_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pipelines/journal/search/event_search.hpp"
#include "pipelines/journal/search/index_schema.hpp"

namespace kanhu::journal {
namespace {

constexpr std::int64_t kYoungNs = 100'000'000;  // some ticks of any kernel

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

// One to one.
std::uint64_t mixed(std::uint64_t value) {
  value *= 0x9e3779b97f4a7c15ull;
  return value ^ (value >> 29);
}

}  // namespace

FileStamp stamp_of(const std::string& path) {
  const auto found = file_stamp(path, FollowLinks::kNo);
  if (!found) return {};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  FileStamp stamp = *found;
  // Also when the clock was set back: then nothing is known.
  if (nanoseconds(now) - stamp.changed_ns < kYoungNs) stamp.changed_ns = 0;
  return stamp;
}

Result<std::uint64_t> sum_of_file(FileIo& io, const std::string& path) {
  auto file = io.open(path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  std::array<std::uint64_t, 4> lanes{1, 2, 3, 4};
  std::vector<std::byte> block(1u << 20);
  std::uint64_t total = 0;
  while (true) {
    auto got = (*file)->read_at(total, block);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    total += *got;
    std::size_t size = *got;
    while (size % 32 != 0) block[size++] = std::byte{0};
    // A changed word changes its lane for good: what follows maps different values to different ones.
    for (std::size_t at = 0; at < size; at += 32) {
      for (std::size_t lane = 0; lane < 4; ++lane) {
        std::uint64_t word = 0;
        std::memcpy(&word, block.data() + at + 8 * lane, 8);
        lanes[lane] = mixed(lanes[lane] ^ word);
      }
    }
  }
  std::uint64_t sum = total;
  for (const std::uint64_t lane : lanes) sum = mixed(sum ^ lane);
  return sum;
}

Result<void> make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (file < 0) {
    const ErrorKind kind = errno == ENOSPC || errno == EDQUOT ? ErrorKind::kNoSpace : ErrorKind::kPermission;
    return fail(kind, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  const auto slash = path.rfind('/');
  struct stat folder {};
  if (::geteuid() == 0 && ::stat(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(), &folder) == 0)
    (void)!::fchown(file, folder.st_uid, folder.st_gid);
  ::close(file);
  return {};
}

// SQLite refuses links in a path; the folder may be reached by one.
std::string index_path(const std::string& path) {
  if (path == ":memory:") return path;
  const std::filesystem::path given(path);
  std::error_code problem;
  const auto folder = std::filesystem::canonical(given.has_parent_path() ? given.parent_path() : ".", problem);
  return problem ? path : (folder / given.filename()).string();
}

// An index is made anew when it is of no use: nothing else may stand at its place. Ours by what SQLite keeps of an application (file
// format, 1.3), or by the name that only Kanhu gives.
Result<void> check_is_index(const std::string& path) {
  constexpr std::string_view kMagic{"SQLite format 3\0", 16};
  constexpr std::size_t kIdAt = 68;
  const auto refuse = [&](const char* what) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is {} and stays; name another file for the index", path, what));
  };
  if (path.ends_with("/" + std::string(kIndexName))) return {};
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return {};  // absent; else who opens it says why
  if (!S_ISREG(status.st_mode)) return refuse("no plain file");
  if (status.st_size == 0) return {};
  std::array<char, 100> head{};
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const bool read = file >= 0 && ::read(file, head.data(), head.size()) == static_cast<ssize_t>(head.size());
  if (file >= 0) ::close(file);
  std::uint32_t id = 0;
  for (std::size_t at = kIdAt; at < kIdAt + 4; ++at) id = id << 8 | static_cast<unsigned char>(head[at]);
  if (!read || !std::string_view(head.data(), head.size()).starts_with(kMagic) || id != kIndexApplication)
    return refuse("no index of Kanhu");
  return {};
}

}  // namespace kanhu::journal
