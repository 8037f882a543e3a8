// SPDX-License-Identifier: MIT
#include "daemon/worker/clip_key_frame.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "pipelines/ingest/frame_source.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu {
namespace {

constexpr auto kReadPatience = std::chrono::milliseconds(1500);

// Takes packets until the wanted one has passed. The source gives nothing more after `on_end`.
class KeyFrameCatcher final : public ingest::SourceSink {
 public:
  explicit KeyFrameCatcher(MediaTime wanted) : wanted_(wanted) {}

  void on_packet(PacketPtr packet) override {
    std::scoped_lock lock(mutex_);
    if (passed_ || !packet->is_key) return;
    // The file's times are in microseconds, a container's in its own time scale.
    if (packet->pts > wanted_ + std::chrono::milliseconds(1)) {
      passed_ = true;
      if (!found_) found_ = std::move(packet);
    } else {
      found_ = std::move(packet);
    }
    if (passed_) changed_.notify_all();
  }
  void on_frame(Frame) override {}
  void on_tick(Tick) override {}
  void on_end(Error why) override {
    std::scoped_lock lock(mutex_);
    end_ = std::move(why);
    changed_.notify_all();
  }

  void wait(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return passed_ || end_; });
  }
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return end_.has_value(); });
  }
  PacketPtr found() const {
    std::scoped_lock lock(mutex_);
    return found_;
  }

 private:
  const MediaTime wanted_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  PacketPtr found_;
  bool passed_ = false;
  std::optional<Error> end_;
};

// Sidecar, or while there is none yet the log of what is being written.
Result<record::Sidecar> what_is_known(FileIo& files, const std::string& path) {
  if (files.exists(path + ".json")) return record::read_sidecar(files, path + ".json");
  if (files.exists(path + ".times")) return record::read_times(files, path + ".times");
  return fail(ErrorKind::kNotFound, "the clip is not there: retention removed it, or nothing of it was recorded");
}

const record::SidecarFrame* wanted_frame(const record::Sidecar& sidecar, WallTime at, ClockSource by) {
  const record::SidecarFrame* best = nullptr;
  for (const record::SidecarFrame& frame : sidecar.frames) {
    if (!frame.is_key) continue;
    if (best == nullptr || (frame.captured.by(by) <= at && frame.captured.by(by) > best->captured.by(by))) best = &frame;
  }
  return best;
}

}  // namespace

Result<PacketPtr> key_frame_of_clip(FileIo& files, const std::string& clips, const std::string& stem, WallTime at, ClockSource by,
                                    const Clock& clock) {
  const auto sidecar = what_is_known(files, clips + "/" + stem);
  if (!sidecar) return tl::unexpected(sidecar.error());
  const record::SidecarFrame* frame = wanted_frame(*sidecar, at, by);
  const auto part = frame == nullptr ? sidecar->parts.end()
                                     : std::find_if(sidecar->parts.begin(), sidecar->parts.end(),
                                                    [&](const record::SidecarPart& each) { return each.number == frame->part; });
  if (part == sidecar->parts.end()) {
    const std::string& reason = sidecar->record.reason;
    return fail(ErrorKind::kNotFound,
                fmt::format("the clip has no picture{}", reason.empty() ? ": nothing of it is on disk yet" : " (" + reason + ")"));
  }
  const std::string path = clips + "/" + part->file;
  if (std::filesystem::is_symlink(path)) return fail(ErrorKind::kPermission, part->file + " is a link: clips are files");

  ingest::SourceSpec spec;
  spec.source = sidecar->request.source;
  spec.stream.url = "file://" + path;
  spec.replay = true;
  spec.recorded_times.reserve(sidecar->frames.size());
  for (const record::SidecarFrame& each : sidecar->frames)
    if (each.part == part->number) spec.recorded_times.push_back({MediaTime(each.pts), each.captured});
  std::sort(spec.recorded_times.begin(), spec.recorded_times.end(), [](const auto& a, const auto& b) { return a.pts < b.pts; });
  auto source = ingest::make_source(spec, clock);
  if (!source) return tl::unexpected(source.error());
  KeyFrameCatcher catcher{MediaTime(frame->pts)};
  (*source)->start(catcher);
  catcher.wait(kReadPatience);
  (*source)->stop();
  catcher.wait_for_end();
  PacketPtr found = catcher.found();
  if (!found) return fail(ErrorKind::kNotFound, "the clip's picture is not on disk yet; ask again when the clip is complete");
  return found;
}

}  // namespace kanhu
