// Frame -> Observation for one source.
#pragma once

#include <memory>
#include <string>

#include "config/config.hpp"
#include "models/detector.hpp"
#include "pipelines/frame.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::analyze {

struct AnalyzerStats {
  std::uint64_t frames_analysed = 0;
  std::uint64_t detections = 0;
  std::uint64_t tracks_started = 0;
};

// Everything Kanhu knows about one camera's picture: masks, detector state, tracks, presence per zone, the five
// health facts. Reads no clock: time is that of frames and ticks. The same calls give the same observations.
// Thread: confined to whoever holds the claim on the source.
class SourceAnalyzer {
 public:
  SourceAnalyzer(const CameraConfig& camera, ObservationSink& sink);
  ~SourceAnalyzer();

  // A run begins (a connection was made, or a file opened). Presence is unknown (starting, or as it was) until warm-up is over.
  void begin_run(const std::string& run);
  // `detector` is the calling thread's instance. A detector that throws makes presence unknown (detector_failed), never absent.
  void analyze(const Frame& frame, models::Detector& detector);
  void tick(const Tick& tick);
  // The run is over: tracks end (camera_lost, or camera_replaced/closed when asked to), presence becomes unknown, health says why.
  void end_run(const Error& why);

  AnalyzerStats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kanhu::analyze
