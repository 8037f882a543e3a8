#include "daemon/sensor_desk.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <set>
#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/sense/decoder.hpp"

namespace kanhu {
namespace {

using Sensors = std::map<std::string, std::pair<std::string, const CameraConfig*>>;  // with the facility, by id

Sensors enabled_sensors(const Config& config) {
  Sensors found;
  for (const FacilityConfig& facility : config.facilities)
    for (const CameraConfig& source : facility.cameras)
      if (source.enabled && source.sensor) found[source.id] = {facility.id, &source};
  return found;
}

}  // namespace

SensorDesk::SensorDesk(const ConfigPtr& config, ObservationSink& sink, Report report, std::vector<std::string> models_path,
                       const Clock& clock)
    : sink_(sink),
      report_(std::move(report)),
      models_path_(std::move(models_path)),
      clock_(clock),
      running_(config),
      next_(config),
      thread_([this] { run(); }) {}

SensorDesk::~SensorDesk() {
  stopping_ = true;
  inbox_.wake();
  thread_.join();
}

CameraControl::Changes SensorDesk::reconfigure(const ConfigPtr& config) {
  CameraControl::Changes changes;
  const Sensors before = enabled_sensors(*running_), after = enabled_sensors(*config);
  for (const auto& [id, placed] : before) {
    const auto found = after.find(id);
    if (found == after.end())
      changes.removed_cameras.push_back(id);
    else if (found->second.first != placed.first || !(*found->second.second == *placed.second))
      ++changes.changed;
  }
  changes.removed = static_cast<int>(changes.removed_cameras.size());
  changes.added = static_cast<int>(after.size() + changes.removed_cameras.size() - before.size());
  running_ = config;
  next_.with([&](ConfigPtr& next) { next = config; });
  inbox_.wake();
  return changes;
}

void SensorDesk::seat_sensors(const Config& config) {
  const Sensors wanted = enabled_sensors(config);
  std::erase_if(seats_, [&](auto& entry) {
    const auto found = wanted.find(entry.first);
    if (found != wanted.end() && *found->second.second == entry.second.seat->source()) return false;
    entry.second.seat->close(now());
    return true;
  });
  readers_.clear();
  watchers_.clear();
  for (const auto& [id, placed] : wanted) {
    const SensorConfig& sensor = *placed.second->sensor;
    readers_.emplace(Topic(sensor.broker, sensor.topic), id);
    if (!sensor.availability_topic.empty()) watchers_.emplace(Topic(sensor.broker, sensor.availability_topic), id);
    Seated& seated = seats_[id];
    if (seated.seat) continue;
    seated.seat = std::make_unique<SensorSeat>(*placed.second, sink_, models_path_);
    const auto state = broker_states_.find(sensor.broker);
    if (state != broker_states_.end() && !state->second) seated.seat->broker_up(now());
  }
}

void SensorDesk::connect_brokers(const Config& config) {
  std::map<std::string, sense::BrokerTask> wanted;
  for (const BrokerConfig& broker : config.brokers) {
    std::set<std::string> topics;
    for (const auto* index : {&readers_, &watchers_})
      for (const auto& [topic, sensor] : *index)
        if (topic.first == broker.id) topics.insert(topic.second);
    if (topics.empty()) continue;
    wanted[broker.id] = {broker,
                         broker.client_id.empty() ? "kanhu-" + config.gateway.id : broker.client_id,
                         config.gateway.secrets_dir,
                         {topics.begin(), topics.end()}};
  }
  for (auto at = brokers_.begin(); at != brokers_.end();) {
    const auto found = wanted.find(at->first);
    if (found != wanted.end() && found->second == at->second->task()) {
      ++at;
      continue;
    }
    const std::string id = at->first;
    at = brokers_.erase(at);  // nothing more comes of it
    inbox_.forget(id);
    broker_states_.erase(id);
  }
  for (auto& [id, task] : wanted) {
    if (brokers_.contains(id)) continue;
    for (const auto& [sensor, placed] : enabled_sensors(config)) {
      const SensorConfig& each = *placed.second->sensor;
      if (each.broker != id) continue;
      const bool array = each.kind == SensorKind::kThermalArray;
      inbox_.expect(id, each.topic, array ? sense::Keep::kNewest : sense::Keep::kEach, sense::most_payload_bytes(each.kind));
      if (!each.availability_topic.empty()) inbox_.expect(id, each.availability_topic, sense::Keep::kEach, 1024);
    }
    brokers_[id] = std::make_unique<sense::BrokerConnection>(std::move(task), inbox_, clock_);
  }
}

void SensorDesk::use(const Config& config) {
  seat_sensors(config);
  connect_brokers(config);
}

void SensorDesk::handle(const sense::BrokerNote& note) {
  const Moment at = now();
  if (note.topic.empty()) broker_states_[note.broker] = note.why;
  for (auto& [id, seated] : seats_) {
    const SensorConfig& sensor = *seated.seat->source().sensor;
    if (sensor.broker != note.broker) continue;
    if (!note.topic.empty()) {
      if (sensor.topic == note.topic) seated.seat->refused(*note.why, at);
    } else if (note.why) {
      seated.seat->broker_down(*note.why, at);
    } else {
      seated.seat->broker_up(at);
    }
  }
}

void SensorDesk::handle(const sense::Delivery& delivery) {
  const Topic topic(delivery.broker, delivery.topic);
  for (auto [at, end] = watchers_.equal_range(topic); at != end; ++at) seats_.at(at->second).seat->availability(delivery);
  for (auto [at, end] = readers_.equal_range(topic); at != end; ++at) {
    Seated& seated = seats_.at(at->second);
    const MonoTime begun = clock_.mono();
    seated.wait.add(begun - delivery.mono);
    seated.seat->reading(delivery);
    seated.work.add(clock_.mono() - begun);
  }
}

void SensorDesk::each_second() {
  const auto counts = inbox_.counts();
  for (auto& [id, seated] : seats_) {
    const SensorConfig& sensor = *seated.seat->source().sensor;
    const auto count = counts.find({sensor.broker, sensor.topic});
    relay::CameraStats stats = seated.seat->stats(count == counts.end() ? sense::TopicCount{} : count->second);
    stats.wait = seated.wait;
    stats.work = seated.work;
    report_(stats);
    seated.seat->tick(now());
  }
}

void SensorDesk::run() {
  name_this_thread("sensors");
  while (!stopping_) {
    if (const ConfigPtr config = next_.with([](ConfigPtr& next) { return std::exchange(next, nullptr); })) use(*config);
    const sense::Inbox::Batch batch = inbox_.take(std::chrono::milliseconds(100));
    for (const sense::BrokerNote& note : batch.notes) handle(note);
    for (const sense::Delivery& delivery : batch.messages) handle(delivery);
    if (const MonoTime mono = clock_.mono(); mono - ticked_ >= std::chrono::seconds(1)) {
      ticked_ = mono;
      each_second();
    }
  }
  brokers_.clear();
  for (auto& [id, seated] : seats_) seated.seat->close(now());
}

}  // namespace kanhu
