// SPDX-License-Identifier: MIT
#include "pipelines/relay/sensor_message.hpp"

#include "base/digest.hpp"
#include "pipelines/relay/message.hpp"
#include "pipelines/relay/observation_json.hpp"

namespace kanhu::relay {

Json pack(const BrokerState& state) {
  Json json{{"is", "broker"}, {"broker", state.broker}, {"topic", state.topic}};
  if (state.why) json["why"] = {{"kind", static_cast<int>(state.why->kind)}, {"message", state.why->message}};
  return json;
}

// A payload may hold any bytes.
Json pack(const SensorMessage& message) {
  return {{"is", "sensor"},
          {"broker", message.broker},
          {"topic", message.topic},
          {"bytes", to_base64({reinterpret_cast<const std::uint8_t*>(message.bytes.data()), message.bytes.size()})},
          {"last", message.is_last},
          {"payload", message.payload},
          {"retained", message.retained},
          {"mono", message.mono.time_since_epoch().count()},
          {"wall", to_microseconds(message.wall)},
          {"n", Json::array({message.messages, message.total_bytes, message.overtaken})}};
}

Json pack(const SensorsRound& round) { return {{"is", "sensors_round"}, {"number", round.number}}; }

BrokerState broker_state_from(const Json& json) {
  BrokerState state{json.at("broker").get<std::string>(), json.at("topic").get<std::string>(), std::nullopt};
  if (json.contains("why")) {
    const Json& why = json.at("why");
    state.why = Error{enum_from<ErrorKind>(why.at("kind"), kErrorKinds), why.at("message").get<std::string>()};
  }
  return state;
}

SensorMessage sensor_message_from(const Json& json) {
  SensorMessage message;
  message.broker = json.at("broker").get<std::string>();
  message.topic = json.at("topic").get<std::string>();
  const auto bytes = from_base64(json.at("bytes").get_ref<const std::string&>());
  if (!bytes || bytes->size() > kMostPartBytes) throw std::out_of_range("a message's part");
  message.bytes.assign(bytes->begin(), bytes->end());
  message.is_last = json.at("last").get<bool>();
  message.payload = json.at("payload").get<std::uint64_t>();
  message.retained = json.at("retained").get<bool>();
  message.mono = MonoTime(MonoTime::duration(json.at("mono").get<std::int64_t>()));
  message.wall = wall_from_microseconds(json.at("wall").get<std::int64_t>());
  const Json& n = json.at("n");
  message.messages = n.at(0).get<std::uint64_t>();
  message.total_bytes = n.at(1).get<std::uint64_t>();
  message.overtaken = n.at(2).get<std::uint64_t>();
  return message;
}

}  // namespace kanhu::relay
