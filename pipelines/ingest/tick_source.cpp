// SPDX-License-Identifier: MIT
#include "pipelines/ingest/tick_source.hpp"

#include "pipelines/ingest/capture_clock.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::chrono::seconds kSecond{1};
constexpr std::size_t kMostTicksAtOnce = 24 * 3600;  // a recording that claims a gap of more than a day

}  // namespace

LiveTickSource::LiveTickSource(MonoTime started, WallTime wall) : due_(started + kSecond), reference_(started) { captured_.arrival = wall; }

void LiveTickSource::saw(const Packet& packet) {
  reference_ = packet.arrival;
  media_ = packet.pts;
  captured_ = packet.captured;
}

std::optional<Tick> LiveTickSource::tick(MonoTime now) {
  if (now < due_) return std::nullopt;
  due_ += kSecond;
  if (due_ <= now) due_ = now + kSecond;
  const auto passed = now - reference_;
  return Tick{media_ + passed, advanced(captured_, passed)};
}

ReplayTickSource::ReplayTickSource(WallTime file_start) {
  last_captured_.arrival = file_start;
  last_captured_.from_file = true;
}

std::vector<Tick> ReplayTickSource::until(MediaTime pts, const CaptureTime& captured) {
  std::vector<Tick> ticks;
  // Before the first frame there is no capture time to go on from: count back from this one.
  const bool first = last_pts_ == MediaTime{} && last_captured_.from_file && !captured.from_file;
  const MediaTime from_pts = first ? pts : last_pts_;
  const CaptureTime& from = first ? captured : last_captured_;
  for (; next_ <= pts && ticks.size() < kMostTicksAtOnce; next_ += kSecond) ticks.push_back({next_, advanced(from, next_ - from_pts)});
  if (next_ <= pts) next_ = MediaTime(std::chrono::floor<std::chrono::seconds>(pts.time_since_epoch()) + kSecond);
  if (pts >= last_pts_) {
    last_pts_ = pts;
    last_captured_ = captured;
  }
  return ticks;
}

}  // namespace kanhu::ingest
