// SPDX-License-Identifier: MIT
// NATS JetStream by its text protocol: a stream of files, publishes that are acknowledged, a durable consumer that pulls.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.hpp"
#include "bench/events/broker.hpp"
#include "bench/events/socket.hpp"

namespace kanhu::bench {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto kNatsWithin = 10'000ms;
constexpr std::size_t kPull = 500;

// Every write below the folder waits for the disk (chattr +S); files inherit it.
bool sync_every_write(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  int flags = 0;
  const bool got = ::ioctl(descriptor, FS_IOC_GETFLAGS, &flags) == 0;
  flags |= FS_SYNC_FL;
  const bool done = got && ::ioctl(descriptor, FS_IOC_SETFLAGS, &flags) == 0;
  ::close(descriptor);
  return done;
}

struct Delivery {
  std::string subject, reply, body;
  bool status = false;  // of the server: no messages, nobody answers
};

class NatsConnection {
 public:
  static Result<std::unique_ptr<NatsConnection>> open(std::uint16_t port) {
    auto socket = Socket::connect(port, kNatsWithin);
    if (!socket) return tl::unexpected(socket.error());
    auto connection = std::make_unique<NatsConnection>(std::move(*socket));
    const std::string hello =
        "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"name\":\"kanhu bench\"}\r\nSUB inbox.> "
        "1\r\n";
    if (auto sent = connection->socket_->send(hello); !sent) return tl::unexpected(sent.error());
    return connection;
  }
  explicit NatsConnection(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}

  Result<void> publish(const std::string& subject, const std::string& reply, const std::string& body) {
    return socket_->send(fmt::format("PUB {} {} {}\r\n{}\r\n", subject, reply, body.size(), body));
  }
  Result<std::optional<Delivery>> receive(std::chrono::milliseconds patience) {
    const auto until = Steady::now() + patience;
    while (true) {
      const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now());
      auto line = socket_->line(std::max(rest, 0ms));
      if (!line) return tl::unexpected(line.error());
      if (!*line) return std::optional<Delivery>();
      if (**line == "PING") {
        if (auto sent = socket_->send("PONG\r\n"); !sent) return tl::unexpected(sent.error());
      } else if ((*line)->starts_with("-ERR")) {
        return fail(ErrorKind::kIo, "nats-server: " + **line);
      } else if ((*line)->starts_with("MSG ") || (*line)->starts_with("HMSG ")) {
        return delivery(**line);
      }
    }
  }
  // Asks the JetStream interface until it answers: after a start it takes a while.
  Result<Json> ask(const std::string& subject, const std::string& body) {
    const auto until = Steady::now() + kNatsWithin;
    while (Steady::now() < until) {
      if (auto sent = publish(subject, "inbox.ask", body); !sent) return tl::unexpected(sent.error());
      auto answer = receive(1000ms);
      if (!answer) return tl::unexpected(answer.error());
      if (*answer && !(*answer)->status && (*answer)->subject == "inbox.ask") return parse_json((*answer)->body);
      ::usleep(50'000);
    }
    return fail(ErrorKind::kTimeout, "JetStream did not answer " + subject);
  }

 private:
  Result<std::optional<Delivery>> delivery(const std::string& line) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      if (end > at) words.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    const bool headers = words[0] == "HMSG";
    const std::size_t size = std::strtoull(words.back().c_str(), nullptr, 10);
    auto body = socket_->take(size + 2, kNatsWithin);
    if (!body) return tl::unexpected(body.error());
    if (!*body) return fail(ErrorKind::kTimeout, "half a message");
    Delivery delivered;
    delivered.subject = words[1];
    delivered.status = headers;
    if (words.size() == (headers ? 6 : 5)) delivered.reply = words[3];
    delivered.body = (*body)->substr(0, size);
    return std::optional<Delivery>(std::move(delivered));
  }
  std::unique_ptr<Socket> socket_;
};

class Nats final : public Broker {
 public:
  Nats(std::string executable, std::string folder, bool synced)
      : executable_(std::move(executable)), folder_(std::move(folder)), synced_(synced) {}

  std::string version() const override { return first_line({executable_, "--version"}); }
  std::string durability() const override {
    return synced_
               ? "acknowledged after a write that waited for the disk (its folder has chattr +S; the server itself syncs every 2 minutes)"
               : "acknowledged after a write to the page cache; the server syncs every 2 minutes: power loss takes what is behind";
  }

  Result<void> start() override {
    if (port_ == 0) {
      auto port = free_port();
      if (!port) return tl::unexpected(port.error());
      port_ = *port;
      if (synced_ && !sync_every_write(folder_))
        return fail(ErrorKind::kUnsupported, "this file system has no synchronous folders (chattr +S)");
    }
    return Child::start({executable_, "-a", "127.0.0.1", "-p", std::to_string(port_), "-js", "-sd", folder_}, folder_ + "/log")
        .map([this](std::unique_ptr<Child> server) { server_ = std::move(server); });
  }
  void kill9() override {
    if (server_) server_->kill9();
  }
  double peak_memory_mib() const override { return server_ ? server_->peak_memory_mib() : 0; }

  Result<void> connect_publisher() override {
    auto connection = NatsConnection::open(port_);
    if (!connection) return tl::unexpected(connection.error());
    publisher_ = std::move(*connection);
    const Json stream{
        {"name", "EVENTS"}, {"subjects", {"kanhu.events"}}, {"storage", "file"}, {"retention", "limits"}, {"num_replicas", 1}};
    return good(publisher_->ask("$JS.API.STREAM.CREATE.EVENTS", stream.dump()));
  }
  Result<void> publish(std::uint64_t number, const std::string& body) override {
    return publisher_->publish("kanhu.events", "inbox." + std::to_string(number), body);
  }
  Result<std::optional<std::uint64_t>> acknowledged(std::chrono::milliseconds patience) override {
    auto answer = publisher_->receive(patience);
    if (!answer) return tl::unexpected(answer.error());
    if (!*answer || (*answer)->status || (*answer)->body.find("\"error\"") != std::string::npos) return std::optional<std::uint64_t>();
    return std::optional<std::uint64_t>(std::strtoull((*answer)->subject.c_str() + 6, nullptr, 10));
  }

  Result<void> connect_subscriber() override {
    auto connection = NatsConnection::open(port_);
    if (!connection) return tl::unexpected(connection.error());
    subscriber_ = std::move(*connection);
    pulled_ = 0;
    const Json consumer{
        {"stream_name", "EVENTS"},
        {"config", {{"durable_name", "kanhu"}, {"ack_policy", "explicit"}, {"deliver_policy", "all"}, {"max_ack_pending", 10'000}}}};
    return good(subscriber_->ask("$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.kanhu", consumer.dump()));
  }
  void disconnect_subscriber() override { subscriber_.reset(); }
  Result<std::optional<std::string>> receive(std::chrono::milliseconds patience) override {
    if (pulled_ == 0) {
      const Json pull{{"batch", kPull}, {"expires", 1'000'000'000}};
      if (auto sent = subscriber_->publish("$JS.API.CONSUMER.MSG.NEXT.EVENTS.kanhu", "inbox.pull", pull.dump()); !sent)
        return tl::unexpected(sent.error());
      pulled_ = kPull;
    }
    auto delivered = subscriber_->receive(patience);
    if (!delivered) return tl::unexpected(delivered.error());
    if (!*delivered) return std::optional<std::string>();
    if ((*delivered)->status || (*delivered)->reply.empty()) {
      pulled_ = 0;  // it expired
      return std::optional<std::string>();
    }
    --pulled_;
    if (auto sent = subscriber_->publish((*delivered)->reply, "", "+ACK"); !sent) return tl::unexpected(sent.error());
    return std::optional<std::string>(std::move((*delivered)->body));
  }

 private:
  static Result<void> good(const Result<Json>& answer) {
    if (!answer) return tl::unexpected(answer.error());
    if (answer->contains("error")) return fail(ErrorKind::kIo, "JetStream: " + (*answer)["error"].dump());
    return {};
  }
  const std::string executable_, folder_;
  const bool synced_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Child> server_;
  std::unique_ptr<NatsConnection> publisher_, subscriber_;
  std::size_t pulled_ = 0;  // messages still to come of the last request
};

}  // namespace

std::unique_ptr<Broker> make_nats(const std::string& folder, bool every_write_synced) {
  auto executable = program("nats-server");
  if (!executable) return nullptr;
  return std::make_unique<Nats>(std::move(*executable), folder, every_write_synced);
}

}  // namespace kanhu::bench
