#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "config/config.hpp"
#include "daemon/camera_control.hpp"
#include "daemon/sensor_seat.hpp"
#include "pipelines/sense/broker_connection.hpp"
#include "pipelines/sense/inbox.hpp"

namespace kanhu {

// The sensors on message brokers: connections, seats, and the thread that reads, judges and ticks them all. Their messages are small and
// their decoder is bounded, so they are read in the gateway's own process; observations go to the rules as those of workers do.
// Between brokers and this thread stands sense::Inbox (one slot a topic, the newest wins).
// Thread: open, reconfigure and destroy from the control thread; `sink` and `report` are called on the thread `sensors`.
class SensorDesk {
 public:
  using Report = std::function<void(const relay::CameraStats&)>;  // every sensor once a second

  SensorDesk(const ConfigPtr& config, ObservationSink& sink, Report report, std::vector<std::string> models_path, const Clock& clock);
  ~SensorDesk();  // ends the connections, within some seconds, then the runs

  // Sensors that are as they were keep their runs; a broker whose topics stay keeps its connection.
  CameraControl::Changes reconfigure(const ConfigPtr& config);

 private:
  struct Seated {
    std::unique_ptr<SensorSeat> seat;
    LatencyHistogram wait, work;
  };
  using Topic = std::pair<std::string, std::string>;  // broker, topic

  void run();
  void use(const Config& config);
  void seat_sensors(const Config& config);
  void connect_brokers(const Config& config);
  void handle(const sense::BrokerNote& note);
  void handle(const sense::Delivery& delivery);
  void each_second();
  Moment now() const { return {clock_.mono(), clock_.wall()}; }

  ObservationSink& sink_;
  const Report report_;
  const std::vector<std::string> models_path_;
  const Clock& clock_;
  ConfigPtr running_;        // control thread
  Guarded<ConfigPtr> next_;  // to be taken by `sensors`
  std::atomic<bool> stopping_{false};
  sense::Inbox inbox_;
  std::map<std::string, Seated> seats_;
  std::multimap<Topic, std::string> readers_;   // sensors by topic of readings
  std::multimap<Topic, std::string> watchers_;  // ... and of availability
  std::map<std::string, std::unique_ptr<sense::BrokerConnection>> brokers_;
  std::map<std::string, std::optional<Error>> broker_states_;  // of those that were heard of
  MonoTime ticked_{};
  std::thread thread_;  // last: it uses all the others
};

}  // namespace kanhu
