// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "daemon/sensors/sensor_source.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// The sensors of a worker: reads what brokers sent, judges it and ticks every sensor once a second, also while no message comes.
// Queue: 4,096 messages; full: `take` waits, and the gateway sends no more than one message a topic before all are looked at.
// Thread: take and the destructor from the worker's control thread; `sink` and `send` are called on the thread `seats`, which begins with
// the first sensor.
class SensorSources {
 public:
  using Send = std::function<void(const relay::Message&)>;  // statistics once a second, and rounds that are done
  SensorSources(ObservationSink& sink, Send send, std::vector<std::string> models_path, const Clock& clock);
  ~SensorSources();  // ends the runs

  using Order = std::variant<relay::Assign, relay::Release, relay::BrokerState, relay::SensorMessage, relay::SensorsRound>;
  void take(Order order);

  // How long the message at hand is being looked at; 0 while none is.
  std::chrono::nanoseconds longest_at_work() const;

 private:
  struct Entry {
    std::unique_ptr<SensorSource> source;
    LatencyHistogram wait, work;
  };
  using Topic = std::pair<std::string, std::string>;  // broker, topic

  void run();
  void handle(const Order& order);
  void assign(const relay::Assign& assign);
  void release(const std::string& sensor);
  void note(const relay::BrokerState& state);
  void piece(const relay::SensorMessage& message);
  void deliver(const sense::Delivery& delivery);
  void report(const Entry& entry);
  void each_second();
  Moment now() const { return {clock_.mono(), clock_.wall()}; }

  ObservationSink& sink_;
  const Send send_;
  const std::vector<std::string> models_path_;
  const Clock& clock_;
  BoundedQueue<Order> orders_{4096};
  std::map<std::string, Entry> sources_;
  std::map<std::string, bool> brokers_;        // connected, of those that were heard of
  std::map<Topic, sense::TopicCount> counts_;  // as the gateway says
  std::string payload_;                        // of the message whose parts come
  MonoTime ticked_{};
  std::atomic<std::int64_t> at_work_since_{0};  // monotonic nanoseconds; 0: idle
  std::thread thread_;
};

}  // namespace kanhu
