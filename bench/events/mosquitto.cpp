// SPDX-License-Identifier: MIT
// mosquitto, by MQTT 3.1.1 with QoS 1 and a session that is kept.
#include <fstream>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "bench/events/broker.hpp"
#include "bench/events/socket.hpp"

namespace kanhu::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto kPacketWithin = 10'000ms;
constexpr std::string_view kTopic = "kanhu/events";

std::string two(std::size_t value) { return {static_cast<char>((value >> 8) & 0xff), static_cast<char>(value & 0xff)}; }

std::string packet(unsigned char kind, const std::string& rest) {
  std::string bytes(1, static_cast<char>(kind));
  std::size_t left = rest.size();
  do {
    const std::size_t digit = left & 0x7f;
    left >>= 7;
    bytes += static_cast<char>(digit | (left > 0 ? 0x80 : 0));
  } while (left > 0);
  return bytes + rest;
}

std::string mqtt_text(std::string_view value) { return two(value.size()) + std::string(value); }

std::size_t number_at(const std::string& bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 | static_cast<unsigned char>(bytes[at + 1]);
}

struct Packet {
  unsigned kind = 0;  // the upper four bits
  std::string rest;
};

class MqttConnection {
 public:
  static Result<std::unique_ptr<MqttConnection>> open(std::uint16_t port, const std::string& client, bool clean) {
    auto socket = Socket::connect(port, kPacketWithin);
    if (!socket) return tl::unexpected(socket.error());
    auto connection = std::make_unique<MqttConnection>(std::move(*socket));
    const std::string connect = mqtt_text("MQTT") + '\x04' + (clean ? '\x02' : '\x00') + two(0) + mqtt_text(client);
    auto answered = connection->ask(packet(0x10, connect), 2);
    if (!answered) return tl::unexpected(answered.error());
    return connection;
  }
  explicit MqttConnection(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}

  Result<void> send(const std::string& bytes) { return socket_->send(bytes); }
  // Sends, and waits for a packet of that kind.
  Result<Packet> ask(const std::string& bytes, unsigned kind) {
    if (auto sent = send(bytes); !sent) return tl::unexpected(sent.error());
    auto answer = receive(kPacketWithin);
    if (!answer) return tl::unexpected(answer.error());
    if (!*answer || (*answer)->kind != kind) return fail(ErrorKind::kIo, fmt::format("mosquitto did not answer with packet {}", kind));
    return std::move(**answer);
  }
  Result<std::optional<Packet>> receive(std::chrono::milliseconds patience) {
    auto first = socket_->take(1, patience);
    if (!first) return tl::unexpected(first.error());
    if (!*first) return std::optional<Packet>();
    std::size_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      auto digit = whole(1);
      if (!digit) return tl::unexpected(digit.error());
      const auto value = static_cast<unsigned char>((*digit)[0]);
      size |= static_cast<std::size_t>(value & 0x7f) << shift;
      if ((value & 0x80) == 0) break;
    }
    auto rest = whole(size);
    if (!rest) return tl::unexpected(rest.error());
    return std::optional<Packet>(Packet{static_cast<unsigned>(static_cast<unsigned char>((**first)[0])) >> 4, std::move(*rest)});
  }

 private:
  Result<std::string> whole(std::size_t bytes) {
    auto got = socket_->take(bytes, kPacketWithin);
    if (!got) return tl::unexpected(got.error());
    if (!*got) return fail(ErrorKind::kTimeout, "half a packet");
    return std::move(**got);
  }
  std::unique_ptr<Socket> socket_;
};

class Mosquitto final : public Broker {
 public:
  Mosquitto(std::string executable, std::string folder) : executable_(std::move(executable)), folder_(std::move(folder)) {}

  std::string version() const override { return first_line({executable_, "-h"}); }
  std::string durability() const override {
    return "QoS 1 is acknowledged from memory; the whole store is written once a second (autosave_interval 1, its least)";
  }

  Result<void> start() override {
    if (port_ == 0) {
      auto port = free_port();
      if (!port) return tl::unexpected(port.error());
      port_ = *port;
      std::ofstream(folder_ + "/mosquitto.conf") << fmt::format(
          "user root\nlistener {} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {}/\nautosave_interval 1\n"
          "max_queued_messages 0\nmax_inflight_messages 1000\n",
          port_, folder_);
    }
    return Child::start({executable_, "-c", folder_ + "/mosquitto.conf"}, folder_ + "/log").map([this](std::unique_ptr<Child> server) {
      server_ = std::move(server);
    });
  }
  void kill9() override {
    if (server_) server_->kill9();
  }
  double peak_memory_mib() const override { return server_ ? server_->peak_memory_mib() : 0; }

  Result<void> connect_publisher() override {
    numbers_.clear();
    return MqttConnection::open(port_, "publisher", true).map([this](auto connection) { publisher_ = std::move(connection); });
  }
  Result<void> publish(std::uint64_t number, const std::string& body) override {
    const std::size_t name = number % 65'535 + 1;
    numbers_[name] = number;
    return publisher_->send(packet(0x32, mqtt_text(kTopic) + two(name) + body));
  }
  Result<std::optional<std::uint64_t>> acknowledged(std::chrono::milliseconds patience) override {
    auto answer = publisher_->receive(patience);
    if (!answer) return tl::unexpected(answer.error());
    if (!*answer || (*answer)->kind != 4) return std::optional<std::uint64_t>();
    return std::optional<std::uint64_t>(numbers_[number_at((*answer)->rest, 0)]);
  }

  Result<void> connect_subscriber() override {
    auto connection = MqttConnection::open(port_, "subscriber", false);
    if (!connection) return tl::unexpected(connection.error());
    subscriber_ = std::move(*connection);
    // A session that is still there already delivers in front of the answer; those packets are kept for `receive`.
    if (auto sent = subscriber_->send(packet(0x82, two(1) + mqtt_text(kTopic) + '\x01')); !sent) return sent;
    while (true) {
      auto answer = subscriber_->receive(kPacketWithin);
      if (!answer) return tl::unexpected(answer.error());
      if (!*answer) return fail(ErrorKind::kTimeout, "mosquitto did not answer a subscription");
      if ((*answer)->kind == 9) return {};
      early_.push_back(std::move(**answer));
    }
  }
  void disconnect_subscriber() override {
    subscriber_.reset();
    early_.clear();
  }
  Result<std::optional<std::string>> receive(std::chrono::milliseconds patience) override {
    std::optional<Packet> message;
    if (!early_.empty()) {
      message = std::move(early_.front());
      early_.erase(early_.begin());
    } else {
      auto got = subscriber_->receive(patience);
      if (!got) return tl::unexpected(got.error());
      message = std::move(*got);
    }
    if (!message || message->kind != 3) return std::optional<std::string>();
    const std::size_t topic = number_at(message->rest, 0);
    const std::string name = message->rest.substr(2 + topic, 2);
    if (auto sent = subscriber_->send(packet(0x40, name)); !sent) return tl::unexpected(sent.error());
    return std::optional<std::string>(message->rest.substr(4 + topic));
  }

 private:
  const std::string executable_, folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Child> server_;
  std::unique_ptr<MqttConnection> publisher_, subscriber_;
  std::map<std::size_t, std::uint64_t> numbers_;  // of packets
  std::vector<Packet> early_;
};

}  // namespace

std::unique_ptr<Broker> make_mosquitto(const std::string& folder) {
  auto executable = program("mosquitto");
  if (!executable) return nullptr;
  return std::make_unique<Mosquitto>(std::move(*executable), folder);
}

}  // namespace kanhu::bench
