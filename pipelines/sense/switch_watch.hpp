// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::sense {

// States of a motion detector or contact -> Observation, with the same calls as the analyzer of a picture.
//
// A motion detector sees that somebody moves, never that nobody is there: motion makes its zones present for `hold`, then they are
// unknown (no_motion). A contact says open or closed, once a run and at every change.
// Reads no clock. Thread: confined.
class SwitchWatch {
 public:
  SwitchWatch(const CameraConfig& source, ObservationSink& sink);

  // `well` false: it is going to end at once, so nothing is claimed before.
  void begin_run(const std::string& run, const CaptureTime& now, bool well = true);
  // `age`: how long before its arrival that was so; a motion that is as old as `hold` says nothing.
  void state(bool active, const CaptureTime& captured, MediaTime media, MonoTime arrival, std::chrono::nanoseconds age = {});
  void tick(const Tick& tick);
  // Presence becomes unknown (camera_offline; not_analysed for kClosed, which is our own doing), health says why.
  void end_run(const Error& why);

 private:
  struct Zone {
    std::string name;
    std::optional<std::pair<Presence, std::string>> said;  // with the reason
  };
  template <typename Body>
  void say(Body body);
  void say_health();
  void say_presence(Presence state, const std::string& reason);
  void move_to(const CaptureTime& captured, MediaTime media);

  const std::string id_;
  const SensorKind kind_;
  const std::chrono::nanoseconds hold_;
  ObservationSink& sink_;
  std::vector<Zone> zones_;
  HealthObservation health_;
  std::optional<HealthObservation> said_health_;
  bool running_ = false;
  std::string run_;
  std::uint64_t ordinal_ = 0;
  MediaTime now_{};
  MonoTime arrival_{};
  WallTime time_{}, arrived_{};
  std::optional<std::chrono::microseconds> offset_;  // of the sender's clock
  std::optional<MediaTime> motion_;                  // the last
  std::optional<bool> open_;
};

}  // namespace kanhu::sense
