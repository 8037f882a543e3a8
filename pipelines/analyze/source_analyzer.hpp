// SPDX-License-Identifier: MIT
// Frame -> Observation for one source.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "media/frame.hpp"
#include "models/detector.hpp"
#include "models/faces/embedder.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::analyze {

struct AnalyzerStats {
  std::uint64_t frames_analysed = 0;
  std::uint64_t detections = 0;
  std::uint64_t tracks_started = 0;
  std::uint64_t faces_compared = 0;  // shots turned into embeddings
  std::uint64_t faces_shed = 0;      // shots worth it that found no room in `shots_per_second`
};

// Everything Kanhu knows about one camera's picture: masks, detector state, tracks, presence per zone, the five
// health facts. Reads no clock: time is that of frames and ticks. The same calls give the same observations.
// A call that makes no sense now (a frame of another run, a tick without a run, a second end) is ignored.
// Thread: confined to whoever holds the claim on the source.
class SourceAnalyzer {
 public:
  SourceAnalyzer(const CameraConfig& camera, ObservationSink& sink);
  ~SourceAnalyzer();

  // A run begins (a connection was made, or a file opened). Presence is unknown (starting, or as it was) until warm-up is over.
  void begin_run(const std::string& run);
  // `detector` is the calling thread's instance. A detector that throws makes presence unknown (detector_failed), never absent.
  // `embedder`, too, is the thread's own; nullptr: faces are not compared.
  void analyze(const Frame& frame, models::Detector& detector, models::FaceEmbedder* embedder = nullptr);
  // A frame nobody can be asked about: the picture's health is judged, presence is unknown. `why` is the reason in
  // words when a detector should be there (detector_failed), empty when none is configured (not_analysed).
  void analyze_without(const Frame& frame, const std::string& why);
  void tick(const Tick& tick);
  // The run is over: tracks end (camera_lost; closed for kClosed), presence becomes unknown (camera_offline;
  // not_analysed for kClosed, which is our own doing), health says why.
  // `packets_arrive` as for HealthFacts::run_ended.
  void end_run(const Error& why, std::optional<bool> packets_arrive = std::nullopt);

  AnalyzerStats stats() const;
  // Somebody is being followed.
  bool has_tracks() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kanhu::analyze
