// SPDX-License-Identifier: MIT
#include "pipelines/publish/client/live_probe.hpp"

#include <cstdint>
#include <cstring>
#include <exception>

#include <zmq.hpp>

#include "pipelines/publish/access/admission_sockets.hpp"
#include "pipelines/publish/sockets.hpp"

namespace kanhu::publish {
namespace {

constexpr const char* kMonitor = "inproc://live-probe";
constexpr int kLookEveryMs = 50;

struct DoorEvent {
  std::uint16_t what = 0;
  std::uint32_t value = 0;
};

// Nothing when none came for a while.
std::optional<DoorEvent> next_event(zmq::socket_t& monitor) {
  zmq::message_t first, address;
  if (!monitor.recv(first)) return std::nullopt;
  if (first.more()) (void)monitor.recv(address);
  DoorEvent event;
  if (first.size() != sizeof event.what + sizeof event.value) return std::nullopt;
  std::memcpy(&event.what, first.data<char>(), sizeof event.what);
  std::memcpy(&event.value, first.data<char>() + sizeof event.what, sizeof event.value);
  return event;
}

}  // namespace

LiveDoor try_live(const std::string& endpoint, const std::optional<ClientKeys>& keys, std::chrono::milliseconds patience) {
  bool connected = false;
  try {
    zmq::context_t context(1);
    zmq::socket_t socket(context, zmq::socket_type::sub), monitor(context, zmq::socket_type::pair);
    set_subscriber_options(socket);
    if (keys) set_client_keys(socket, *keys);
    if (::zmq_socket_monitor(socket.handle(), kMonitor, ZMQ_EVENT_ALL) != 0) throw zmq::error_t();
    monitor.set(zmq::sockopt::linger, 0);
    monitor.set(zmq::sockopt::rcvtimeo, kLookEveryMs);
    monitor.connect(kMonitor);
    connect(socket, endpoint);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
      const auto event = next_event(monitor);
      if (!event) continue;
      if (event->what == ZMQ_EVENT_CONNECTED) connected = true;
      if (event->what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return LiveDoor::kOpen;
      if (event->what == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
        return event->value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH ? LiveDoor::kOtherMechanism : LiveDoor::kShut;
      if (event->what == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL || event->what == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return LiveDoor::kShut;
      if (event->what == ZMQ_EVENT_DISCONNECTED || event->what == ZMQ_EVENT_CONNECT_RETRIED) break;
    }
  } catch (const std::exception&) {
    return LiveDoor::kNobody;  // an endpoint that cannot be used was refused when the subscriber connected
  }
  return connected ? LiveDoor::kShut : LiveDoor::kNobody;
}

}  // namespace kanhu::publish
