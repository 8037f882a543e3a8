// SPDX-License-Identifier: MIT
#include "daemon/sensors/sensor_sources.hpp"

#include <utility>

#include "base/thread_name.hpp"
#include "pipelines/sense/decoder.hpp"

namespace kanhu {
namespace {

constexpr std::chrono::seconds kTickEvery{1};
constexpr std::chrono::milliseconds kLookEvery{100};

}  // namespace

SensorSources::SensorSources(ObservationSink& sink, Send send, std::vector<std::string> models_path, const Clock& clock)
    : sink_(sink), send_(std::move(send)), models_path_(std::move(models_path)), clock_(clock) {}

SensorSources::~SensorSources() {
  orders_.close();
  if (thread_.joinable()) thread_.join();
}

void SensorSources::take(Order order) {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  orders_.push(std::move(order));
}

std::chrono::nanoseconds SensorSources::longest_at_work() const {
  const std::int64_t since = at_work_since_;
  return since == 0 ? std::chrono::nanoseconds(0) : clock_.mono().time_since_epoch() - std::chrono::nanoseconds(since);
}

void SensorSources::run() {
  name_this_thread("seats");
  ticked_ = clock_.mono();
  while (!orders_.closed()) {
    if (const auto order = orders_.pop_for(kLookEvery)) {
      at_work_since_ = clock_.mono().time_since_epoch().count();
      handle(*order);
      at_work_since_ = 0;
    }
    if (const MonoTime mono = clock_.mono(); mono - ticked_ >= kTickEvery) {
      ticked_ = mono;
      at_work_since_ = mono.time_since_epoch().count();
      each_second();
      at_work_since_ = 0;
    }
  }
  for (auto& [id, entry] : sources_) entry.source->close(now());
}

void SensorSources::handle(const Order& order) {
  std::visit(Overloaded{
                 [&](const relay::Assign& given) { assign(given); },
                 [&](const relay::Release& taken) { release(taken.camera); },
                 [&](const relay::BrokerState& state) { note(state); },
                 [&](const relay::SensorMessage& message) { piece(message); },
                 [&](const relay::SensorsRound& round) { send_(round); },
             },
             order);
}

void SensorSources::assign(const relay::Assign& assign) {
  release(assign.camera.id);
  Entry& entry = sources_[assign.camera.id];
  entry.source = std::make_unique<SensorSource>(assign.camera, sink_, models_path_);
  const auto broker = brokers_.find(assign.camera.sensor->broker);
  if (broker != brokers_.end() && broker->second) entry.source->broker_up(now());
  report(entry);  // counted from now on
}

void SensorSources::release(const std::string& sensor) {
  const auto found = sources_.find(sensor);
  if (found == sources_.end()) return;
  found->second.source->close(now());
  sources_.erase(found);
}

void SensorSources::note(const relay::BrokerState& state) {
  const Moment at = now();
  if (state.topic.empty()) brokers_[state.broker] = !state.why;
  for (auto& [id, entry] : sources_) {
    const SensorConfig& sensor = *entry.source->source().sensor;
    if (sensor.broker != state.broker) continue;
    if (!state.topic.empty()) {
      if (sensor.topic == state.topic && state.why) entry.source->refused(*state.why, at);
    } else if (state.why) {
      entry.source->broker_down(*state.why, at);
    } else {
      entry.source->broker_up(at);
    }
  }
}

void SensorSources::piece(const relay::SensorMessage& message) {
  payload_ += message.bytes;
  if (!message.is_last && payload_.size() <= sense::kMostArrayBytes) return;
  sense::Delivery delivery{message.broker, message.topic, std::exchange(payload_, {}), message.payload, message.retained,
                           message.mono,   message.wall};
  counts_[{message.broker, message.topic}] = {message.messages, message.total_bytes, message.overtaken};
  deliver(delivery);
}

void SensorSources::deliver(const sense::Delivery& delivery) {
  for (auto& [id, entry] : sources_) {
    const SensorConfig& sensor = *entry.source->source().sensor;
    if (sensor.broker == delivery.broker && sensor.availability_topic == delivery.topic) entry.source->availability(delivery);
  }
  for (auto& [id, entry] : sources_) {
    const SensorConfig& sensor = *entry.source->source().sensor;
    if (sensor.broker != delivery.broker || sensor.topic != delivery.topic) continue;
    const MonoTime begun = clock_.mono();
    entry.wait.add(begun - delivery.mono);
    entry.source->reading(delivery);
    entry.work.add(clock_.mono() - begun);
  }
}

void SensorSources::report(const Entry& entry) {
  const SensorConfig& sensor = *entry.source->source().sensor;
  const auto count = counts_.find({sensor.broker, sensor.topic});
  relay::CameraReport stats = entry.source->stats(count == counts_.end() ? sense::TopicCount{} : count->second);
  stats.wait = entry.wait;
  stats.work = entry.work;
  send_(std::move(stats));
}

void SensorSources::each_second() {
  for (auto& [id, entry] : sources_) {
    report(entry);
    entry.source->tick(now());
  }
}

}  // namespace kanhu
