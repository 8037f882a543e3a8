// SPDX-License-Identifier: MIT
#include "pipelines/publish/client/subscriber.hpp"

#include <array>
#include <exception>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pipelines/publish/access/admission_sockets.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/sockets.hpp"
#include "pipelines/publish/wire.hpp"

namespace kanhu::publish {
namespace {

constexpr std::size_t kMostAnswerBytes = 16u << 20;

// True when something can be received within `patience`.
bool wait_for(zmq::socket_t& socket, std::chrono::milliseconds patience) {
  std::array<zmq::pollitem_t, 1> items{{{socket.handle(), 0, ZMQ_POLLIN, 0}}};
  try {
    return zmq::poll(items.data(), items.size(), patience) > 0;
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return false;  // a signal: the caller looks at its own flag
    throw;
  }
}

}  // namespace

struct Subscriber::Socket {
  zmq::context_t context{1};
  zmq::socket_t sub{context, zmq::socket_type::sub};
};

Subscriber::Subscriber(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
Subscriber::~Subscriber() = default;

Result<std::optional<LiveMessage>> Subscriber::receive(std::chrono::milliseconds patience) {
  try {
    if (!wait_for(socket_->sub, patience)) return std::optional<LiveMessage>();
    std::vector<zmq::message_t> frames;
    std::size_t count = 0;
    for (bool more = true; more; ++count) {
      zmq::message_t frame;
      if (!socket_->sub.recv(frame, zmq::recv_flags::dontwait)) break;
      more = frame.more();
      if (count < 3) frames.push_back(std::move(frame));
    }
    if (count != 3) return fail(ErrorKind::kCorrupt, fmt::format("a message of {} frames instead of topic, header, payload", count));
    LiveMessage message;
    message.topic = frames[0].to_string();
    auto header = parse_json(frames[1].to_string_view(), 4096, 8);
    if (!header || !header->is_object()) return fail(ErrorKind::kCorrupt, "a message whose header is not a JSON object");
    if (!message.topic.starts_with(kTopicRoot)) return fail(ErrorKind::kCorrupt, "a message whose topic does not start with kanhu1/");
    message.header = std::move(*header);
    message.payload = frames[2].to_string();
    return std::optional<LiveMessage>(std::move(message));
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, error.what());
  }
}

Result<std::unique_ptr<Subscriber>> Subscriber::connect(const std::string& endpoint, const std::vector<std::string>& topics,
                                                        const std::optional<ClientKeys>& keys) {
  try {
    auto socket = std::make_unique<Socket>();
    set_subscriber_options(socket->sub);
    if (keys) set_client_keys(socket->sub, *keys);
    for (const std::string& topic : topics) socket->sub.set(zmq::sockopt::subscribe, topic);
    if (topics.empty()) socket->sub.set(zmq::sockopt::subscribe, std::string(kTopicRoot));
    kanhu::publish::connect(socket->sub, endpoint);
    return std::unique_ptr<Subscriber>(new Subscriber(std::move(socket)));
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("{}: {}; the form is tcp://ADDRESS:PORT or ipc://PATH", endpoint, error.what()));
  }
}

Result<Given> query_bytes(const std::string& endpoint, const Json& request, std::chrono::milliseconds patience,
                          const std::optional<ClientKeys>& keys) {
  try {
    zmq::context_t context(1);
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    set_client_options(socket);
    if (keys) set_client_keys(socket, *keys);
    socket.set(zmq::sockopt::sndtimeo, static_cast<int>(patience.count()));
    const auto deadline = std::chrono::steady_clock::now() + patience;
    kanhu::publish::connect(socket, endpoint);
    const auto nobody = [&] {
      return fail(ErrorKind::kTimeout,
                  fmt::format("nobody answers at {} within {} ms; is the gateway running{}?", endpoint, patience.count(),
                              keys ? ", and our key in its allow-list" : ", and without an allow-list (else --key FILE)"));
    };
    if (!socket.send(zmq::message_t(), zmq::send_flags::sndmore)) return nobody();
    (void)socket.send(zmq::buffer(canonical_json(request)), zmq::send_flags::none);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (!wait_for(socket, std::max(left, std::chrono::milliseconds(0)))) return nobody();
    // The empty frame, the JSON, and for some requests bytes.
    std::vector<zmq::message_t> frames;
    do {
      zmq::message_t frame;
      if (frames.size() == 3 || !socket.recv(frame, zmq::recv_flags::dontwait)) return fail(ErrorKind::kCorrupt, "an incomplete answer");
      frames.push_back(std::move(frame));
    } while (frames.back().more());
    if (frames.size() < 2) return fail(ErrorKind::kCorrupt, "an incomplete answer");
    auto json = parse_json(frames[1].to_string_view(), kMostAnswerBytes);
    if (!json) return tl::unexpected(json.error());
    return Given{std::move(*json), frames.size() == 3 ? frames[2].to_string() : std::string()};
  } catch (const std::exception& error) {
    return fail(ErrorKind::kIo, fmt::format("{}: {}", endpoint, error.what()));
  }
}

Result<Json> query(const std::string& endpoint, const Json& request, std::chrono::milliseconds patience,
                   const std::optional<ClientKeys>& keys) {
  return query_bytes(endpoint, request, patience, keys).map([](Given given) { return std::move(given.json); });
}

}  // namespace kanhu::publish
