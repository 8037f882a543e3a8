// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "pipelines/observation.hpp"
#include "pipelines/relay/message.hpp"
#include "pipelines/sense/inbox.hpp"

namespace kanhu {

// Now, by both clocks: read once by whoever calls, so that a source reads none.
struct Moment {
  MonoTime mono{};
  WallTime wall{};
};

// One sensor on a broker: its readings become observations, and its silence becomes unknown.
//
// A run begins with the first reading that is worth something (of a motion detector or contact without availability: with the
// connection, for they may have nothing to say for hours) and ends with an Error when the broker goes, the sensor's last will says
// offline, nothing comes for `silent_after`, or three payloads in a row cannot be read. It begins again by itself. A retained picture
// is old and proves nothing; a retained state counts when its own time is within its hold (pipelines/sense/reading_age.hpp). Time on a
// run's line is that of arrival, so it always rises. Thread: confined to `sensors`.
class SensorSource {
 public:
  // Looks for the detector's weights in `models_path`.
  SensorSource(const CameraConfig& source, ObservationSink& sink, const std::vector<std::string>& models_path);
  ~SensorSource();

  void broker_up(const Moment& now);
  void broker_down(const Error& why, const Moment& now);
  void refused(const Error& why, const Moment& now);  // the broker does not let the topic be read
  void reading(const sense::Delivery& delivery);
  void availability(const sense::Delivery& delivery);
  void tick(const Moment& now);   // once a second
  void close(const Moment& now);  // our own doing

  const CameraConfig& source() const;
  // `count`: of its topic at the broker.
  relay::CameraReport stats(const sense::TopicCount& count) const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace kanhu
