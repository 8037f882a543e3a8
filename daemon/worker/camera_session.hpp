// SPDX-License-Identifier: MIT
// One camera inside a worker: its sessions, its way into analysis, its recording.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "daemon/worker/latest_picture.hpp"
#include "pipelines/analyze/scheduler.hpp"
#include "pipelines/ingest/frame_source.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// What a camera's stages share inside one worker. All outlive the sessions.
struct WorkerTools {
  analyze::Scheduler& scheduler;
  record::Recorder* recorder = nullptr;  // none in replay
  FileIo& files;
  const Clock& clock;
  ObservationSink& observations;
  std::function<void(relay::Message)> report;  // SourceUp, SourceEnded; from any thread
  bool replay = false;
};

// Joins ingest, analyze and record for one camera: one session a stream, shared by analysis and recording. Opens when
// told and never retries: the gateway decides.
// Thread: open and request_clip from the worker's control thread, stats from any; the sources call back from their own.
class CameraSession {
 public:
  CameraSession(relay::Assign assign, WorkerTools tools);
  ~CameraSession();  // stops the sources and waits for their end (<= 3 s each)
  CameraSession(const CameraSession&) = delete;
  CameraSession& operator=(const CameraSession&) = delete;

  void open(StreamRole role);
  void begin_stop();  // asks the sources to end, without waiting; before the destructor, when many cameras go at once
  void request_clip(const ClipRequest& request);
  relay::CameraReport stats() const;
  // What there is to show; outlives the session where somebody holds it.
  std::shared_ptr<LatestPicture> latest_picture() const { return latest_; }
  StreamRole analysed_role() const { return session_role(assign_.camera, assign_.camera.analyze); }
  bool is_private() const { return assign_.is_private; }                             // nothing of it is shown or kept
  bool shows_warmth() const;                                                         // raw temperatures, not video
  const std::string& detector_name() const { return assign_.camera.detector.name; }  // as configured

 private:
  class Session;

  ingest::SourceSpec spec_for(StreamRole role) const;

  relay::Assign assign_;
  WorkerTools tools_;
  const std::shared_ptr<LatestPicture> latest_ = std::make_shared<LatestPicture>();
  std::unique_ptr<analyze::Lane> lane_;
  std::unique_ptr<record::RecordedStream> recorded_;
  mutable std::mutex mutex_;                          // of the two members below
  std::array<std::unique_ptr<Session>, 2> sessions_;  // by role
  relay::CameraReport closed_;                        // counters of runs that are over
};

}  // namespace kanhu
