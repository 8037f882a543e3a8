// SPDX-License-Identifier: MIT
#include "bench/events/broker.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "bench/events/rig.hpp"

namespace kanhu::bench {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kMostUnacknowledged = 256;
constexpr double kFaultRate = 2'000;  // events a second while the server is killed
constexpr auto kAcknowledgedWithin = 10s;
constexpr auto kNothingMore = 35s;  // longer than a broker waits (30 s) until it delivers again what was not acknowledged

const std::string kNoEpoch(32, '0');

std::string body_of(std::uint64_t number) { return sample_body(sample_event(number), {kNoEpoch, number, number}); }

std::uint64_t number_in_body(std::string_view body) {
  const std::string id = "\"id\":\"" + kNoEpoch + ":";
  const std::size_t at = body.find(id);
  return at == std::string_view::npos ? 0 : std::strtoull(std::string(body.substr(at + id.size(), 20)).c_str(), nullptr, 10);
}

// The publisher's side: what was published and what of it was acknowledged.
class Sending {
 public:
  explicit Sending(Broker& broker) : broker_(broker) {}

  Result<void> publish_next() {
    unacknowledged_.insert(++last_);
    return broker_.publish(last_, body_of(last_));
  }
  // After a restart: in order, before anything new.
  Result<void> publish_again() {
    for (const std::uint64_t number : unacknowledged_)
      if (auto sent = broker_.publish(number, body_of(number)); !sent) return sent;
    return {};
  }
  Result<bool> take_acknowledgement(std::chrono::milliseconds patience) {
    auto number = broker_.acknowledged(patience);
    if (!number) return tl::unexpected(number.error());
    if (!*number) return false;
    if (unacknowledged_.erase(**number) > 0) acknowledged_.insert(**number);
    return true;
  }
  Result<void> wait_for_all() {
    for (auto until = Steady::now() + kAcknowledgedWithin; !unacknowledged_.empty();) {
      auto got = take_acknowledgement(100ms);
      if (!got) return tl::unexpected(got.error());
      if (*got) until = Steady::now() + kAcknowledgedWithin;
      if (Steady::now() > until) return fail(ErrorKind::kTimeout, fmt::format("{} events were not acknowledged", unacknowledged_.size()));
    }
    return {};
  }
  std::size_t waiting() const { return unacknowledged_.size(); }
  std::set<std::uint64_t> take_acknowledged() { return std::exchange(acknowledged_, {}); }

 private:
  Broker& broker_;
  std::uint64_t last_ = 0;
  std::set<std::uint64_t> unacknowledged_, acknowledged_;
};

// Receives until everything acknowledged is there, or nothing more comes; events a second.
Result<double> receive_all(Broker& broker, std::set<std::uint64_t> missing, Account& account) {
  Account mine;
  mine.expected = missing.size();
  std::set<std::uint64_t> seen;
  std::uint64_t last = 0;
  const auto begin = Steady::now();
  auto newest = begin;
  while (!missing.empty() && Steady::now() - newest < kNothingMore) {
    auto body = broker.receive(100ms);
    if (!body) return tl::unexpected(body.error());
    if (!*body) continue;
    newest = Steady::now();
    const std::uint64_t number = number_in_body(**body);
    ++mine.received;
    missing.erase(number);
    if (!seen.insert(number).second) {
      ++mine.repeated;
      continue;
    }
    if (number < last) ++mine.misordered;
    last = std::max(last, number);
  }
  mine.lost = missing.size();
  account.add(mine);
  return static_cast<double>(mine.received) / std::max(1e-9, std::chrono::duration<double>(newest - begin).count());
}

Result<void> accept_and_catch_up(Broker& broker, Sending& sending, PeerFigures& figures, double seconds) {
  const auto begin = Steady::now();
  const auto until = begin + std::chrono::duration<double>(seconds);
  while (Steady::now() < until) {
    while (sending.waiting() < kMostUnacknowledged)
      if (auto sent = sending.publish_next(); !sent) return sent;
    auto got = sending.take_acknowledgement(100ms);
    while (got && *got) got = sending.take_acknowledgement(0ms);
    if (!got) return tl::unexpected(got.error());
  }
  if (auto all = sending.wait_for_all(); !all) return all;
  const double taken = std::chrono::duration<double>(Steady::now() - begin).count();
  auto acknowledged = sending.take_acknowledged();
  figures.accept_per_second = static_cast<double>(acknowledged.size()) / taken;
  if (auto connected = broker.connect_subscriber(); !connected) return connected;
  auto rate = receive_all(broker, std::move(acknowledged), figures.account);
  if (!rate) return tl::unexpected(rate.error());
  figures.catch_up_per_second = *rate;
  figures.memory_mib = std::max(figures.memory_mib, broker.peak_memory_mib());
  broker.disconnect_subscriber();
  return {};
}

Result<void> publish_and_kill(Broker& broker, Sending& sending, PeerFigures& figures, int kills, const EventsProgress& progress) {
  std::mt19937 random(6);
  std::uniform_int_distribution<int> lasts(300, 800);
  for (int kill = 0; kill < kills; ++kill) {
    progress(fmt::format("{}: kill -9, {} of {}", figures.name, kill + 1, kills));
    const auto begin = Steady::now();
    const auto until = begin + std::chrono::milliseconds(lasts(random));
    for (std::uint64_t sent = 0; Steady::now() < until; ++sent) {
      std::this_thread::sleep_until(
          begin + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(static_cast<double>(sent) / kFaultRate)));
      if (sending.waiting() < kMostUnacknowledged)
        if (auto published = sending.publish_next(); !published) return published;
      for (auto got = sending.take_acknowledgement(0ms); got && *got;) got = sending.take_acknowledgement(0ms);
    }
    figures.memory_mib = std::max(figures.memory_mib, broker.peak_memory_mib());
    broker.kill9();
    ++figures.kills;
    // What was acknowledged before it died may still stand in the socket.
    for (auto got = sending.take_acknowledgement(100ms); got && *got;) got = sending.take_acknowledgement(100ms);
    if (auto started = broker.start(); !started) return started;
    if (auto connected = broker.connect_publisher(); !connected) return connected;
    if (auto again = sending.publish_again(); !again) return again;
  }
  if (auto all = sending.wait_for_all(); !all) return all;
  if (auto connected = broker.connect_subscriber(); !connected) return connected;
  auto rate = receive_all(broker, sending.take_acknowledged(), figures.account);
  if (!rate) return tl::unexpected(rate.error());
  return {};
}

}  // namespace

Result<PeerFigures> measure_broker(Broker& broker, const std::string& name, double seconds, int kills, const EventsProgress& progress) {
  PeerFigures figures;
  figures.name = name;
  figures.version = broker.version();
  figures.durability = broker.durability();
  progress(name);
  if (auto started = broker.start(); !started) return tl::unexpected(started.error());
  if (auto connected = broker.connect_publisher(); !connected) return tl::unexpected(connected.error());
  if (auto connected = broker.connect_subscriber(); !connected) return tl::unexpected(connected.error());
  broker.disconnect_subscriber();
  Sending sending(broker);
  auto done = accept_and_catch_up(broker, sending, figures, seconds);
  if (done && kills > 0) done = publish_and_kill(broker, sending, figures, kills, progress);
  broker.kill9();
  if (!done) return tl::unexpected(done.error());
  return figures;
}

std::vector<PeerFigures> measure_peers(const EventsBenchOptions& options, const std::string& folder, std::vector<std::string>& left_out,
                                       const EventsProgress& progress) {
  std::vector<PeerFigures> figures;
  const auto wanted = [&](const char* name) {
    return std::any_of(options.peers.begin(), options.peers.end(), [&](const std::string& one) { return one == name || one == "all"; });
  };
  const auto measure = [&](const char* name, const char* package, const std::function<std::unique_ptr<Broker>(const std::string&)>& make) {
    const std::string own = folder + "/" + name;
    std::error_code problem;
    std::filesystem::create_directories(own, problem);
    const auto broker = make(own);
    if (!broker) {
      left_out.push_back(fmt::format("{}: not installed (apt install {})", name, package));
      return;
    }
    auto measured = measure_broker(*broker, name, options.seconds, options.kills, progress);
    if (measured) {
      figures.push_back(std::move(*measured));
    } else {
      left_out.push_back(fmt::format("{}: {}", name, measured.error().message));
    }
    std::filesystem::remove_all(own, problem);
  };
  if (wanted("mosquitto")) measure("mosquitto", "mosquitto", make_mosquitto);
  if (wanted("nats")) {
    measure("nats", "nats-server", [](const std::string& own) { return make_nats(own, false); });
    measure("nats-synced", "nats-server", [](const std::string& own) { return make_nats(own, true); });
  }
  return figures;
}

}  // namespace kanhu::bench
