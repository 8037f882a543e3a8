// SPDX-License-Identifier: MIT
// The clips of a folder: listing, checking, and which of them must go.
#include "pipelines/record/catalogue.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/text.hpp"
#include "pipelines/record/fragments.hpp"
#include "pipelines/record/part_writer.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {
namespace {

// No clip is older than this program: such an arrival is that of a clock that had not been set yet.
constexpr WallTime kNoClipBefore{std::chrono::seconds(1'577'836'800)};  // 2020-01-01
constexpr std::chrono::hours kAheadAtMost{1};
constexpr int kDayDepth = 4;  // facility/yyyy/mm/dd

bool is_sidecar_name(std::string_view name) { return name.size() == 31 && name.ends_with(".json") && is_clip_id(name.substr(0, 26)); }

bool is_folder_name(std::string_view name, int depth) {
  if (depth == 0) return is_identifier(name);
  return name.size() == (depth == 1 ? 4u : 2u) && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void collect(FileIo& io, const std::string& folder, int depth, std::vector<Sidecar>& into) {
  const auto names = io.list(folder);
  if (!names) return;  // gone meanwhile, or not a folder
  for (const std::string& name : *names) {
    const std::string path = folder + "/" + name;
    if (depth < kDayDepth) {
      if (is_folder_name(name, depth)) collect(io, path, depth + 1, into);
      continue;
    }
    if (!is_sidecar_name(name)) continue;
    auto sidecar = read_sidecar(io, path);
    if (!sidecar) {
      log::warning("record", "{}", sidecar.error().message);
      continue;
    }
    sidecar->frames.clear();
    sidecar->frames.shrink_to_fit();
    into.push_back(std::move(*sidecar));
  }
}

}  // namespace

Result<std::vector<Sidecar>> list_clips(FileIo& io, const std::string& directory) {
  std::vector<Sidecar> clips;
  if (!io.exists(directory)) return clips;
  const auto top = io.list(directory);
  if (!top) return tl::unexpected(top.error());
  collect(io, directory, 0, clips);
  std::sort(clips.begin(), clips.end(), [](const Sidecar& a, const Sidecar& b) {
    return std::pair(b.record.from, b.record.clip) < std::pair(a.record.from, a.record.clip);
  });
  return clips;
}

Result<void> verify_clip(FileIo& io, const std::string& directory, const Sidecar& sidecar) {
  for (std::size_t i = 0; i < sidecar.record.parts.size(); ++i) {
    const std::string path = directory + "/" + sidecar.record.parts[i];
    auto file = io.open(path, OpenMode::kRead);
    if (!file) return tl::unexpected(file.error());
    const auto hash = hash_file(**file);
    if (!hash) return tl::unexpected(hash.error());
    if (*hash != sidecar.record.sha256.at(i)) return fail(ErrorKind::kCorrupt, fmt::format("{}: has changed since it was recorded", path));
    const auto scan = scan_fragments(**file);
    if (!scan) return tl::unexpected(scan.error());
    if (sidecar.record.status == ClipStatus::kComplete && !scan->whole())
      return fail(ErrorKind::kCorrupt, fmt::format("{}: is not a whole file", path));
  }
  return {};
}

std::vector<Sidecar> plan_retention(const StorageConfig& limits, std::vector<Sidecar> clips, WallTime now,
                                    std::optional<WallTime> aged_to) {
  const auto has_age = [&](const Sidecar& clip) { return clip.arrived >= kNoClipBefore && clip.arrived <= now + kAheadAtMost; };
  std::sort(clips.begin(), clips.end(), [&](const Sidecar& a, const Sidecar& b) {
    return std::tuple(has_age(a), a.arrived, a.record.clip) < std::tuple(has_age(b), b.arrived, b.record.clip);
  });
  std::uint64_t bytes = 0;
  for (const Sidecar& clip : clips) bytes += clip.record.bytes;
  std::vector<Sidecar> leaving;
  for (Sidecar& clip : clips) {
    const bool too_old = has_age(clip) && clip.arrived < aged_to.value_or(now) - limits.most_age;
    if (!too_old && bytes <= limits.most_bytes) {
      if (has_age(clip)) break;
      continue;
    }
    bytes -= clip.record.bytes;
    leaving.push_back(std::move(clip));
  }
  return leaving;
}

std::string sidecar_path(const std::string& directory, const Sidecar& sidecar) {
  const auto paths = clip_paths(directory, sidecar.request);
  return paths ? paths->sidecar() : std::string();
}

Result<void> remove_clip(FileIo& io, const std::string& directory, const Sidecar& sidecar) {
  const auto paths = clip_paths(directory, sidecar.request);
  if (!paths) return tl::unexpected(paths.error());
  for (const std::string& part : sidecar.record.parts) {
    const std::string path = paths->absolute(part);
    if (!io.exists(path)) continue;
    if (auto ok = io.remove(path); !ok) return ok;
  }
  if (auto ok = io.sync_directory(paths->folder()); !ok) return ok;
  if (auto ok = io.remove(paths->sidecar()); !ok) return ok;
  return io.sync_directory(paths->folder());
}

}  // namespace kanhu::record
