// SPDX-License-Identifier: MIT
#include "daemon/worker/camera_session.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "pipelines/record/sidecar.hpp"

namespace kanhu {
namespace {

// A recording's own capture times, as its sidecar has them.
std::vector<ingest::RecordedTime> times_of_part(const record::Sidecar& sidecar, int part) {
  std::vector<ingest::RecordedTime> times;
  for (const record::SidecarFrame& frame : sidecar.frames) {
    if (frame.part == part) times.push_back({MediaTime(frame.pts), frame.captured});
  }
  std::sort(times.begin(), times.end(), [](const auto& a, const auto& b) { return a.pts < b.pts; });
  return times;
}

void add_counters(relay::CameraReport& into, const ingest::SourceStats& from) {
  into.packets += from.packets;
  into.key_frames += from.key_frames;
  into.bytes += from.bytes;
  into.frames_decoded += from.frames_decoded;
  into.decode_errors += from.decode_errors;
  into.packets_not_decoded += from.packets_not_decoded;
  into.packets_lost += from.packets_lost;
}

}  // namespace

// One stream's session, from open to its end. Outlives its source's last callback.
class CameraSession::Session final : public ingest::SourceSink {
 public:
  Session(CameraSession& camera, StreamRole role, bool analysed, bool recorded)
      : camera_(camera), role_(role), analysed_(analysed), recorded_(recorded) {}

  void start(std::unique_ptr<ingest::FrameSource> source) {
    source_ = std::move(source);
    if (analysed_) camera_.lane_->begin_run(source_->run());
    source_->start(*this);
  }

  // What cannot even be made fails as a run that ended at once.
  void refuse(const Error& why) {
    if (analysed_) camera_.lane_->begin_run(random_id());
    on_end(why);
  }

  void begin_stop() {
    if (source_) source_->stop();
  }

  void stop_and_wait() {
    begin_stop();
    std::unique_lock lock(mutex_);
    ended_changed_.wait(lock, [&] { return ended_; });
  }

  bool ended() const {
    std::scoped_lock lock(mutex_);
    return ended_;
  }

  ingest::SourceStats stats() const { return source_ ? source_->stats() : ingest::SourceStats{}; }
  bool analysed() const { return analysed_; }

  void on_connected() override { camera_.tools_.report(relay::SourceConnected{camera_.assign_.camera.id, role_}); }

  void on_packet(PacketPtr packet) override {
    if (!seen_packet_.exchange(true)) {
      StreamFormat format = packet->format ? *packet->format : StreamFormat{};
      format.caps.clear();
      camera_.tools_.report(relay::SourceUp{camera_.assign_.camera.id, role_, std::move(format)});
    }
    if (!camera_.assign_.is_private) camera_.latest_->packet(packet);
    if (recorded_) camera_.recorded_->packet(std::move(packet));
  }

  void on_frame(Frame frame) override {
    seen_time_ = true;
    if (!camera_.assign_.is_private) camera_.latest_->frame(frame);
    if (analysed_) camera_.lane_->frame(std::move(frame));
  }

  void on_tick(Tick tick) override {
    if (recorded_) camera_.recorded_->tick(tick.wall.arrival);
    seen_time_ = true;
    if (analysed_) camera_.lane_->tick(tick);
  }

  void on_end(Error why) override {
    camera_.latest_->lost(role_);
    // A run that ended before anything came has no time of its own yet; its observations need one.
    if (analysed_ && !seen_time_ && !camera_.tools_.replay)
      camera_.lane_->tick(Tick{MediaTime{}, CaptureTime{camera_.tools_.clock.wall(), {}, false}});
    if (recorded_) camera_.recorded_->run_ended(why);
    if (analysed_) end_analysis(why);
    camera_.tools_.report(relay::SourceEnded{camera_.assign_.camera.id, role_, std::move(why)});
    std::scoped_lock lock(mutex_);
    ended_ = true;
    ended_changed_.notify_all();
  }

 private:
  void end_analysis(const Error& why) {
    if (!camera_.tools_.replay) return camera_.lane_->end_run(why, stats().was_heard);
    // The end of a recording is no loss of a camera. Words about a file name it: equal recordings make equal events wherever they lie.
    camera_.lane_->end_run({why.kind == ErrorKind::kEndOfStream ? ErrorKind::kClosed : why.kind, ""}, std::nullopt);
  }

  CameraSession& camera_;
  const StreamRole role_;
  const bool analysed_;
  const bool recorded_;
  std::unique_ptr<ingest::FrameSource> source_;
  std::atomic<bool> seen_packet_{false};
  bool seen_time_ = false;  // the source's calls come one at a time
  mutable std::mutex mutex_;
  std::condition_variable ended_changed_;
  bool ended_ = false;
};

namespace {

// Of a camera that watches a private zone the worker keeps nothing but observations, whatever it was told otherwise.
relay::Assign kept_private(relay::Assign assign) {
  if (!assign.is_private) return assign;
  assign.camera.record.reset();
  assign.camera.clips.on.clear();
  assign.camera.faces.recognize = false;
  return assign;
}

}  // namespace

CameraSession::CameraSession(relay::Assign assign, WorkerTools tools) : assign_(kept_private(std::move(assign))), tools_(std::move(tools)) {
  lane_ = tools_.scheduler.open(assign_.camera, tools_.observations);
  if (tools_.recorder && assign_.camera.record) recorded_ = tools_.recorder->open(assign_.facility, assign_.camera);
  if (recorded_) latest_->set_recorded([this](WallTime time, ClockSource clock) { return recorded_->key_at(time, clock); });
}

CameraSession::~CameraSession() {
  for (auto& session : sessions_) {
    if (session) session->stop_and_wait();
  }
  latest_->set_recorded(nullptr);
  recorded_.reset();
  lane_.reset();
}

ingest::SourceSpec CameraSession::spec_for(StreamRole role) const {
  const CameraConfig& camera = assign_.camera;
  ingest::SourceSpec spec;
  spec.source = camera.id;
  spec.role = role;
  spec.stream = *stream_for(camera, role);
  if (auto found = assign_.credentials.find(spec.stream.credential); found != assign_.credentials.end()) spec.credential = found->second;
  spec.decode = session_role(camera, camera.analyze) == role;
  spec.frames_per_second = camera.detector.frames_per_second;
  spec.health = camera.health;
  spec.replay = tools_.replay;
  spec.file_start = assign_.file_start;
  spec.file_digest = assign_.file_digest;
  return spec;
}

void CameraSession::open(StreamRole role) {
  const CameraConfig& camera = assign_.camera;
  std::scoped_lock lock(mutex_);
  auto& slot = sessions_[static_cast<std::size_t>(role)];
  if (slot && !slot->ended()) return;
  if (!stream_for(camera, role) || session_role(camera, role) != role) return;
  if (assign_.is_private && role != analysed_role()) return;  // its other stream may be of visible light
  if (slot) add_counters(closed_, slot->stats());

  ingest::SourceSpec spec = spec_for(role);
  const bool recorded = recorded_ && session_role(camera, *camera.record) == role;
  slot = std::make_unique<Session>(*this, role, spec.decode, recorded);
  if (!assign_.sidecar.empty()) {
    auto sidecar = record::read_sidecar(tools_.files, assign_.sidecar);
    if (!sidecar) return slot->refuse(sidecar.error());
    spec.recorded_times = times_of_part(*sidecar, assign_.part);
  }
  // A camera that is asked without a password counts a failed try, and after some of them locks the account.
  if (const std::string& name = spec.stream.credential; !name.empty() && spec.credential.empty())
    return slot->refuse(
        {ErrorKind::kNoCredential, fmt::format("secret {} is missing or cannot be read (kanhu secret set {})", name, name)});
  auto source = ingest::make_source(spec, tools_.clock);
  if (!source) return slot->refuse(source.error());
  slot->start(std::move(*source));
}

bool CameraSession::shows_warmth() const {
  const StreamConfig* stream = stream_for(assign_.camera, assign_.camera.analyze);
  return stream != nullptr && stream->thermal.has_value();
}

void CameraSession::begin_stop() {
  std::scoped_lock lock(mutex_);
  for (const auto& session : sessions_) {
    if (session) session->begin_stop();
  }
}

void CameraSession::request_clip(const ClipRequest& request) {
  if (recorded_) {
    ClipRequest here = request;
    // The request names the analysed session's run; another session has a run of its own, the one it has now.
    if (session_role(assign_.camera, assign_.camera.analyze) != session_role(assign_.camera, *assign_.camera.record)) here.run.clear();
    return recorded_->request(here);
  }
  ClipRecord record;
  record.clip = request.clip;
  record.facility = request.facility;
  record.source = request.source;
  record.status = ClipStatus::kMissing;
  record.reason = "not_recorded";
  tools_.report(relay::ClipDone{std::move(record)});
}

relay::CameraReport CameraSession::stats() const {
  std::unique_lock lock(mutex_);
  relay::CameraReport stats = closed_;
  stats.camera = assign_.camera.id;
  for (const auto& session : sessions_) {
    if (!session) continue;
    const ingest::SourceStats source = session->stats();
    add_counters(stats, source);
    stats.held_bytes += source.held_bytes;
    if (session->analysed()) {
      stats.codec = source.packets > 0 ? to_string(source.format.codec) : "";
      stats.width = source.format.width;
      stats.height = source.format.height;
      stats.has_rtcp_time = source.has_rtcp_time;
      if (source.keep_alive != ingest::KeepAlive::kUnknown) stats.keep_alive = to_string(source.keep_alive);
    }
  }
  lock.unlock();
  const analyze::LaneStats lane = lane_->stats();
  stats.frames_analysed = lane.analyzer.frames_analysed;
  stats.frames_dropped = lane.frames_dropped;
  stats.detections = lane.analyzer.detections;
  stats.tracks = lane.analyzer.tracks_started;
  stats.faces_compared = lane.analyzer.faces_compared;
  stats.faces_shed = lane.analyzer.faces_shed;
  stats.wait = lane.wait;
  stats.work = lane.work;
  if (recorded_) {
    const record::RingStats ring = recorded_->stats();
    stats.ring_bytes = ring.bytes;
    stats.ring_seconds = ring.seconds;
    stats.ring_overflow_drops = ring.overflow_drops;
    stats.clips_open = ring.clips_open;
  }
  return stats;
}

}  // namespace kanhu
