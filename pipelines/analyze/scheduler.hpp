// SPDX-License-Identifier: MIT
// Which thread analyses which source when.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/histogram.hpp"
#include "base/result.hpp"
#include "models/detector.hpp"
#include "pipelines/analyze/source_analyzer.hpp"

namespace kanhu::analyze {

// Makes the calling thread's detector for a configuration; called at most once per (thread, config).
using DetectorFactory = std::function<Result<std::unique_ptr<models::Detector>>(const DetectorConfig&)>;
// Makes the calling thread's embedder; called at most once per thread, when a source first compares faces.
using EmbedderFactory = std::function<Result<std::unique_ptr<models::FaceEmbedder>>()>;

struct AnalysisPool;
struct AnalysedSource;

struct LaneStats {
  AnalyzerStats analyzer;
  std::uint64_t frames_dropped = 0;  // overwritten by a newer frame before their turn
  LatencyHistogram wait;             // from a frame's arrival in the lane to the start of its analysis
  LatencyHistogram work;             // analysis itself
};

// One source's way into the pool. Live: one frame waits at most, the newest wins, ticks and run changes are never
// lost and keep their order. Replay: pushes block until there is room, nothing is dropped.
// Thread: push methods from the source's thread (one at a time); stats and close from any.
class Lane {
 public:
  ~Lane();  // waits until no thread holds the claim; what still waits is dropped
  void begin_run(std::string run);
  void frame(Frame frame);
  void tick(Tick tick);
  // `packets_arrive`: whether media still came when it ended; nothing: as is usual for the kind of error.
  void end_run(Error why, std::optional<bool> packets_arrive);
  LaneStats stats() const;
  // From any thread: wakes a push that waits for room; what waits is dropped and later pushes do nothing.
  void close();

 private:
  friend class Scheduler;
  Lane(std::shared_ptr<AnalysisPool> pool, std::shared_ptr<AnalysedSource> source) : pool_(std::move(pool)), source_(std::move(source)) {}

  const std::shared_ptr<AnalysisPool> pool_;
  const std::shared_ptr<AnalysedSource> source_;
};

// `threads` analysis threads that take turns over all lanes: round robin, one frame in flight per source, sources
// with tracks or motion first under load. Each thread calls cv::setNumThreads(1) (through models) and has its own detectors.
// Thread: any.
class Scheduler {
 public:
  // Without `embedders` no face is compared.
  Scheduler(int threads, bool replay, DetectorFactory detectors, const Clock& clock, EmbedderFactory embedders = {});
  ~Scheduler();  // after all lanes
  std::unique_ptr<Lane> open(const CameraConfig& camera, ObservationSink& sink);
  // Pieces of work finished since the start, for the watchdog: it must move while something waits.
  std::uint64_t progress() const;
  bool idle() const;
  // What each thread is at, one entry a thread that is at something.
  struct AtWork {
    int thread = 0;
    std::string source;
    MonoTime since{};                            // when this piece of work was begun
    std::chrono::nanoseconds processor_time{0};  // of this thread on it, whatever else runs on this machine
  };
  std::vector<AtWork> at_work() const;
  void wait_idle() const;  // until idle() was true once: replay calls it before it closes a lane

 private:
  const std::shared_ptr<AnalysisPool> pool_;
};

}  // namespace kanhu::analyze
