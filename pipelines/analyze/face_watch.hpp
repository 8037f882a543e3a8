// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "models/faces/embedder.hpp"
#include "pipelines/analyze/stillness.hpp"
#include "pipelines/analyze/tracker.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::analyze {

// The faces one source follows: how good each shot is, which faces never move, and which shots are worth comparing with a
// gallery. Promises: a face that was measured has landmarks; at most `shots_per_second` comparisons a second of media time
// on average, twice that in a burst, given first to the face that has had fewest; what found no room is counted, not queued.
// Thread: confined to the source's claim.
class FaceWatch {
 public:
  explicit FaceWatch(const FacesConfig& config) : config_(config) {}
  void begin_run();

  // Measures the faces seen in this picture. Tracks whose `is_static` changed are returned by index.
  std::vector<std::size_t> measure(const ImageView& image, std::vector<Track>& tracks, MediaTime now);
  // The shots of this picture that are to be compared. Without an embedder none is.
  std::vector<FaceShotObservation> shots(const ImageView& image, std::vector<Track>& tracks, MediaTime now, models::FaceEmbedder* embedder);
  // A track has ended; where it was lives on, for the next one there.
  void forget(const Track& track, MediaTime now) { stillness_.forget(track, now); }

  std::uint64_t compared() const { return compared_; }
  std::uint64_t shed() const { return shed_; }

 private:
  bool wants(const Track& track, MediaTime now) const;
  void refill(MediaTime now);

  FacesConfig config_;
  Stillness stillness_;
  double room_ = 1;  // comparisons that may be made now
  std::optional<MediaTime> refilled_;
  std::uint64_t compared_ = 0;
  std::uint64_t shed_ = 0;
  bool embedder_down_ = false;  // already logged
};

}  // namespace kanhu::analyze
