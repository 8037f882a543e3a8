// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "config/config.hpp"
#include "daemon/supervise/assignments.hpp"
#include "daemon/supervise/workers.hpp"
#include "pipelines/sense/broker_connection.hpp"
#include "pipelines/sense/inbox.hpp"

namespace kanhu {

// The sensors on message brokers, as the gateway has them: connections, what came and waits, and the worker that reads, judges and ticks
// them all (daemon/sensors/sensor_sources.hpp). Messages are received and bounded here and parsed there. The worker is one of its own,
// started with the first sensor and supervised as those of cameras are: when it dies, its sensors are not known until it is back.
//
// Between brokers and worker stands sense::Inbox (one slot a topic, the newest wins): the worker gets one message a topic and no more
// before it has looked at all of them. What a motion detector, a contact or an availability said last is kept, so that a new worker knows
// it. Thread: open, reconfigure, turn and the destructor from the control thread. Upcalls: `message` on the worker's reader, `gone` from
// turn.
class Sensors {
 public:
  struct Upcalls {
    std::function<void(relay::Message)> message;  // observations and statistics of sensors that are configured, and log lines
    std::function<void(const std::string& cause, const std::vector<std::string>& sensors)> gone;
  };

  Sensors(const ConfigPtr& config, Workers::Options options, Upcalls upcalls, const Clock& clock);
  ~Sensors();  // ends the connections, within some seconds; the runs end with the worker, whose last words still come

  // Sensors that are as they were keep their runs; a broker whose topics stay keeps its connection.
  Assignments::Changes reconfigure(const ConfigPtr& config);
  // Watches the worker; starts it when it is wanted or has died.
  void turn();
  std::vector<Workers::View> view() const { return workers_.view(); }

 private:
  struct Sensor {
    std::string facility;
    CameraConfig source;
    bool operator==(const Sensor&) const = default;
  };
  using SensorsById = std::map<std::string, Sensor>;
  using Topic = std::pair<std::string, std::string>;  // broker, topic
  // Of whom the worker may speak: who is configured is listened to, who was not even given to it is a lie.
  struct Known {
    std::set<std::string> now, given;
  };

  static SensorsById sensors_of(const Config& config);
  void start();
  void hear(relay::Message message);
  bool is_watched(const std::string& sensor);

  // Thread: sensors.
  void run();
  void use(const Config& config);
  void connect_brokers(const Config& config);
  void tell_everything();
  void assign(const Sensor& sensor);
  void take(const sense::BrokerNote& note);
  void take(const sense::Delivery& delivery);
  void send(const relay::Message& message);
  void send(const sense::Delivery& delivery);
  bool hangs_on(const Topic& topic, SensorKind kind) const;
  bool has_room();

  const Upcalls upcalls_;
  const Clock& clock_;
  ConfigPtr running_;        // control thread
  bool is_started_ = false;  // control thread
  MonoTime tried_{};         // control thread
  Guarded<ConfigPtr> next_;  // to be taken by `sensors`
  Guarded<Known> known_;
  Guarded<std::optional<std::string>> lost_;  // the worker, and why; to be told by the control thread
  std::atomic<bool> stopping_{false};
  std::atomic<bool> has_worker_{false};
  std::atomic<bool> is_new_{false};  // the worker knows nothing yet
  std::atomic<std::uint64_t> rounds_done_{0};
  std::mutex room_mutex_;
  std::condition_variable room_;  // a round is done, the worker has gone, or this ends

  // Thread: sensors.
  sense::Inbox inbox_;
  SensorsById sensors_;
  std::map<std::string, std::unique_ptr<sense::BrokerConnection>> brokers_;
  std::map<std::string, std::optional<Error>> broker_states_;  // of those that were heard of
  std::map<Topic, sense::BrokerNote> refused_;
  std::map<Topic, sense::Delivery> last_;                // words on a state, not pictures
  std::map<Topic, sense::TopicCount> counts_, counted_;  // now, and when the worker was new
  std::uint64_t round_ = 0;

  Workers workers_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace kanhu
