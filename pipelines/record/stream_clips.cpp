// SPDX-License-Identifier: MIT
#include "pipelines/record/stream_clips.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace kanhu::record {
namespace {

constexpr std::uint64_t kLargestAccessUnitBytes = 8ull << 20;
// Decisions come after their frame: enter_after, the watermark and the way through the relay. The ring keeps so much
// more than the pre-roll.
constexpr std::chrono::seconds kDecisionTime{3};
constexpr std::chrono::milliseconds kLatestStart{500};
// A picture may be late by its network and its decoder; then a clip whose end has passed is closed by the ticks.
constexpr std::chrono::seconds kEndGrace{2};
// Without a picture this shortly before its end a clip is short. Low frame rates of real cameras are 1 frame/s.
constexpr std::chrono::milliseconds kEndTolerance{1500};
constexpr std::chrono::hours kLongestRequest{1};
constexpr std::size_t kMostAnswered = 256;
constexpr std::size_t kMostOpen = 64;

std::optional<StreamRole> recorded_role(const CameraConfig& camera) { return camera.main && camera.sub ? camera.record : std::nullopt; }

Recorded recorded_of(const CameraConfig& camera) {
  Recorded recorded{camera.name, {}};
  for (const ZoneView& view : camera.zones)
    if (std::find(recorded.zones.begin(), recorded.zones.end(), view.zone) == recorded.zones.end()) recorded.zones.push_back(view.zone);
  return recorded;
}

}  // namespace

StreamClips::StreamClips(std::shared_ptr<Volume> volume, std::string facility, const CameraConfig& camera)
    : volume_(std::move(volume)),
      facility_(std::move(facility)),
      camera_(recorded_of(camera)),
      role_(recorded_role(camera)),
      most_queue_bytes_(camera.clips.ring_bytes + kLargestAccessUnitBytes),
      ring_(camera.clips.ring_bytes, camera.clips.pre_roll + kDecisionTime) {}

void StreamClips::packet(PacketPtr packet) {
  if (role_ && packet->role != *role_) return;
  std::scoped_lock lock(mutex_);
  if (packet->run != run_) {
    run_ = packet->run;
    run_over_ = false;
    reorders_ = false;
    newest_pts_ = packet->pts;
    close_where([&](const OpenClip& clip) { return clip.has_packets && clip.request.run != run_; },
                [](const OpenClip& clip) { return clip.end_pts ? "" : "camera_lost"; });
  }
  if (packet->pts < newest_pts_) reorders_ = true;
  newest_pts_ = std::max(newest_pts_, packet->pts);
  newest_ = Anchor{steady_of(*packet), packet->captured.arrival, packet->pts};
  ring_.push(packet);
  std::erase_if(open_, [&](OpenClip& clip) {
    if (clip.request.run.empty()) clip.request.run = run_;
    if (!clip.end) aim(clip);
    return clip.request.run == run_ && feed(clip, packet) == Fate::kClosed;
  });
}

void StreamClips::request(const ClipRequest& request) {
  std::scoped_lock lock(mutex_);
  const auto running = std::find_if(open_.begin(), open_.end(), [&](const OpenClip& clip) { return clip.request.clip == request.clip; });
  if (running != open_.end()) {
    if (request.to > running->request.to) {
      running->request.to = std::min(request.to, running->request.from + kLongestRequest);
      running->end_pts.reset();
      aim(*running);
    }
    volume_->thread.post([writer = running->writer, extension = request] { writer->extend(extension); });
    return;
  }
  if (std::find(answered_.begin(), answered_.end(), request.clip) != answered_.end()) {
    log::info("record", "clip {} is already closed; the request to move its end comes too late", request.clip);
    return;
  }
  start(request);
}

void StreamClips::start(const ClipRequest& asked) {
  ClipRequest request = asked;
  if (request.run.empty()) request.run = run_;
  if (request.facility != facility_ || request.to < request.from || request.to - request.from > kLongestRequest ||
      open_.size() >= kMostOpen)
    return answer(asked, "invalid_request");
  if (!is_clip_id(request.clip)) return answer(asked, "invalid_request");
  OpenClip clip;
  clip.request = request;
  aim(clip);
  const auto kept = clip.begin ? ring_.from(request.run, *clip.begin) : std::vector<PacketPtr>();
  const bool is_past = !kept.empty() && steady_of(*kept.front()) > *clip.end;
  if ((kept.empty() || is_past) && too_late(request.run, clip)) return answer(asked, "request_too_late");

  clip.writer = std::make_shared<ClipWriter>(volume_->io, volume_->directory, asked, camera_, volume_->muxers);
  for (const PacketPtr& packet : kept)
    if (feed(clip, packet) == Fate::kClosed) return;
  if (!kept.empty() && kept.front()->run != run_) return close(clip, clip.end_pts ? "" : "camera_lost");
  if (run_over_ && request.run == run_) return close(clip, clip.end_pts ? "" : over_reason_);
  open_.push_back(std::move(clip));
}

// Arrival at this machine is what the request says, less what the camera's clock was ahead of it when it was made. Both ends are taken over
// to the steady clock at once: this machine's own may be set before they come.
void StreamClips::aim(OpenClip& clip) const {
  if (!newest_) return;
  const auto steady = [&](WallTime asked) { return newest_->steady + (asked - clip.request.offset - newest_->wall); };
  if (!clip.begin) clip.begin = steady(clip.request.from);
  const MonoTime end = steady(clip.request.to);
  if (clip.end && end <= *clip.end) return;
  clip.end = end;
  clip.end_media.reset();
  if (clip.request.run == run_) clip.end_media = newest_->pts + (end - newest_->steady);
}

// Packets come in bunches: what has arrived after the end may have been taken before it, and its pts says so. A line of pts that is slow or
// has jumped is waited for no longer than a picture that is late.
bool StreamClips::is_end(const OpenClip& clip, const Packet& packet) const {
  if (!clip.end || steady_of(packet) < *clip.end) return false;
  return !clip.end_media || packet.pts >= *clip.end_media || steady_of(packet) >= *clip.end + kEndGrace;
}

// Nothing of what was asked for is left, and nothing of it is to come.
bool StreamClips::too_late(const std::string& run, const OpenClip& clip) const {
  const auto* known = ring_.find(run);
  if (known && run == run_ && !run_over_)
    return newest_ && clip.end && newest_->steady > *clip.end && (known->evicted || known->overflowed);
  return known && (known->evicted || known->overflowed);
}

void StreamClips::answer(const ClipRequest& request, const std::string& reason) {
  ClipRecord record;
  record.clip = request.clip;
  record.facility = request.facility;
  record.source = request.source;
  record.status = ClipStatus::kMissing;
  record.reason = reason;
  record.from = record.to = request.from;
  answered_.push_back(request.clip);
  if (answered_.size() > kMostAnswered) answered_.pop_front();
  volume_->thread.post([volume = volume_, record] { volume->done(record); });
}

StreamClips::Fate StreamClips::feed(OpenClip& clip, const PacketPtr& packet) {
  if (clip.end_pts && packet->pts > *clip.end_pts) {
    close(clip, "");
    return Fate::kClosed;
  }
  const bool ends = is_end(clip, *packet);
  if (!clip.has_packets && !packet->is_key) return Fate::kStaysOpen;
  if (clip.skipping && !packet->is_key) {
    ++queue_drops_;
    if (!ends) return Fate::kStaysOpen;
    close(clip, "");
    return Fate::kClosed;
  }
  const std::uint64_t cost = packet->bytes.size() + 512;
  if (*queue_bytes_ + cost > most_queue_bytes_) {
    ++queue_drops_;
    clip.skipping = true;
    volume_->thread.post([writer = clip.writer] { writer->flaw("queue_overflow"); });
  } else {
    clip.skipping = false;
    if (!clip.has_packets) {
      const std::string late = late_start(packet->run, *packet, clip);
      if (!late.empty()) volume_->thread.post([writer = clip.writer, late] { writer->flaw(late); });
    }
    clip.has_packets = true;
    clip.newest = steady_of(*packet);
    *queue_bytes_ += cost;
    volume_->thread.post([writer = clip.writer, packet, cost, queued = queue_bytes_] {
      writer->packet(packet);
      *queued -= cost;
    });
  }
  if (!ends) return Fate::kStaysOpen;
  // Pictures shown before this one may still follow it in decode order.
  if (reorders_ && !clip.end_pts) clip.end_pts = packet->pts;
  if (clip.end_pts) return Fate::kStaysOpen;
  close(clip, "");
  return Fate::kClosed;
}

std::string StreamClips::late_start(const std::string& run, const Packet& first, const OpenClip& clip) const {
  if (clip.begin && steady_of(first) <= *clip.begin + kLatestStart) return "";
  const auto* known = ring_.find(run);
  if (known && known->overflowed) return "ring_overflow";
  return known && known->evicted ? "pre_roll_missing" : "camera_connected_late";
}

void StreamClips::close(OpenClip& clip, const std::string& reason) {
  answered_.push_back(clip.request.clip);
  if (answered_.size() > kMostAnswered) answered_.pop_front();
  volume_->thread.post([volume = volume_, writer = clip.writer, reason] { volume->done(writer->close(reason)); });
}

void StreamClips::close_where(const std::function<bool(const OpenClip&)>& ends, const std::function<std::string(const OpenClip&)>& reason) {
  std::erase_if(open_, [&](OpenClip& clip) {
    if (!ends(clip)) return false;
    close(clip, reason(clip));
    return true;
  });
}

void StreamClips::tick(WallTime now) {
  std::scoped_lock lock(mutex_);
  close_where(
      [&](const OpenClip& clip) {
        // The ticks go on steadily from the newest packet's arrival.
        if (clip.end && newest_) return newest_->steady + (now - newest_->wall) >= *clip.end + kEndGrace;
        return now >= clip.request.to - clip.request.offset + kEndGrace;
      },
      [](const OpenClip& clip) -> std::string {
        if (!clip.has_packets) return "no_packets";
        return clip.newest < *clip.end - kEndTolerance ? "camera_lost" : "";
      });
}

void StreamClips::run_ended(const Error& why) {
  std::scoped_lock lock(mutex_);
  run_over_ = true;
  over_reason_ = why.kind == ErrorKind::kClosed ? "recorder_closed" : "camera_lost";
  close_where([&](const OpenClip& clip) { return clip.request.run == run_ || clip.request.run.empty(); },
              [&](const OpenClip& clip) { return clip.end_pts ? "" : over_reason_; });
}

void StreamClips::close_all(const std::string& reason) {
  std::scoped_lock lock(mutex_);
  close_where([](const OpenClip&) { return true; }, [&](const OpenClip& clip) { return clip.end_pts ? "" : reason; });
}

PacketPtr StreamClips::key_at(WallTime time, ClockSource clock) const {
  std::scoped_lock lock(mutex_);
  return ring_.key_at(time, clock);
}

RingStats StreamClips::stats() const {
  std::scoped_lock lock(mutex_);
  return {ring_.bytes(), ring_.seconds(), ring_.overflow_drops(), open_.size(), *queue_bytes_, queue_drops_};
}

}  // namespace kanhu::record
