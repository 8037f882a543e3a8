// SPDX-License-Identifier: MIT
#include "pipelines/analyze/face_watch.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/log.hpp"
#include "models/faces/quality.hpp"

namespace kanhu::analyze {
namespace {

constexpr std::size_t kMostShots = 5;                    // of one track
constexpr std::chrono::milliseconds kBetweenShots{300};  // two pictures of one moment say little more than one
constexpr double kBetter = 1.1;                          // a shot replaces the worst of five from here on
constexpr double kMostYaw_degrees = 45;                  // half a face is no face to compare
constexpr std::size_t kLandmarks = 4;                    // right eye, left eye, nose tip, mouth centre

}  // namespace

void FaceWatch::begin_run() {
  stillness_.begin_run();
  room_ = 1;
  refilled_.reset();
}

std::vector<std::size_t> FaceWatch::measure(const ImageView& image, std::vector<Track>& tracks, MediaTime now) {
  std::vector<std::size_t> changed;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    Track& track = tracks[i];
    track.face.now.reset();
    if (track.label != "face" || !track.seen) continue;
    if (stillness_.look(image, track, now)) changed.push_back(i);
    if (track.landmarks.size() < kLandmarks) continue;
    const FaceQuality quality = models::face_quality(image, track.box, track.landmarks);
    track.face.now = quality;
    if (!track.face.best || quality.total > track.face.best->total) track.face.best = quality;
  }
  return changed;
}

bool FaceWatch::wants(const Track& track, MediaTime now) const {
  const FaceMemory& face = track.face;
  if (track.id == 0 || !track.seen || !face.now || face.is_static || face.now->total <= 0) return false;
  if (face.now->inter_pupil_px < config_.inter_pupil_min_px || std::abs(face.now->yaw_degrees) > kMostYaw_degrees) return false;
  if (face.last_shot && now - *face.last_shot < kBetweenShots) return false;
  return face.shots.size() < kMostShots || face.now->total >= kBetter * face.shots.back();
}

void FaceWatch::refill(MediaTime now) {
  if (refilled_) room_ += config_.shots_per_second * to_seconds(now - *refilled_);
  refilled_ = now;
  room_ = std::min(room_, std::max(1.0, 2 * config_.shots_per_second));
}

std::vector<FaceShotObservation> FaceWatch::shots(const ImageView& image, std::vector<Track>& tracks, MediaTime now,
                                                  models::FaceEmbedder* embedder) {
  if (!config_.recognize || embedder == nullptr) return {};
  refill(now);
  std::vector<Track*> wanted;
  for (Track& track : tracks)
    if (wants(track, now)) wanted.push_back(&track);
  std::stable_sort(wanted.begin(), wanted.end(), [](const Track* a, const Track* b) {
    return std::tuple(a->face.shots.size(), -a->face.now->total) < std::tuple(b->face.shots.size(), -b->face.now->total);
  });
  std::vector<FaceShotObservation> shots;
  for (Track* track : wanted) {
    if (room_ < 1) {
      ++shed_;
      continue;
    }
    room_ -= 1;
    auto embedding = embedder->embed(image, track->landmarks);
    if (!embedding) {
      if (!embedder_down_) log::warning("analyze", "a face could not be compared: {}", embedding.error().message);
      embedder_down_ = true;
      continue;
    }
    ++compared_;
    FaceMemory& face = track->face;
    face.last_shot = now;
    face.shots.push_back(face.now->total);
    std::sort(face.shots.rbegin(), face.shots.rend());
    if (face.shots.size() > kMostShots) face.shots.pop_back();
    shots.push_back({track->id, track->box, *face.now, std::move(*embedding), embedder->info().digest});
  }
  return shots;
}

}  // namespace kanhu::analyze
