// SPDX-License-Identifier: MIT
#include "pipelines/journal/reserve.hpp"

#include <utility>

#include "base/log.hpp"

namespace kanhu::journal {
namespace {

std::string reserve_path(const std::string& directory) { return directory + "/reserve"; }

}  // namespace

void Reserve::provide() {
  if (file_) return;
  const std::string path = reserve_path(directory_);
  if (bytes_ == 0) {
    if (io_.exists(path)) (void)io_.remove(path);
    return;
  }
  if (auto made = allocate(); !made) {
    file_.reset();
    if (io_.exists(path)) (void)io_.remove(path);
    log::warning("journal", "no reserve for alarms, for now: {}", made.error().message);
  }
}

Result<void> Reserve::allocate() {
  const std::string path = reserve_path(directory_);
  if (auto made = io_.make_directories(directory_); !made) return made;
  const bool old = io_.exists(path);
  auto file = io_.open(path, old ? OpenMode::kAppend : OpenMode::kCreateNew);
  if (!file) return tl::unexpected(file.error());
  if (old) {
    auto size = (*file)->size();
    if (!size) return tl::unexpected(size.error());
    if (*size > 0) {  // not ours, or a rename that a power cut undid
      if (auto emptied = (*file)->truncate(0); !emptied) return emptied;
    }
  }
  Result<void> done;
  for (std::uint64_t bytes = bytes_; bytes >= bytes_ / 16; bytes /= 2) {
    done = (*file)->allocate(bytes);
    if (done || done.error().kind != ErrorKind::kNoSpace) break;
  }
  if (done) done = (*file)->sync();
  if (done) done = io_.sync_directory(directory_);
  if (done) file_ = std::move(*file);
  return done;
}

Result<std::unique_ptr<File>> Reserve::become(const std::string& path) {
  if (!file_) return fail(ErrorKind::kNoSpace, "there is no reserve");
  auto file = std::move(file_);
  if (auto renamed = io_.rename(reserve_path(directory_), path); !renamed) return tl::unexpected(renamed.error());
  return file;
}

}  // namespace kanhu::journal
