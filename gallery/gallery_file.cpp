// SPDX-License-Identifier: MIT
#include "gallery/gallery_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "gallery/gallery_json.hpp"
#include "gallery/sealing.hpp"

namespace kanhu::gallery {
namespace {

constexpr std::string_view kUnfinished = ".unfinished";

// A file that is about to lose its name, held open so that its blocks can be overwritten when nothing refers to them any more.
// Best effort: a file system that copies on write, a flash disk that moves blocks, a snapshot or a backup keeps the old bytes;
// those are still encrypted. Goes past FileIo because that never writes inside a file.
// Thread: confined.
class OldBlocks {
 public:
  explicit OldBlocks(const std::string& path) : fd_(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {}
  ~OldBlocks() {
    if (fd_ >= 0) ::close(fd_);
  }
  OldBlocks(const OldBlocks&) = delete;
  OldBlocks& operator=(const OldBlocks&) = delete;

  void overwrite() const {
    struct stat status {};
    if (fd_ < 0 || ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return;
    constexpr std::array<char, 65536> kZeros{};
    for (off_t at = 0; at < status.st_size;) {
      const auto left = std::min<std::size_t>(kZeros.size(), static_cast<std::size_t>(status.st_size - at));
      const ssize_t written = ::pwrite(fd_, kZeros.data(), left, at);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      at += written;
    }
    ::fdatasync(fd_);
  }

 private:
  const int fd_;
};

Result<void> write_new(FileIo& io, const std::string& path, std::string_view bytes) {
  auto file = io.open(path, OpenMode::kCreateNew);
  if (!file) return tl::unexpected(file.error());
  if (auto written = (*file)->append(std::as_bytes(std::span(bytes))); !written) return written;
  return (*file)->sync();
}

void discard(FileIo& io, const std::string& path) {
  const OldBlocks blocks(path);
  blocks.overwrite();
  (void)io.remove(path);
}

}  // namespace

std::string gallery_folder(std::string_view data_dir) { return fmt::format("{}/galleries", data_dir); }

std::string gallery_path(std::string_view folder, std::string_view facility) {
  return fmt::format("{}/{}{}", folder, facility, kGallerySuffix);
}

Result<std::string> read_bytes(FileIo& io, const std::string& path) {
  auto file = io.open(path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > kMostContentBytes) {
    return fail(ErrorKind::kUnsupported, fmt::format("{}: {} bytes, at most {} are read", path, *size, kMostContentBytes));
  }
  std::string bytes(*size, '\0');
  const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(bytes)));
  if (!got) return tl::unexpected(got.error());
  bytes.resize(*got);
  return bytes;
}

Result<Gallery> read_gallery(FileIo& io, const std::string& folder, std::string_view facility, const Secret& key) {
  const std::string path = gallery_path(folder, facility);
  if (!io.exists(path)) {
    return fail(ErrorKind::kNotFound, fmt::format("{} is not there: nobody was enrolled at {} yet (kanhu gallery enroll)", path, facility));
  }
  const auto bytes = read_bytes(io, path);
  if (!bytes) return tl::unexpected(bytes.error());
  if (const std::string whose = sealed_facility(*bytes); !whose.empty() && whose != facility) {
    const std::string own = gallery_path(folder, whose);
    return fail(ErrorKind::kUnsupported,
                io.exists(own)
                    ? fmt::format("{}: the gallery of facility {}, which has one; put a backup of this one in its place", path, whose)
                    : fmt::format("{}: the gallery of facility {}; give it its own name again: {}", path, whose, own));
  }
  const auto opened = open_sealed(SealedKind::kGallery, path, *bytes, key);
  if (!opened) return tl::unexpected(opened.error());
  auto gallery = from_text(opened->content.view());
  if (!gallery) return fail(gallery.error().kind, fmt::format("{}: {}", path, gallery.error().message));
  if (gallery->facility != facility) return fail(ErrorKind::kCorrupt, fmt::format("{}: its content names another facility", path));
  return gallery;
}

Result<void> write_gallery(FileIo& io, const std::string& folder, const Gallery& gallery, const Secret& key) {
  const std::string path = gallery_path(folder, gallery.facility);
  const WipedText content(to_text(gallery));
  const auto sealed = seal(SealedKind::kGallery, gallery.facility, key, content.view());
  if (!sealed) return tl::unexpected(sealed.error());
  if (sealed->size() > kMostContentBytes) {
    return fail(ErrorKind::kUnsupported,
                fmt::format("{}: would have {} bytes, at most {} are read again", path, sealed->size(), kMostContentBytes));
  }
  const std::string fresh = fmt::format("{}/.{}.{}{}", folder, gallery.facility, random_id(), kUnfinished);
  if (auto written = write_new(io, fresh, *sealed); !written) {
    discard(io, fresh);
    return written;
  }
  const OldBlocks old(path);
  if (auto renamed = io.rename(fresh, path); !renamed) {
    discard(io, fresh);
    return renamed;
  }
  // Until the folder is on the disk the old file may come back by a power cut; then its bytes are needed.
  if (auto synced = io.sync_directory(folder); !synced) return synced;
  old.overwrite();
  return {};
}

Result<void> remove_leftovers(FileIo& io, const std::string& folder) {
  const auto names = io.list(folder);
  if (!names) return tl::unexpected(names.error());
  for (const std::string& name : *names) {
    if (!name.starts_with('.') || !name.ends_with(kUnfinished)) continue;
    const std::string path = fmt::format("{}/{}", folder, name);
    const OldBlocks blocks(path);
    blocks.overwrite();
    if (auto removed = io.remove(path); !removed) return removed;
  }
  return {};
}

Result<void> check_embedder(const Gallery& gallery, std::string_view name, std::string_view digest) {
  if (gallery.people.empty() || gallery.embedder_digest == digest) return {};
  const std::string_view before = gallery.embedder;
  return fail(
      ErrorKind::kUnsupported,
      fmt::format("the gallery of {} was made by {} ({:.12}), this gateway embeds faces by {} ({:.12}); they cannot be compared. Go back "
                  "to that network, or withdraw the people and enrol them again: their pictures were not kept",
                  gallery.facility, before, gallery.embedder_digest, name, digest));
}

}  // namespace kanhu::gallery
