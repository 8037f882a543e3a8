// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "pipelines/analyze/face_memory.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::analyze {

// A person followed from frame to frame.
struct Track {
  std::uint64_t id = 0;  // given when it is announced, 0 before
  std::string label;
  Box box;           // where it was last seen
  double score = 0;  // of the last detection
  double best_score = 0;
  MediaTime first_pts{};
  WallTime first_time{};
  MediaTime last_pts{};          // last seen
  bool confirmed = false;        // seen twice within a second
  bool seen = false;             // in the last frame given to update()
  std::vector<Point> landmarks;  // of the last detection
  FaceMemory face;               // kept by FaceWatch
  std::string zone;              // kept by the analyzer
  MediaTime reported_pts{};      // kept by the analyzer

  // Predicted motion: centre, size and velocity in fractions of the picture and per second.
  double cx = 0, cy = 0, w = 0, h = 0, vx = 0, vy = 0;
};

// One id per person: the frame-to-frame association of SORT (Bewley et al., "Simple Online and Realtime Tracking",
// ICIP 2016) with a constant-velocity alpha-beta filter (Kalata 1984) in place of the Kalman filter, since at 5 frames
// a second a box's covariance says little; and a cost of overlap and centre distance, since faces at that rate often do
// not overlap from one frame to the next. Time is media time. The same calls give the same tracks.
// Thread: confined to the source's claim.
class Tracker {
 public:
  // `frames_per_second` as configured: below 2 the waits for a second sighting and for a return stretch with it.
  explicit Tracker(double frames_per_second = 5);
  // `detections` (at most 512) of the frame at `pts` (rising). Returns the tracks that died: not seen for 2 s.
  std::vector<Track> update(const std::vector<Detection>& detections, MediaTime pts, WallTime time);
  // Ends everything; returns what there was.
  std::vector<Track> clear();

  std::vector<Track>& tracks() { return tracks_; }  // oldest first, also unconfirmed ones
  const std::vector<Track>& tracks() const { return tracks_; }

 private:
  bool gone(const Track& track, MediaTime pts) const;

  std::chrono::nanoseconds birth_within_;
  std::chrono::nanoseconds death_after_;
  std::vector<Track> tracks_;
};

}  // namespace kanhu::analyze
