// SPDX-License-Identifier: MIT
#include "daemon/sensors/sensors.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/sense/decoder.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kTheWorker = 0;
constexpr std::chrono::milliseconds kLookAgain{100};
constexpr std::chrono::seconds kTryAgain{5};
constexpr std::chrono::seconds kDrainSensors{5};

}  // namespace

Sensors::SensorsById Sensors::sensors_of(const Config& config) {
  SensorsById found;
  for (const FacilityConfig& facility : config.facilities)
    for (const CameraConfig& source : facility.cameras)
      if (source.enabled && source.sensor) found[source.id] = {facility.id, source};
  return found;
}

Sensors::Sensors(const ConfigPtr& config, Workers::Options options, Upcalls upcalls, const Clock& clock)
    : upcalls_(std::move(upcalls)),
      clock_(clock),
      running_(config),
      next_(config),
      workers_(std::move(options),
               {[this](std::size_t, relay::Message message) { hear(std::move(message)); },
                [this](std::size_t, const std::string& cause) {
                  has_worker_ = false;
                  lost_.with([&](auto& lost) { lost = cause; });
                  room_.notify_all();
                }},
               clock) {
  known_.with([&](Known& known) {
    for (const auto& [id, sensor] : sensors_of(*config)) known.now.insert(id);
  });
  start();
  thread_ = std::thread([this] { run(); });
}

Sensors::~Sensors() {
  stopping_ = true;
  inbox_.wake();
  room_.notify_all();
  thread_.join();
  workers_.stop(kDrainSensors);
}

Assignments::Changes Sensors::reconfigure(const ConfigPtr& config) {
  Assignments::Changes changes;
  const SensorsById before = sensors_of(*running_), after = sensors_of(*config);
  for (const auto& [id, sensor] : before) {
    const auto found = after.find(id);
    if (found == after.end())
      changes.removed_cameras.push_back(id);
    else if (!(found->second == sensor))
      ++changes.changed;
  }
  changes.removed = static_cast<int>(changes.removed_cameras.size());
  changes.added = static_cast<int>(after.size() + changes.removed_cameras.size() - before.size());
  running_ = config;
  known_.with([&](Known& known) {
    known.now.clear();
    for (const auto& [id, sensor] : after) known.now.insert(id);
  });
  start();
  next_.with([&](ConfigPtr& next) { next = config; });
  inbox_.wake();
  return changes;
}

void Sensors::start() {
  const bool wanted = known_.with([](const Known& known) { return !known.now.empty(); });
  const MonoTime now = clock_.mono();
  if (is_started_ || !wanted || (tried_ != MonoTime{} && now - tried_ < kTryAgain)) return;
  tried_ = now;
  if (auto started = workers_.start(); !started) {
    log::error("sense", "sensors are not read: {}; tried again in {} s", started.error().message, kTryAgain.count());
    return;
  }
  is_started_ = true;
  is_new_ = has_worker_ = true;
  inbox_.wake();
}

void Sensors::turn() {
  start();
  const bool is_back = !workers_.watch().empty();
  // Ahead of everything the next one says: it says nothing before it is told.
  if (const auto cause = lost_.with([](auto& lost) { return std::exchange(lost, std::nullopt); })) {
    const auto sensors = known_.with([](const Known& known) { return std::vector<std::string>(known.now.begin(), known.now.end()); });
    upcalls_.gone(*cause, sensors);
  }
  if (!is_back) return;
  is_new_ = has_worker_ = true;
  inbox_.wake();
}

// Thread: the worker's reader.
void Sensors::hear(relay::Message message) {
  std::visit(Overloaded{
                 [&](relay::SensorsRound& round) {
                   {
                     const std::scoped_lock lock(room_mutex_);
                     rounds_done_ = round.number;
                   }
                   room_.notify_all();
                 },
                 [&](relay::LogLine& line) { upcalls_.message(std::move(line)); },
                 [&](relay::Observed& observed) {
                   if (is_watched(observed.observation.source)) upcalls_.message(std::move(observed));
                 },
                 [&](relay::CameraReport& report) {
                   if (is_watched(report.camera)) upcalls_.message(std::move(report));
                 },
                 // No sensor has sessions, clips, pictures or tasks.
                 [&](OneOf<relay::Hello, relay::SourceConnected, relay::SourceUp, relay::SourceEnded, relay::ClipDone, relay::PicturePart,
                           relay::PictureFailed, relay::WorkerReport, relay::TaskMoved, relay::TaskPart, relay::TaskFailed> auto&) {
                   (void)is_watched("");
                 },
                 [&](relay::OnlyToWorker auto&) { (void)is_watched(""); },
             },
             message);
}

// Whether it is still configured. A worker that speaks of what was never given to it is ended.
bool Sensors::is_watched(const std::string& sensor) {
  const auto [given, configured] =
      known_.with([&](const Known& known) { return std::pair(known.given.contains(sensor), known.now.contains(sensor)); });
  if (!given) workers_.end(kTheWorker, "spoke of what is no sensor of its own");
  return given && configured;
}

bool Sensors::has_room() {
  std::unique_lock lock(room_mutex_);
  return room_.wait_for(lock, kLookAgain, [this] { return stopping_ || is_new_ || !has_worker_ || rounds_done_ >= round_; });
}

void Sensors::send(const relay::Message& message) {
  if (has_worker_) (void)workers_.send(kTheWorker, message);  // one that has gone is told by its `lost`
}

void Sensors::send(const sense::Delivery& delivery) {
  relay::SensorMessage message;
  message.broker = delivery.broker;
  message.topic = delivery.topic;
  message.payload = delivery.bytes;
  message.retained = delivery.retained;
  message.mono = delivery.mono;
  message.wall = delivery.wall;
  if (const auto count = counts_.find({delivery.broker, delivery.topic}); count != counts_.end()) {
    const sense::TopicCount& before = counted_[{delivery.broker, delivery.topic}];
    message.messages = count->second.messages - std::min(count->second.messages, before.messages);
    message.total_bytes = count->second.bytes - std::min(count->second.bytes, before.bytes);
    message.overtaken = count->second.overtaken - std::min(count->second.overtaken, before.overtaken);
  }
  std::size_t at = 0;
  do {
    message.bytes = delivery.payload.substr(at, relay::kMostPartBytes);
    at += message.bytes.size();
    message.is_last = at >= delivery.payload.size();
    send(message);
  } while (!message.is_last);
}

void Sensors::assign(const Sensor& sensor) {
  known_.with([&](Known& known) { known.given.insert(sensor.source.id); });
  relay::Assign assign;
  assign.facility = sensor.facility;
  assign.camera = sensor.source;
  send(assign);
}

// What a new worker has to know to go on where the one before it ended.
void Sensors::tell_everything() {
  known_.with([](Known& known) { known.given.clear(); });
  rounds_done_ = round_;
  counted_ = counts_ = inbox_.counts();
  for (const auto& [id, sensor] : sensors_) assign(sensor);
  for (const auto& [broker, why] : broker_states_) send(relay::BrokerState{broker, "", why});
  for (const auto& [topic, note] : refused_) send(relay::BrokerState{note.broker, note.topic, note.why});
  for (auto& [topic, delivery] : last_) {
    // A door stands as it was said to stand, for we were there all the time. A motion was then and is not now: as retained it counts only
    // where it says when that was.
    if (!hangs_on(topic, SensorKind::kContact)) delivery.retained = true;
    delivery.mono = clock_.mono();
    delivery.wall = clock_.wall();
    send(delivery);
  }
}

bool Sensors::hangs_on(const Topic& topic, SensorKind kind) const {
  return std::any_of(sensors_.begin(), sensors_.end(), [&](const auto& entry) {
    const SensorConfig& sensor = *entry.second.source.sensor;
    return sensor.kind == kind && sensor.broker == topic.first && sensor.topic == topic.second;
  });
}

void Sensors::use(const Config& config) {
  SensorsById wanted = sensors_of(config);
  for (const auto& [id, sensor] : sensors_) {
    const auto found = wanted.find(id);
    if (found == wanted.end() || !(found->second == sensor)) send(relay::Release{id});
  }
  for (const auto& [id, sensor] : wanted) {
    const auto found = sensors_.find(id);
    if (found == sensors_.end() || !(found->second == sensor)) assign(sensor);
  }
  sensors_ = std::move(wanted);
  connect_brokers(config);
}

void Sensors::connect_brokers(const Config& config) {
  std::map<std::string, sense::BrokerTask> wanted;
  for (const BrokerConfig& broker : config.brokers) {
    std::set<std::string> topics;
    for (const auto& [id, sensor] : sensors_) {
      const SensorConfig& each = *sensor.source.sensor;
      if (each.broker != broker.id) continue;
      topics.insert(each.topic);
      if (!each.availability_topic.empty()) topics.insert(each.availability_topic);
    }
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
    const auto of_broker = [&](const auto& entry) { return entry.first.first == id; };
    std::erase_if(refused_, of_broker);
    std::erase_if(last_, of_broker);
    std::erase_if(counted_, of_broker);
    if (found == wanted.end()) send(relay::BrokerState{id, "", Error{ErrorKind::kClosed, "no sensor hangs on the broker any more"}});
  }
  for (auto& [id, task] : wanted) {
    if (brokers_.contains(id)) continue;
    for (const auto& [name, sensor] : sensors_) {
      const SensorConfig& each = *sensor.source.sensor;
      if (each.broker != id) continue;
      const bool array = each.kind == SensorKind::kThermalArray;
      inbox_.expect(id, each.topic, array ? sense::Keep::kNewest : sense::Keep::kEach, sense::most_payload_bytes(each.kind));
      if (!each.availability_topic.empty()) inbox_.expect(id, each.availability_topic, sense::Keep::kEach, 1024);
    }
    brokers_[id] = std::make_unique<sense::BrokerConnection>(std::move(task), inbox_, clock_);
  }
}

void Sensors::take(const sense::BrokerNote& note) {
  if (note.topic.empty()) {
    broker_states_[note.broker] = note.why;
    const auto of_broker = [&](const auto& entry) { return entry.first.first == note.broker; };
    std::erase_if(refused_, of_broker);
    if (note.why) std::erase_if(last_, of_broker);
  } else if (note.why) {
    refused_[{note.broker, note.topic}] = note;
  }
  send(relay::BrokerState{note.broker, note.topic, note.why});
}

void Sensors::take(const sense::Delivery& delivery) {
  const Topic topic(delivery.broker, delivery.topic);
  if (!hangs_on(topic, SensorKind::kThermalArray)) last_[topic] = delivery;
  send(delivery);
}

void Sensors::run() {
  name_this_thread("sensors");
  while (!stopping_) {
    if (is_new_.exchange(false)) faults::contained("sensors", [&] { tell_everything(); });
    if (const ConfigPtr config = next_.with([](ConfigPtr& next) { return std::exchange(next, nullptr); }))
      faults::contained("sensors", [&] { use(*config); });
    if (!has_room()) continue;
    const sense::Inbox::Batch batch = inbox_.take(kLookAgain);
    if (batch.empty() || stopping_) continue;
    counts_ = inbox_.counts();
    for (const sense::BrokerNote& note : batch.notes) faults::contained("sensors", [&] { take(note); });
    for (const sense::Delivery& delivery : batch.messages) faults::contained("sensors", [&] { take(delivery); });
    faults::contained("sensors", [&] { send(relay::SensorsRound{++round_}); });
  }
  brokers_.clear();
}

}  // namespace kanhu
