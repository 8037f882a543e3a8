// SPDX-License-Identifier: MIT
// Clips that were being written when their process died.
#include "pipelines/record/settle.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "pipelines/record/catalogue.hpp"
#include "pipelines/record/clip_writer.hpp"
#include "pipelines/record/fragments.hpp"
#include "pipelines/record/part_writer.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {
namespace {

constexpr const char* kReason = "gateway_restarted";
constexpr std::chrono::milliseconds kStartTolerance{500};

ClipRecord blank(const ClipRequest& request, ClipStatus status, std::string reason) {
  ClipRecord record;
  record.clip = request.clip;
  record.facility = request.facility;
  record.source = request.source;
  record.status = status;
  record.reason = std::move(reason);
  record.from = record.to = request.from;
  return record;
}

// One part found on disk: its torn tail is cut off, its frames are those the times log has for it.
// False when it holds nothing that plays; the file is then gone.
bool take_part(FileIo& io, const ClipPaths& paths, int number, const std::string& relative, const Sidecar& log, Sidecar& into) {
  const std::string path = paths.absolute(relative);
  FragmentScan scan;
  {
    auto file = io.open(path, OpenMode::kAppend);
    if (!file) return false;
    const auto found = scan_fragments(**file);
    if (!found) return false;
    scan = *found;
    if (scan.fragments > 0) {
      if (scan.whole_bytes < scan.file_bytes && !(*file)->truncate(scan.whole_bytes)) return false;
      if (!(*file)->sync()) return false;
    }
  }
  if (scan.fragments == 0) {
    if (auto ok = io.remove(path); !ok) log::warning("record", "{}", ok.error().message);
    return false;
  }
  auto file = io.open(path, OpenMode::kRead);
  const auto hash = file ? hash_file(**file) : Result<std::string>(tl::unexpected(file.error()));
  if (!hash) return false;
  SidecarPart part{number, relative, "", scan.whole_bytes};
  for (const SidecarPart& each : log.parts)
    if (each.number == number) part.caps = each.caps;
  std::uint64_t frames = 0;
  for (const SidecarFrame& frame : log.frames)
    if (frame.part == number && frames < scan.samples) {
      into.frames.push_back(frame);
      ++frames;
    }
  into.parts.push_back(part);
  into.record.parts.push_back(relative);
  into.record.sha256.push_back(*hash);
  into.record.bytes += part.bytes;
  if (frames < scan.samples && into.record.reason.empty()) into.record.reason = kReason;  // pictures nobody can date
  return true;
}

// From the parts and the times log, because no sidecar was written.
Sidecar rebuild(FileIo& io, const ClipPaths& paths, const ClipRequest& request) {
  const auto log = read_times(io, paths.times());
  Sidecar sidecar;
  if (log) {
    sidecar.codec = log->codec;
    sidecar.camera_name = log->camera_name;
    sidecar.zones = log->zones;
    sidecar.file_clock = log->file_clock;
    sidecar.subjects = log->subjects;
  }
  sidecar.request = request;
  if (log) sidecar.request.offset = log->request.offset;
  if (sidecar.subjects.empty()) sidecar.subjects = {request.subject};
  sidecar.record = blank(request, ClipStatus::kPartial, log ? log->record.reason : kReason);
  const Sidecar known = log ? *log : Sidecar{};
  for (int number = 1;; ++number) {
    const std::string mp4 = paths.part(number, "mp4");
    const std::string mov = paths.part(number, "mov");
    const bool is_mp4 = io.exists(paths.absolute(mp4));
    const bool is_mov = !is_mp4 && io.exists(paths.absolute(mov));
    if (!is_mp4 && !is_mov && static_cast<std::size_t>(number) > known.parts.size()) break;
    if (!is_mp4 && !is_mov) continue;  // it held nothing that plays
    if (is_mov && !log) sidecar.codec = Codec::kMjpeg;
    take_part(io, paths, number, is_mov ? mov : mp4, known, sidecar);
  }
  if (sidecar.parts.empty()) {
    sidecar.record = blank(request, ClipStatus::kMissing, kReason);
    return sidecar;
  }
  if (!sidecar.frames.empty()) {
    std::tie(sidecar.record.from, sidecar.record.to) = span_of(sidecar.frames, request.clock);
    // Start and end were decided by arrival; the log has what that is apart from the camera's clock.
    const auto offset = log ? log->request.offset : request.offset;
    const auto [first, last] = span_of(sidecar.frames, ClockSource::kArrival);
    const bool covers = first <= request.from - offset + kStartTolerance && last >= request.to - offset;
    if (covers && sidecar.record.reason.empty()) sidecar.record.status = ClipStatus::kComplete;
  }
  if (sidecar.record.status == ClipStatus::kPartial && sidecar.record.reason.empty()) sidecar.record.reason = kReason;
  return sidecar;
}

}  // namespace

ClipRecord settle(FileIo& io, const std::string& directory, const ClipRequest& request) {
  const auto paths = clip_paths(directory, request);
  if (!paths) return blank(request, ClipStatus::kMissing, "invalid_request");
  Sidecar sidecar;
  auto found = io.exists(paths->sidecar()) ? read_sidecar(io, paths->sidecar()) : Result<Sidecar>(fail(ErrorKind::kNotFound, ""));
  if (!found && found.error().kind == ErrorKind::kNewerFormat) return blank(request, ClipStatus::kPartial, "newer_format");
  if (found) {
    const auto whole = verify_clip(io, directory, *found);
    if (whole) return found->record;
    log::error("record", "clip {}: {}", request.clip, whole.error().message);
    sidecar = std::move(*found);
    sidecar.record.status = ClipStatus::kPartial;
    sidecar.record.reason = "io_error";
  } else {
    sidecar = rebuild(io, *paths, request);
  }
  auto written = make_clip_folder(io, *paths);
  if (written) written = write_sidecar(io, *paths, sidecar);
  if (!written) {
    log::error("record", "clip {}: {}", request.clip, written.error().message);
    if (sidecar.record.status == ClipStatus::kComplete) {
      sidecar.record.status = ClipStatus::kPartial;
      sidecar.record.reason = reason_of(written.error().kind);
    }
    return sidecar.record;
  }
  if (io.exists(paths->times())) {
    if (auto ok = io.remove(paths->times()); !ok) log::warning("record", "{}", ok.error().message);
  }
  return sidecar.record;
}

}  // namespace kanhu::record
