// SPDX-License-Identifier: MIT
#include "pipelines/record/clip_files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.hpp"
#include "base/text.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {
namespace {

constexpr std::size_t kMostKnown = 64;

Error why_not(const std::string& relative) {
  const int error = errno;
  if (error == ENOENT) return {ErrorKind::kNotFound, relative + " is not there"};
  if (error == ELOOP || error == ENOTDIR)
    return {ErrorKind::kPermission, relative + ": a link stands in the way; clips are files in folders"};
  return {ErrorKind::kIo, fmt::format("{}: {}", relative, std::strerror(error))};
}

// Step by step from the clips folder, following no link; the last one is opened with `flags`.
Result<Descriptor> open_below(const std::string& directory, const std::string& relative, int flags) {
  Descriptor at(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!at.is_open()) return tl::unexpected(why_not("the clips folder"));
  std::string_view rest(relative);
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    const std::string step(rest.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    rest.remove_prefix(last ? rest.size() : slash + 1);
    if (step.empty() || step == "." || step == "..") return fail(ErrorKind::kInvalidArgument, relative + " is no path in the clips folder");
    Descriptor next(::openat(at.get(), step.c_str(), O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (last ? flags : O_RDONLY | O_DIRECTORY)));
    if (!next.is_open()) return tl::unexpected(why_not(relative));
    at = std::move(next);
  }
  return at;
}

// A file, not a pipe or device that somebody put there.
Result<struct stat> facts_of(const Descriptor& file, const std::string& relative) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return tl::unexpected(why_not(relative));
  if (!S_ISREG(facts.st_mode)) return fail(ErrorKind::kPermission, relative + " is not a file");
  return facts;
}

Result<std::string> read_bytes(const Descriptor& file, const std::string& relative, std::uint64_t offset, std::size_t length) {
  std::string bytes(length, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = ::pread(file.get(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return fail(ErrorKind::kIo,
                  fmt::format("{} cannot be read at {}: {}", relative, offset + have, got < 0 ? std::strerror(errno) : "it ends"));
    have += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::int64_t changed_ns(const struct stat& facts) { return facts.st_mtim.tv_sec * 1'000'000'000LL + facts.st_mtim.tv_nsec; }

// Names below `folder`, newest first where they are days.
std::vector<std::string> names_in(const std::string& directory, const std::string& folder,
                                  const std::function<bool(std::string_view)>& wanted) {
  std::vector<std::string> names;
  auto opened = open_below(directory, folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return names;
  const int own = ::dup(opened->get());  // closed with the stream
  DIR* stream = own < 0 ? nullptr : ::fdopendir(own);
  if (stream == nullptr) {
    if (own >= 0) ::close(own);
    return names;
  }
  while (const dirent* entry = ::readdir(stream))
    if (wanted(entry->d_name)) names.emplace_back(entry->d_name);
  ::closedir(stream);
  std::sort(names.rbegin(), names.rend());
  return names;
}

bool is_number(std::string_view name, std::size_t digits) {
  return name.size() == digits && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "fuxing/2026/11/26/<id>" when a sidecar or times log of that name is there.
std::optional<std::string> stem_of(const std::string& directory, std::string_view id) {
  const auto two_digits = [](std::string_view name) { return is_number(name, 2); };
  for (const std::string& facility : names_in(directory, "", is_identifier)) {
    for (const std::string& year : names_in(directory, facility, [](std::string_view name) { return is_number(name, 4); })) {
      for (const std::string& month : names_in(directory, facility + "/" + year, two_digits)) {
        const std::string in_month = fmt::format("{}/{}/{}", facility, year, month);
        for (const std::string& day : names_in(directory, in_month, two_digits)) {
          const auto folder = open_below(directory, in_month + "/" + day, O_RDONLY | O_DIRECTORY);
          for (const char* ending : {".json", ".times"}) {
            const std::string name = std::string(id) + ending;
            if (folder && ::faccessat(folder->get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
              return fmt::format("{}/{}/{}", in_month, day, id);
          }
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Result<ShelvedClip> ClipFiles::find(std::string_view id) {
  if (!is_clip_id(id))
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is no clip's id: 26 digits of a-z and 2-7", kanhu::quoted(id)));
  std::string stem;
  {
    std::scoped_lock lock(mutex_);
    const auto known = std::find_if(known_.begin(), known_.end(), [&](const Known& each) { return each.clip.id == id; });
    if (known != known_.end()) stem = known->clip.stem;
  }
  if (!stem.empty()) {
    auto clip = read_clip(stem, id);
    if (clip || clip.error().kind != ErrorKind::kNotFound) return clip;
  }
  const auto found = stem_of(directory_, id);
  if (!found) return fail(ErrorKind::kNotFound, fmt::format("no files of clip {} are here", id));
  return read_clip(*found, id);
}

std::string ClipFiles::facility_of(std::string_view id) const {
  const auto stem = is_clip_id(id) ? stem_of(directory_, id) : std::nullopt;
  return stem ? stem->substr(0, stem->find('/')) : std::string();
}

Result<ShelvedClip> ClipFiles::read_clip(const std::string& stem, std::string_view id) {
  const std::string path = stem + ".json";
  const auto file = open_below(directory_, path, O_RDONLY);
  if (!file) {
    if (file.error().kind != ErrorKind::kNotFound) return tl::unexpected(file.error());
    // Being written, or left so by a crash: the keeper looks after that at the next start.
    const auto log = open_below(directory_, stem + ".times", O_RDONLY);
    if (!log) return tl::unexpected(log.error());
    ShelvedClip clip;
    clip.id = id;
    clip.stem = stem;
    clip.facility = stem.substr(0, stem.find('/'));
    return clip;
  }
  const auto facts = facts_of(*file, path);
  if (!facts) return tl::unexpected(facts.error());
  {
    std::scoped_lock lock(mutex_);
    const auto known = std::find_if(known_.begin(), known_.end(), [&](const Known& each) { return each.clip.id == id; });
    if (known != known_.end() && known->device == facts->st_dev && known->inode == facts->st_ino &&
        known->size == static_cast<std::uint64_t>(facts->st_size) && known->changed_ns == changed_ns(*facts)) {
      known_.splice(known_.begin(), known_, known);
      return known_.front().clip;
    }
  }
  // By its descriptor: what was opened is what is read.
  const auto size = static_cast<std::uint64_t>(facts->st_size);
  if (size > kMostSidecarBytes) return fail(ErrorKind::kCorrupt, fmt::format("{} is larger than a sidecar may be", path));
  const auto text = read_bytes(*file, path, 0, static_cast<std::size_t>(size));
  if (!text) return tl::unexpected(text.error());
  const auto json = parse_json(*text, kMostSidecarBytes, 8);
  const auto sidecar = json ? sidecar_from_json(*json) : Result<Sidecar>(tl::unexpected(json.error()));
  if (!sidecar) {
    const bool newer = sidecar.error().kind == ErrorKind::kNewerFormat;
    return fail(newer ? ErrorKind::kNewerFormat : ErrorKind::kCorrupt, fmt::format("{}: {}", path, sidecar.error().message));
  }
  ShelvedClip clip;
  clip.id = id;
  clip.facility = sidecar->record.facility;
  clip.source = sidecar->record.source;
  clip.status = sidecar->record.status;
  clip.reason = sidecar->record.reason;
  clip.zones = sidecar->zones;
  clip.stem = stem;
  if (sidecar->record.clip != id || clip.facility != stem.substr(0, stem.find('/')))
    return fail(ErrorKind::kCorrupt, fmt::format("clip {}: its sidecar speaks of another", id));
  for (std::size_t i = 0; i < sidecar->parts.size(); ++i)
    clip.parts.push_back({sidecar->parts[i].file, sidecar->parts[i].bytes, sidecar->record.sha256[i]});
  std::scoped_lock lock(mutex_);
  known_.remove_if([&](const Known& each) { return each.clip.id == id; });
  known_.push_front({clip, facts->st_dev, facts->st_ino, static_cast<std::uint64_t>(facts->st_size), changed_ns(*facts)});
  if (known_.size() > kMostKnown) known_.pop_back();
  return clip;
}

Result<std::string> ClipFiles::read(const ShelvedPart& part, std::uint64_t offset, std::size_t length) const {
  const auto file = open_below(directory_, part.file, O_RDONLY);
  if (!file) return tl::unexpected(file.error());
  const auto facts = facts_of(*file, part.file);
  if (!facts) return tl::unexpected(facts.error());
  if (static_cast<std::uint64_t>(facts->st_size) != part.bytes)
    return fail(ErrorKind::kCorrupt, fmt::format("{} has {} bytes, {} were recorded", part.file, facts->st_size, part.bytes));
  if (offset >= part.bytes) return std::string();
  return read_bytes(*file, part.file, offset, static_cast<std::size_t>(std::min<std::uint64_t>(length, part.bytes - offset)));
}

}  // namespace kanhu::record
