// SPDX-License-Identifier: MIT
#include "gallery/gallery_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.hpp"
#include "gallery/gallery_file.hpp"
#include "gallery/gallery_json.hpp"

namespace kanhu::gallery {
namespace {

constexpr std::string_view kLock = ".lock";

// The facility a file's name speaks of, empty when it is no gallery's.
std::string_view facility_of(std::string_view name) {
  if (!name.ends_with(kGallerySuffix)) return {};
  name.remove_suffix(kGallerySuffix.size());
  return is_identifier(name) ? name : std::string_view{};
}

std::string_view as_bytes(const std::vector<float>& embedding) {
  return {reinterpret_cast<const char*>(embedding.data()), embedding.size() * sizeof(float)};
}

void look_into(const Gallery& gallery, const std::string& path, const Person& erased, Remains& found) {
  const auto holds = [&](std::string_view what) { found.holding.push_back(fmt::format("{}: {}", path, what)); };
  for (const Person& person : gallery.people) {
    if (person.ref == erased.ref) {
      holds("the person");
      continue;
    }
    if (person.name == erased.name && !erased.name.empty()) found.same_name.push_back(person.ref);
    if (person.consent.recorded_by == erased.name) ++found.as_operator;
    const auto same = std::count_if(person.templates.begin(), person.templates.end(), [&](const Template& shot) {
      return std::any_of(erased.templates.begin(), erased.templates.end(),
                         [&](const Template& theirs) { return theirs.embedding == shot.embedding; });
    });
    if (same > 0) holds(fmt::format("{} of the same templates, under {}: enrolled twice, withdraw that ref too", same, person.ref));
  }
  for (const Change& change : gallery.history) {
    if (change.by == erased.name) ++found.as_operator;
  }
}

// Shorter names are found in any random bytes.
constexpr std::size_t kShortestName = 4;

void search(std::string_view bytes, const std::string& path, const Person& erased, Remains& found) {
  const auto stands = [&](std::string_view what) { return bytes.find(what) != std::string_view::npos; };
  for (const Template& shot : erased.templates) {
    if (stands(as_bytes(shot.embedding)) || stands(embedding_text(shot.embedding))) {
      found.holding.push_back(fmt::format("{}: a template", path));
      break;
    }
  }
  if (erased.name.size() >= kShortestName && stands(erased.name)) found.holding.push_back(fmt::format("{}: the name", path));
  if (stands(erased.ref)) found.holding.push_back(fmt::format("{}: the ref", path));
  // Sealed with a passphrase or another key, it can hold anybody.
  if (bytes.starts_with("KANHUG")) found.unreadable.push_back(fmt::format("{}: sealed, and not one of this gateway's galleries", path));
}

}  // namespace

Result<FolderLock> FolderLock::take(FileIo& io, const std::string& folder, std::chrono::milliseconds patience) {
  if (auto made = io.make_directories(folder); !made) return tl::unexpected(made.error());
  const std::string path = fmt::format("{}/{}", folder, kLock);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    const int code = errno;
    return fail(code == EACCES || code == EPERM || code == EROFS ? ErrorKind::kPermission : ErrorKind::kIo,
                fmt::format("cannot open {}: {}", path, std::generic_category().message(code)));
  }
  FolderLock lock(fd);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return fail(ErrorKind::kIo, fmt::format("cannot lock {}: {}", path, std::generic_category().message(errno)));
    if (std::chrono::steady_clock::now() >= until)
      return fail(ErrorKind::kTimeout, fmt::format("another kanhu gallery is changing {}; try again when it is done", folder));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (auto swept = remove_leftovers(io, folder); !swept) return tl::unexpected(swept.error());
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::vector<std::string>> facilities_in(FileIo& io, const std::string& folder) {
  if (!io.exists(folder)) return std::vector<std::string>{};
  const auto names = io.list(folder);
  if (!names) return tl::unexpected(names.error());
  std::vector<std::string> facilities;
  for (const std::string& name : *names) {
    if (const auto facility = facility_of(name); !facility.empty()) facilities.emplace_back(facility);
  }
  return facilities;
}

Result<Remains> remains_of(FileIo& io, const std::string& folder, const Secret& key, const Person& erased) {
  const auto names = io.list(folder);
  if (!names) return tl::unexpected(names.error());
  Remains found;
  for (const std::string& name : *names) {
    if (name == kLock) continue;
    const std::string path = fmt::format("{}/{}", folder, name);
    ++found.files_read;
    if (const auto facility = facility_of(name); !facility.empty()) {
      const auto gallery = read_gallery(io, folder, facility, key);
      if (gallery) {
        look_into(*gallery, path, erased, found);
      } else {
        found.unreadable.push_back(gallery.error().message);
      }
      continue;
    }
    const auto bytes = read_bytes(io, path);
    if (bytes) {
      search(*bytes, path, erased, found);
    } else {
      found.unreadable.push_back(bytes.error().message);
    }
  }
  // Somebody else of this name may be at several facilities.
  std::sort(found.same_name.begin(), found.same_name.end());
  found.same_name.erase(std::unique(found.same_name.begin(), found.same_name.end()), found.same_name.end());
  return found;
}

}  // namespace kanhu::gallery
