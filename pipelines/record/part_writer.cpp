// SPDX-License-Identifier: MIT
#include "pipelines/record/part_writer.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "pipelines/record/sidecar.hpp"

namespace kanhu::record {

Result<std::string> hash_file(File& file) {
  Sha256Stream hash;
  std::vector<std::byte> block(256u << 10);
  std::uint64_t offset = 0;
  while (true) {
    const auto got = file.read_at(offset, block);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    hash.update(std::span(block).first(*got));
    offset += *got;
  }
  return to_hex(hash.finish());
}

PartWriter::PartWriter(FileIo& io, SidecarPart part, std::string path, std::unique_ptr<File> file, std::unique_ptr<ClipMuxer> muxer,
                       File& times)
    : io_(io), part_(std::move(part)), path_(std::move(path)), file_(std::move(file)), muxer_(std::move(muxer)), times_(times) {}

Result<std::unique_ptr<PartWriter>> PartWriter::create(FileIo& io, const SidecarPart& part, const std::string& path,
                                                       const StreamFormat& format, const MuxerFactory& muxers, File& times) {
  auto muxer = muxers(format);
  if (!muxer) return tl::unexpected(muxer.error());
  const std::string line = times_part(part);
  if (auto ok = times.append(std::as_bytes(std::span(line))); !ok) return tl::unexpected(ok.error());
  auto file = io.open(path, OpenMode::kCreateNew);
  if (!file) return tl::unexpected(file.error());
  return std::unique_ptr<PartWriter>(new PartWriter(io, part, path, std::move(*file), std::move(*muxer), times));
}

Result<void> PartWriter::add(const PacketPtr& packet) {
  newest_pts_ = format_ ? std::max(newest_pts_, packet->pts) : packet->pts;
  if (!format_) {
    format_ = packet->format;
    run_ = packet->run;
  }
  if (decode_times_) return mux(packet);
  held_.push_back(packet);
  return held_.size() < DecodeTimes::kLookAhead ? Result<void>{} : release();
}

Result<void> PartWriter::release() {
  std::vector<MediaTime> first;
  for (const PacketPtr& packet : held_) first.push_back(packet->pts);
  decode_times_ = std::make_unique<DecodeTimes>(first);
  for (const PacketPtr& packet : std::exchange(held_, {}))
    if (auto ok = mux(packet); !ok) return ok;
  return {};
}

Result<void> PartWriter::mux(const PacketPtr& packet) {
  const auto times = decode_times_->next(packet->pts);
  const MediaTime zero = decode_times_->first_dts();
  const MuxTimes file_times{times.pts - zero, times.dts - zero,
                            packet->duration.count() > 0 ? packet->duration : decode_times_->frame_duration()};
  frames_.push_back({part_.number, file_times.pts, packet->captured, packet->is_key, packet->discontinuity});
  lines_ += times_frame(frames_.back());
  if (auto ok = muxer_->add(packet, file_times, ready_); !ok) return ok;
  return ready_.empty() ? Result<void>{} : write();
}

Result<void> PartWriter::write() {
  if (auto ok = times_.append(std::as_bytes(std::span(lines_))); !ok) return ok;
  lines_.clear();
  const auto bytes = std::exchange(ready_, {});
  if (auto ok = file_->append(bytes); !ok) return ok;
  written_.update(bytes);
  part_.bytes += bytes.size();
  return {};
}

Result<void> PartWriter::finish() {
  if (!decode_times_ && !held_.empty())
    if (auto ok = release(); !ok) return ok;
  if (auto ok = muxer_->finish(ready_); !ok) return ok;
  muxer_.reset();
  if (auto ok = write(); !ok) return ok;
  if (auto ok = file_->sync(); !ok) return ok;
  finished_ = true;
  return {};
}

PartWriter::Outcome PartWriter::settle() {
  muxer_.reset();
  file_.reset();
  Outcome outcome{part_, "", {}, {}};
  auto file = io_.open(path_, OpenMode::kRead);
  auto scan = file ? scan_fragments(**file) : Result<FragmentScan>(tl::unexpected(file.error()));
  if (!scan) {  // nothing can be said about it, so it is not called a part
    outcome.health = tl::unexpected(scan.error());
    return outcome;
  }
  if (!finished_ || !scan->whole() || scan->samples != frames_.size())
    outcome.health = fail(ErrorKind::kCorrupt, fmt::format("{}: holds {} of {} frames", path_, scan->samples, frames_.size()));
  if (scan->fragments == 0 || scan->samples > frames_.size()) {
    if (auto removed = io_.remove(path_); !removed) outcome.health = removed;
    return outcome;
  }
  outcome.part.bytes = scan->file_bytes;
  if (scan->whole_bytes < scan->file_bytes) {
    auto cut = io_.open(path_, OpenMode::kAppend);
    if (cut && (*cut)->truncate(scan->whole_bytes) && (*cut)->sync()) outcome.part.bytes = scan->whole_bytes;
  }
  const auto hash = hash_file(**file);
  if (!hash) {
    outcome.health = tl::unexpected(hash.error());
    return outcome;
  }
  if (finished_ && *hash != to_hex(written_.finish())) outcome.health = fail(ErrorKind::kIo, path_ + ": reads back differently");
  outcome.sha256 = *hash;
  outcome.frames = std::move(frames_);
  outcome.frames.resize(scan->samples);
  return outcome;
}

}  // namespace kanhu::record
