// SPDX-License-Identifier: MIT
#include "pipelines/record/clip_writer.hpp"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "media/packet_ring.hpp"
#include "pipelines/record/settle.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {
namespace {

// On a full disk the times log gives its room to the sidecar: a minute at 60 frames/s is 3,600 rows of about 50 bytes.
constexpr std::uint64_t kReservedBytes = 256u << 10;

// A pts that leaves the stream's line by more than this starts a new part. Backwards: deeper than any reordering;
// forwards: slower than any camera worth the name, and shorter than the stall that ends a run (8 s).
constexpr std::chrono::seconds kJumpBack{2};
constexpr std::chrono::seconds kJumpAhead{5};

bool same_format(const Packet& packet, const StreamFormat& format) { return packet.format.get() == &format || *packet.format == format; }

}  // namespace

const char* reason_of(ErrorKind kind) {
  return kind == ErrorKind::kNoSpace ? "disk_full" : kind == ErrorKind::kUnsupported ? "not_muxable" : "io_error";
}

Result<void> make_clip_folder(FileIo& io, const ClipPaths& paths) {
  const bool is_new = !io.exists(paths.folder());
  if (auto ok = io.make_directories(paths.folder()); !ok) return ok;
  if (!is_new) return {};
  for (auto slash = paths.day.rfind('/'); slash != std::string::npos;
       slash = slash == 0 ? std::string::npos : paths.day.rfind('/', slash - 1))
    if (auto ok = io.sync_directory(paths.absolute(paths.day.substr(0, slash))); !ok) return ok;
  return io.sync_directory(paths.directory);
}

ClipWriter::ClipWriter(FileIo& io, std::string directory, const ClipRequest& request, const Recorded& camera, const MuxerFactory& muxers)
    : io_(io), directory_(std::move(directory)), muxers_(muxers), paths_(clip_paths(directory_, request)) {
  sidecar_.request = request;
  sidecar_.subjects = {request.subject};
  sidecar_.camera_name = camera.name;
  sidecar_.zones = camera.zones;
  sidecar_.record.clip = request.clip;
  sidecar_.record.facility = request.facility;
  sidecar_.record.source = request.source;
  if (!paths_) {
    failed_ = true;
    flaw("invalid_request");
    return;
  }
  for (const std::string& path :
       {paths_->sidecar(), paths_->times(), paths_->absolute(paths_->part(1, "mp4")), paths_->absolute(paths_->part(1, "mov"))})
    found_on_disk_ = found_on_disk_ || io_.exists(path);
}

void ClipWriter::extend(const ClipRequest& request) {
  sidecar_.request.to = std::max(sidecar_.request.to, request.to);
  if (std::find(sidecar_.subjects.begin(), sidecar_.subjects.end(), request.subject) == sidecar_.subjects.end())
    sidecar_.subjects.push_back(request.subject);
}

void ClipWriter::flaw(const std::string& reason) {
  if (!sidecar_.record.reason.empty()) return;
  sidecar_.record.reason = reason;
  if (!times_) return;
  const std::string line = times_reason(reason);
  if (auto ok = times_->append(std::as_bytes(std::span(line))); !ok) log::warning("record", "{}", ok.error().message);
}

void ClipWriter::failed(const Error& error) {
  failed_ = true;
  log::error("record", "clip {}: {}", sidecar_.request.clip, error.message);
  flaw(reason_of(error.kind));
}

void ClipWriter::packet(const PacketPtr& packet) {
  if (failed_ || found_on_disk_) return;
  if (auto ok = write(packet); !ok) {
    failed(ok.error());
    end_part();
  }
}

Result<void> ClipWriter::begin(const PacketPtr& first) {
  sidecar_.codec = first->format->codec;
  sidecar_.file_clock = first->captured.from_file;
  if (auto ok = make_clip_folder(io_, *paths_); !ok) return ok;
  auto times = io_.open(paths_->times(), OpenMode::kCreateNew);
  if (!times) return tl::unexpected(times.error());
  if (auto ok = (*times)->allocate(kReservedBytes); !ok) {
    times->reset();
    (void)io_.remove(paths_->times());
    return ok;
  }
  times_ = std::move(*times);
  begun_ = true;
  std::string lines = times_header(sidecar_);
  if (!sidecar_.record.reason.empty()) lines += times_reason(sidecar_.record.reason);
  return times_->append(std::as_bytes(std::span(lines)));
}

Result<void> ClipWriter::write(const PacketPtr& packet) {
  if (!packet->format) return {};
  if (!begun_) {
    if (auto ok = begin(packet); !ok) return ok;
  }
  if (part_) {
    const bool other_format = !same_format(*packet, part_->format());
    const bool jump =
        packet->run != part_->run() || packet->pts > part_->newest_pts() + kJumpAhead || packet->pts < part_->newest_pts() - kJumpBack;
    // A line of pts that was set loses nothing; one that goes on as far ahead as the clock has lacks what lies between.
    if (packet->run == part_->run() && packet->pts > part_->newest_pts() + kJumpAhead && steady_of(*packet) > newest_arrival_ + kJumpAhead)
      flaw("gap");
    if (other_format || jump) {
      end_part();
      waiting_for_key_ = true;
    }
  }
  if (waiting_for_key_ && !packet->is_key) {
    flaw("gap");
    return {};
  }
  waiting_for_key_ = false;
  if (!part_) {
    if (auto ok = begin_part(*packet); !ok) return ok;
  }
  newest_arrival_ = steady_of(*packet);
  return part_->add(packet);
}

Result<void> ClipWriter::begin_part(const Packet& first) {
  const int number = ++parts_begun_;
  const SidecarPart part{number, paths_->part(number, file_extension(first.format->codec)), first.format->caps, 0};
  auto writer = PartWriter::create(io_, part, paths_->absolute(part.file), *first.format, muxers_, *times_);
  if (!writer) return tl::unexpected(writer.error());
  part_ = std::move(*writer);
  return {};
}

void ClipWriter::end_part() {
  if (!part_) return;
  if (!failed_) {
    if (auto ok = part_->finish(); !ok) failed(ok.error());
  }
  auto outcome = part_->settle();
  part_.reset();
  if (!outcome.health && !failed_) failed(outcome.health.error());
  if (outcome.sha256.empty()) return;
  sidecar_.record.parts.push_back(outcome.part.file);
  sidecar_.record.sha256.push_back(outcome.sha256);
  sidecar_.record.bytes += outcome.part.bytes;
  sidecar_.parts.push_back(std::move(outcome.part));
  sidecar_.frames.insert(sidecar_.frames.end(), outcome.frames.begin(), outcome.frames.end());
}

ClipRecord ClipWriter::close(const std::string& reason) {
  if (found_on_disk_) return settle(io_, directory_, sidecar_.request);
  end_part();
  if (!reason.empty()) flaw(reason);
  return finish();
}

ClipRecord ClipWriter::finish() {
  ClipRecord& record = sidecar_.record;
  if (sidecar_.frames.empty()) {
    record.status = ClipStatus::kMissing;
    record.from = record.to = sidecar_.request.from;
    if (record.reason.empty()) record.reason = "no_packets";
    if (times_) {
      times_.reset();
      if (auto ok = io_.remove(paths_->times()); !ok) log::warning("record", "{}", ok.error().message);
    }
    return record;
  }
  std::tie(record.from, record.to) = span_of(sidecar_.frames, sidecar_.request.clock);
  record.status = record.reason.empty() ? ClipStatus::kComplete : ClipStatus::kPartial;
  leave_sidecar();
  return record;
}

void ClipWriter::leave_sidecar() {
  auto written = write_sidecar(io_, *paths_, sidecar_);
  times_.reset();
  if (!written) {
    log::error("record", "clip {}: {}", sidecar_.request.clip, written.error().message);
    // The log's reserved room is what a full disk still has.
    if (written.error().kind == ErrorKind::kNoSpace) (void)io_.remove(paths_->times());
    sidecar_.record.status = ClipStatus::kPartial;
    if (sidecar_.record.reason.empty()) sidecar_.record.reason = reason_of(written.error().kind);
    written = write_sidecar(io_, *paths_, sidecar_);
    if (!written) return log::error("record", "clip {} stays without sidecar: {}", sidecar_.request.clip, written.error().message);
  }
  if (io_.exists(paths_->times())) {
    if (auto ok = io_.remove(paths_->times()); !ok) log::warning("record", "{}", ok.error().message);
  }
}

}  // namespace kanhu::record
