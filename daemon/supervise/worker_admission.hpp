// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/time.hpp"
#include "daemon/query/rate_limit.hpp"
#include "daemon/supervise/worker_grant.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// What the gateway takes from one life of one worker: only what it assigned to it, in bounded volume. A worker parses what third parties
// send, so it is believed about its own cameras and nothing else. What was on its way while a camera was taken from it is left out, not
// held against it. Pure but for its lock: no clock, no socket. Thread: any; `told` before the message is sent, `judge` in the order of what
// the worker says.
class WorkerAdmission {
 public:
  enum class Verdict {
    kTake,
    kLeaveOut,  // of a camera that is no longer its own, too late, or a log line too many
    kKill,
  };
  struct Answer {
    Verdict verdict = Verdict::kTake;
    std::string why;  // kKill: words that follow "worker 3 "
  };

  // `replay`: as fast as it can, in the recordings' time; volume and times are not judged.
  WorkerAdmission(std::size_t worker, bool replay) : worker_(worker), replay_(replay) {}

  void told(const relay::Message& message);
  // May make texts in it one line, and shorter. `bytes`: its size on the socket.
  Answer judge(relay::Message& message, std::size_t bytes, MonoTime now, WallTime wall);
  // Something that is no message at all.
  Answer garbled(MonoTime now);
  // Once in a while, when log lines or tracks were left out: the line that says how many.
  std::optional<std::string> left_out(MonoTime now);

 private:
  // Filled at its rate; empty from the start means full.
  struct Bucket {
    Rate rate;
    std::optional<MonoTime> at = std::nullopt;
    double tokens = 0;
    bool take(double wanted, MonoTime now);
  };
  using Counts = std::array<int, 2>;  // by role
  struct Camera {
    WorkerGrant now, before;  // `before`: of all earlier assignments
    Counts opened{}, connected{}, up{}, ended{};
    int runs = 0;
    std::string run, old_run;
    std::set<std::uint64_t> tracks;  // begun and not ended in this run
    Bucket observations, bytes, stats, starts;
  };
  struct AskedClip {
    ClipRequest request;  // with the latest end asked for
    int open = 0;         // requests that have no answer yet
  };
  struct Picture {
    std::uint64_t id = 0, bytes = 0;
    bool done = false;
  };
  struct Span {
    std::chrono::nanoseconds least{0}, most{0};  // wall clock minus monotonic clock, as seen so far
  };

  void grant(const relay::Assign& assign);
  void remember(const ClipRequest& request);
  void withdraw(Camera& camera);
  Answer check_message(relay::Message& message, std::size_t bytes, MonoTime now, WallTime wall);
  Answer check_observation(Observation& observation, std::size_t bytes, MonoTime now, WallTime wall);
  Answer check_run(Camera& camera, const Observation& observation, MonoTime now);
  Answer check_track(Camera& camera, const TrackObservation& track, const Observation& observation, MonoTime now);
  Answer check_session(const std::string& camera, StreamRole role, Counts Camera::*said, const char* what);
  Answer check_clip(ClipRecord& record);
  Answer check_picture(std::uint64_t id, std::uint64_t bytes, bool last);
  Answer check_beat(relay::WorkerReport& stats, MonoTime now);
  Answer check_stats(relay::CameraReport& stats, MonoTime now);
  Answer check_line(relay::LogLine& line, std::size_t bytes, MonoTime now);
  bool is_elsewhere(const ClipRecord& record, const ClipRequest& request) const;
  std::string wrong_time(const Observation& observation, MonoTime now, WallTime wall) const;
  void look_at_clocks(MonoTime now, WallTime wall);

  const std::size_t worker_;
  const bool replay_;
  std::mutex mutex_;
  std::map<std::string, Camera> cameras_;  // assigned in this life
  std::map<std::string, AskedClip> clips_;
  std::deque<std::string> clip_order_;
  bool forgot_clips_ = false;
  std::deque<Picture> pictures_;
  bool greeted_ = false;
  int tasks_ = 0;            // given
  std::int64_t rounds_ = 0;  // of sensors, begun and not ended
  std::optional<Span> clocks_;
  MonoTime began_{};
  Bucket beats_, garbage_, lines_, line_bytes_, picture_bytes_;
  std::uint64_t lines_left_out_ = 0, tracks_left_out_ = 0;
  std::optional<MonoTime> said_left_out_;
};

}  // namespace kanhu
