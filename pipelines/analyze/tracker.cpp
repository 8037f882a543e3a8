// SPDX-License-Identifier: MIT
#include "pipelines/analyze/tracker.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <utility>

#include "models/assignment/assignment.hpp"

namespace kanhu::analyze {
namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kBirthWithin = std::chrono::seconds(1);
constexpr nanoseconds kDeathAfter = std::chrono::seconds(2);
constexpr double kPositionGain = 0.8;  // alpha
constexpr double kVelocityGain = 0.4;  // beta
constexpr double kSizeGain = 0.5;
// Centre distances in box sizes. A walker crosses the picture in 4 s: at 5 frames a second a face of 4 % of the
// picture's width moves 1.25 widths a frame, which is the gate while its velocity is not known yet.
constexpr double kGateNew = 1.6;
constexpr double kGateKnown = 1.0;
constexpr double kGateGrowth = 0.5;  // per second unseen
constexpr double kLeastOverlap = 0.2;
constexpr double kWorth = 1e6;  // benefits are integers: the solver is exact on them
constexpr double kConfirmedBonus = 0.1;

Box predicted(const Track& track, double seconds) {
  const double cx = track.cx + track.vx * seconds;
  const double cy = track.cy + track.vy * seconds;
  return {cx - track.w / 2, cy - track.h / 2, track.w, track.h};
}

// How well a detection continues a track; 0 when it cannot.
std::int64_t benefit(const Track& track, const Detection& detection, MediaTime pts) {
  if (track.label != detection.label || track.box.area() <= 0 || detection.box.area() <= 0) return 0;
  const double ratio = detection.box.area() / track.box.area();
  if (ratio > 4 || ratio < 0.25) return 0;
  const double unseen = to_seconds(pts - track.last_pts);
  const Box where = predicted(track, unseen);
  const double overlap = intersection_over_union(where, detection.box);
  const double dx = (where.x + where.width / 2 - detection.box.x - detection.box.width / 2) / ((where.width + detection.box.width) / 2);
  const double dy = (where.y + where.height / 2 - detection.box.y - detection.box.height / 2) / ((where.height + detection.box.height) / 2);
  const double distance = std::hypot(dx, dy);
  const double gate = (track.confirmed ? kGateKnown : kGateNew) + kGateGrowth * unseen;
  if (distance > gate && overlap < kLeastOverlap) return 0;
  const double nearness = std::max(0.0, 1.0 - distance / gate);
  const double worth = 0.5 * overlap + 0.5 * nearness + (track.confirmed ? kConfirmedBonus : 0.0);
  return 1 + std::llround(worth * kWorth);
}

void follow(Track& track, const Detection& detection, MediaTime pts) {
  const double dt = to_seconds(pts - track.last_pts);
  const double zx = detection.box.x + detection.box.width / 2;
  const double zy = detection.box.y + detection.box.height / 2;
  if (!track.confirmed) {  // the second sighting: two points give the velocity
    track.vx = dt > 0 ? (zx - track.cx) / dt : 0;
    track.vy = dt > 0 ? (zy - track.cy) / dt : 0;
    track.cx = zx;
    track.cy = zy;
  } else {
    const double px = track.cx + track.vx * dt;
    const double py = track.cy + track.vy * dt;
    track.cx = px + kPositionGain * (zx - px);
    track.cy = py + kPositionGain * (zy - py);
    if (dt > 0) {
      track.vx += kVelocityGain * (zx - px) / dt;
      track.vy += kVelocityGain * (zy - py) / dt;
    }
  }
  track.w += kSizeGain * (detection.box.width - track.w);
  track.h += kSizeGain * (detection.box.height - track.h);
  track.box = detection.box;
  track.landmarks = detection.landmarks;
  track.score = detection.score;
  track.best_score = std::max(track.best_score, detection.score);
  track.last_pts = pts;
  track.confirmed = true;
  track.seen = true;
}

Track born(const Detection& detection, MediaTime pts, WallTime time) {
  Track track;
  track.label = detection.label;
  track.box = detection.box;
  track.landmarks = detection.landmarks;
  track.score = track.best_score = detection.score;
  track.first_pts = track.last_pts = pts;
  track.first_time = time;
  track.seen = true;
  track.cx = detection.box.x + detection.box.width / 2;
  track.cy = detection.box.y + detection.box.height / 2;
  track.w = detection.box.width;
  track.h = detection.box.height;
  return track;
}

}  // namespace

Tracker::Tracker(double frames_per_second) : birth_within_(kBirthWithin), death_after_(kDeathAfter) {
  if (frames_per_second <= 0) return;
  const std::chrono::duration<double> interval(1 / frames_per_second);
  birth_within_ = std::max(birth_within_, std::chrono::duration_cast<nanoseconds>(2 * interval));
  death_after_ = std::max(death_after_, std::chrono::duration_cast<nanoseconds>(4 * interval));
}

bool Tracker::gone(const Track& track, MediaTime pts) const {
  const nanoseconds unseen = pts - track.last_pts;
  return track.confirmed ? unseen >= death_after_ : unseen > birth_within_;
}

std::vector<Track> Tracker::update(const std::vector<Detection>& detections, MediaTime pts, WallTime time) {
  std::vector<Track> dead;
  for (const Track& track : tracks_)
    if (gone(track, pts)) dead.push_back(track);
  std::erase_if(tracks_, [&](const Track& track) { return gone(track, pts); });

  std::vector<std::int64_t> benefits;
  benefits.reserve(tracks_.size() * detections.size());
  for (const Track& track : tracks_)
    for (const Detection& detection : detections) benefits.push_back(benefit(track, detection, pts));
  const std::vector<int> assigned = models::assign_best(benefits, tracks_.size(), detections.size());

  std::vector<bool> taken(detections.size(), false);
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    tracks_[i].seen = false;
    if (assigned[i] < 0) continue;
    const auto column = static_cast<std::size_t>(assigned[i]);
    taken[column] = true;
    follow(tracks_[i], detections[column], pts);
  }

  for (std::size_t i = 0; i < detections.size(); ++i)
    if (!taken[i]) tracks_.push_back(born(detections[i], pts, time));
  return dead;
}

std::vector<Track> Tracker::clear() { return std::exchange(tracks_, {}); }

}  // namespace kanhu::analyze
