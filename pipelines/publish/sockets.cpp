// SPDX-License-Identifier: MIT
#include "pipelines/publish/sockets.hpp"

#include <utility>

#include <fmt/format.h>

#include "config/endpoint.hpp"

namespace kanhu::publish {
namespace {

void set_keepalive(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 15);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 5);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::tcp_maxrt, 15'000);
}

// No ZMTP heartbeats on either side: libzmq 4.3.4 aborts its process (stream_engine_base.cpp:331) when one is due on a connection
// that was reset while the socket's inbox was full. A connecting socket that stalls gets there by itself (libzmq #3937, #4767), a bound
// one when a peer sends more than the inbox holds and goes. Dead peers are found by TCP's keepalive.
void set_bind_side(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::handshake_ivl, 5000);
  socket.set(zmq::sockopt::linger, 1000);
  set_keepalive(socket);
}

void set_connect_side(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::handshake_ivl, 10'000);
  socket.set(zmq::sockopt::linger, 0);
  // Between two attempts libzmq adds jitter, so that many clients do not come back at once.
  socket.set(zmq::sockopt::reconnect_ivl, 500);
  socket.set(zmq::sockopt::reconnect_ivl_max, 4000);
  set_keepalive(socket);
}

// libzmq's own word for a port chosen by the system is '*'.
Endpoint place_of(const std::string& endpoint) {
  const bool any_port = endpoint.starts_with("tcp://") && endpoint.ends_with(":*");
  return check_endpoint(any_port ? endpoint.substr(0, endpoint.size() - 1) + "0" : endpoint);
}

}  // namespace

// Measured on libzmq 4.3.4: the default high-water mark of 1,000 drops even for readers that keep up; 8,000 messages
// cost 9.6 MiB for a subscriber that stopped, 20,000 cost 29 MiB. No XPUB_NODROP: one stalled reader stops all
// others. Each byte of a subscription costs a node of libzmq's trie as soon as it is in the socket's inbox, before LivePeers can
// refuse it: an inbox of one message (the name that ZAP gave takes
// another place, for ever) and a small receive buffer let it shut a flooding connection down in time. A handshake of CURVE
// needs 512 bytes at once.
void set_live_options(zmq::socket_t& xpub) {
  xpub.set(zmq::sockopt::sndhwm, 8000);
  xpub.set(zmq::sockopt::rcvhwm, 2);
  xpub.set(zmq::sockopt::rcvbuf, 16 << 10);
  xpub.set(zmq::sockopt::maxmsgsize, std::int64_t{512});
  xpub.set(zmq::sockopt::xpub_manual, true);
  set_bind_side(xpub);
}

void set_query_options(zmq::socket_t& router) {
  router.set(zmq::sockopt::sndhwm, 8);  // of 1 MiB at most: what an asker that does not read may cost
  router.set(zmq::sockopt::rcvhwm, 64);
  router.set(zmq::sockopt::router_mandatory, true);
  router.set(zmq::sockopt::maxmsgsize, std::int64_t{64} << 10);  // a fetch may name a thousand streams
  set_bind_side(router);
}

void set_subscriber_options(zmq::socket_t& sub) {
  sub.set(zmq::sockopt::rcvhwm, 50'000);
  sub.set(zmq::sockopt::maxmsgsize, std::int64_t{64} << 10);
  set_connect_side(sub);
}

void set_client_options(zmq::socket_t& dealer) {
  dealer.set(zmq::sockopt::sndhwm, 64);
  dealer.set(zmq::sockopt::rcvhwm, 64);
  dealer.set(zmq::sockopt::maxmsgsize, std::int64_t{16} << 20);  // the roster of a district
  dealer.set(zmq::sockopt::immediate, true);
  set_connect_side(dealer);
}

Result<void> check_loopback(const std::string& endpoint, bool allowed) {
  const Endpoint checked = place_of(endpoint);
  if (!checked.fault.empty()) return fail(ErrorKind::kInvalidConfig, fmt::format("{}: {}", endpoint, checked.fault));
  if (checked.loopback || allowed) return {};
  return fail(ErrorKind::kInvalidConfig,
              fmt::format("{} would show events in plain text to other machines; use tcp://127.0.0.1:PORT or ipc://, name an "
                          "allow-list (access: FILE), or say plain_tcp_beyond_loopback: true",
                          endpoint));
}

Result<std::string> bind(zmq::socket_t& socket, const std::string& endpoint, const char* what, IpcSocket& file) {
  const Endpoint place = place_of(endpoint);
  try {
    if (!place.path.empty()) {
      auto made = IpcSocket::listen(place.path);
      if (!made) {
        made.error().message = fmt::format("{} socket: {}", what, made.error().message);
        return tl::unexpected(made.error());
      }
      file = std::move(*made);
      // With a descriptor of ours libzmq neither removes what stands at the path nor makes anything there.
      socket.set(zmq::sockopt::use_fd, file.descriptor());
      socket.bind(endpoint);
      (void)file.release();
      return endpoint;
    }
    // libzmq takes no names but those of interfaces, and IPv6 only where it is told so.
    socket.set(zmq::sockopt::ipv6, place.ipv6);
    socket.bind("tcp://" + place.authority());
    return socket.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    const char* way_out = error.num() == EADDRINUSE ? "another program (a second gateway?) listens there: stop it or choose another port"
                          : error.num() == EADDRNOTAVAIL || error.num() == ENODEV ? "no interface of this machine has this address"
                          : error.num() == EACCES ? "choose a port above 1023 or a folder that may be written"
                                                  : "the form is tcp://ADDRESS:PORT or ipc://PATH";
    return fail(ErrorKind::kIo, fmt::format("{} socket cannot bind {}: {}; {}", what, endpoint, error.what(), way_out));
  }
}

void connect(zmq::socket_t& socket, const std::string& endpoint) {
  if (endpoint.starts_with("tcp://[")) socket.set(zmq::sockopt::ipv6, true);
  socket.connect(endpoint);
}

}  // namespace kanhu::publish
