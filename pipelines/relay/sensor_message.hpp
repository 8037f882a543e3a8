// SPDX-License-Identifier: MIT
// What the brokers' messages of sensors are between gateway and worker: received and bounded there, read here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace kanhu::relay {

// Down. Sensors are given and taken away by Assign and Release, as cameras are; these go to all that hang on the broker.

// The broker came or went, or does not let a topic be read.
struct BrokerState {
  std::string broker;
  std::string topic;         // only when it is about one
  std::optional<Error> why;  // nothing: connected
};
// One message of a topic, in parts that follow each other; all but `bytes` is said with each.
struct SensorMessage {
  std::string broker, topic;
  std::string bytes;          // at most kMostPartBytes
  bool is_last = true;        // of its parts
  std::uint64_t payload = 0;  // bytes as sent; more than the parts have when it was too large to be kept
  bool retained = false;
  MonoTime mono{};  // of arrival, by this machine's clock that all its processes share
  WallTime wall{};
  // Of the topic since this worker has it: what came, and what newer messages overtook.
  std::uint64_t messages = 0, total_bytes = 0, overtaken = 0;
};
// Everything before it is looked at: then the worker says it back, and gets more. What comes meanwhile waits in the gateway, where the
// newest picture of an array replaces an older one.
struct SensorsRound {
  std::uint64_t number = 0;
};

Json pack(const BrokerState& state);
Json pack(const SensorMessage& message);
Json pack(const SensorsRound& round);

// These throw nlohmann::json exceptions or std::out_of_range; `decode` turns them into kCorrupt.
BrokerState broker_state_from(const Json& json);
SensorMessage sensor_message_from(const Json& json);

}  // namespace kanhu::relay
