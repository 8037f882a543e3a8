// SPDX-License-Identifier: MIT
// Other programs that keep events for subscribers who are away, under the same load and the same kill -9.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/events/events.hpp"
#include "bench/events/figures.hpp"

namespace kanhu::bench {

// One broker with its server, a publisher and a durable subscriber. Thread: confined.
class Broker {
 public:
  virtual ~Broker() = default;
  virtual std::string version() const = 0;
  virtual std::string durability() const = 0;  // what an acknowledged event survives, as configured here
  virtual Result<void> start() = 0;            // the server, again after `kill9`, on the same folder
  virtual void kill9() = 0;
  virtual double peak_memory_mib() const = 0;
  virtual Result<void> connect_publisher() = 0;
  virtual Result<void> publish(std::uint64_t number, const std::string& body) = 0;
  // The number of an event that the server acknowledged, or nothing within `patience`.
  virtual Result<std::optional<std::uint64_t>> acknowledged(std::chrono::milliseconds patience) = 0;
  virtual Result<void> connect_subscriber() = 0;  // its place is kept by the server
  virtual void disconnect_subscriber() = 0;
  virtual Result<std::optional<std::string>> receive(std::chrono::milliseconds patience) = 0;  // acknowledged at once
};

// Nothing when the program is not installed.
std::unique_ptr<Broker> make_mosquitto(const std::string& folder);
std::unique_ptr<Broker> make_nats(const std::string& folder, bool every_write_synced);

// Publishes with at most 256 events unacknowledged while the subscriber is away, lets it catch up; then the same at 2,000 events a second
// with `kills` kill -9 of the server, what is not acknowledged being published again. Counted is what was acknowledged and never came.
Result<PeerFigures> measure_broker(Broker& broker, const std::string& name, double seconds, int kills, const EventsProgress& progress);

// The figures of those that `options` asks for and that are installed; the others are told in `left_out`.
std::vector<PeerFigures> measure_peers(const EventsBenchOptions& options, const std::string& folder, std::vector<std::string>& left_out,
                                       const EventsProgress& progress);

}  // namespace kanhu::bench
