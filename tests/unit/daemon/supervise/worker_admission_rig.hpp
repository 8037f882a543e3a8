// SPDX-License-Identifier: MIT
// A worker with one camera, as the gateway knows it, and what it might say: for tests of what the gateway takes from a worker.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "base/digest.hpp"
#include "daemon/supervise/worker_admission.hpp"

namespace kanhu::admission {

using Verdict = WorkerAdmission::Verdict;

inline constexpr WallTime kNow = WallTime(std::chrono::seconds(1'790'000'000));
inline constexpr MonoTime kMono = MonoTime(std::chrono::seconds(1000));
inline const std::string kRun(32, 'a');
inline const std::string kDigest(64, 'd');

inline relay::Assign hall() {
  relay::Assign assign;
  assign.facility = "fuxing";
  assign.camera.id = "hall";
  assign.camera.main = StreamConfig{"rtsp://10.0.0.1/1", "", Transport::kTcp};
  assign.camera.analyze = StreamRole::kMain;
  assign.camera.record = StreamRole::kMain;
  assign.camera.detector.name = "blazeface";
  assign.camera.zones.push_back({"door", {}});
  assign.camera.faces.recognize = true;
  return assign;
}

// The camera `hall` with another detector, or as a sensor.
inline relay::Assign looking_by(const std::string& detector) {
  relay::Assign assign = hall();
  assign.camera.detector.name = detector;
  return assign;
}

inline relay::Assign sensing(SensorKind kind) {
  relay::Assign assign = looking_by("thermal");
  assign.camera.main.reset();
  assign.camera.record.reset();
  assign.camera.faces.recognize = false;
  assign.camera.sensor = SensorConfig{};
  assign.camera.sensor->kind = kind;
  return assign;
}

inline ClipRequest clip_of_hall() {
  ClipRequest request;
  request.clip = content_id({"one"});
  request.facility = "fuxing";
  request.source = "hall";
  request.from = kNow;
  request.to = kNow + std::chrono::seconds(10);
  return request;
}

inline Observation seen(decltype(Observation::body) body = TickObservation{}) {
  Observation observation;
  observation.source = "hall";
  observation.run = kRun;
  observation.time = kNow;
  observation.body = std::move(body);
  return observation;
}

inline TrackObservation track(Phase phase = Phase::kStart, std::uint64_t id = 1) {
  TrackObservation body;
  body.phase = phase;
  body.id = id;
  body.label = "face";
  body.zone = "door";
  body.start_time = kNow;
  return body;
}

inline PresenceObservation presence(const std::string& zone, Presence state = Presence::kPresent) {
  PresenceObservation body;
  body.zone = zone;
  body.state = state;
  return body;
}

inline ClipRecord record_of_hall() {
  ClipRecord record;
  record.clip = clip_of_hall().clip;
  record.facility = "fuxing";
  record.source = "hall";
  record.status = ClipStatus::kComplete;
  record.parts = {"fuxing/2026/09/21/" + record.clip + ".mp4"};
  record.sha256 = {kDigest};
  record.from = kNow;
  record.to = kNow + std::chrono::seconds(10);
  return record;
}

inline relay::CameraReport counters(const std::string& camera) {
  relay::CameraReport stats;
  stats.camera = camera;
  return stats;
}

// A worker that has the camera `hall`, which is open, was asked for one clip and one picture.
struct Rig {
  explicit Rig(bool replay = false) : admission(3, replay) {
    admission.told(hall());
    admission.told(relay::Open{"hall", StreamRole::kMain});
    admission.told(relay::AskClip{clip_of_hall()});
    admission.told(relay::AskPicture{77, "hall", 0, "", {}, ClockSource::kArrival});
  }

  WorkerAdmission::Answer say(relay::Message message, MonoTime now = kMono, WallTime wall = kNow, std::size_t bytes = 300) {
    auto answer = admission.judge(message, bytes, now, wall);
    last = std::move(message);
    return answer;
  }
  Verdict says(relay::Message message) { return say(std::move(message)).verdict; }

  WorkerAdmission admission;
  relay::Message last;
};

}  // namespace kanhu::admission
