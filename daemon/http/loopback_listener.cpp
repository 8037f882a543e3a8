// SPDX-License-Identifier: MIT
#include "daemon/http/loopback_listener.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "config/endpoint.hpp"

namespace kanhu {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address ipv4(in_addr host, int port) {
  Address address;
  auto* in = reinterpret_cast<sockaddr_in*>(&address.bytes);
  in->sin_family = AF_INET;
  in->sin_port = htons(static_cast<std::uint16_t>(port));
  in->sin_addr = host;
  address.size = sizeof *in;
  return address;
}

Address ipv6(in6_addr host, int port) {
  Address address;
  auto* in = reinterpret_cast<sockaddr_in6*>(&address.bytes);
  in->sin6_family = AF_INET6;
  in->sin6_port = htons(static_cast<std::uint16_t>(port));
  in->sin6_addr = host;
  address.size = sizeof *in;
  return address;
}

// Those to be tried, in turn.
std::vector<Address> addresses_of(const Endpoint& endpoint, bool either) {
  in_addr four{};
  in6_addr six{};
  std::vector<Address> addresses;
  if (endpoint.ipv6 && ::inet_pton(AF_INET6, endpoint.host.c_str(), &six) == 1) addresses.push_back(ipv6(six, endpoint.port));
  if (!endpoint.ipv6 && ::inet_pton(AF_INET, endpoint.host.c_str(), &four) == 1) addresses.push_back(ipv4(four, endpoint.port));
  if (either) addresses.push_back(ipv6(in6addr_loopback, endpoint.port));
  return addresses;
}

int port_of(const Descriptor& socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

// The socket, or the errno.
std::pair<Descriptor, int> listening(const Address& address) {
  const int family = address.bytes.ss_family, one = 1;
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return {std::move(socket), errno};
  // What an earlier gateway's connections left behind does not count; a listener that is there does. Never SO_REUSEPORT: two gateways
  // would share the port.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0 || ::listen(socket.get(), SOMAXCONN) != 0)
    return {std::move(socket), errno};
  return {std::move(socket), 0};
}

}  // namespace

Result<LoopbackListener> listen_on_loopback(const std::string& listen) {
  // As the configuration reads it, so that nothing it accepts is refused here.
  const Endpoint endpoint = check_listen(listen);
  if (!endpoint.fault.empty()) return fail(ErrorKind::kInvalidArgument, fmt::format("'{}': {}", listen, endpoint.fault));
  if (listen.empty() || !endpoint.loopback)
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("'{}' is not 127.0.0.1, [::1] or localhost: only this machine may ask here", listen));
  int code = 0;
  // The name localhost is not looked up: it means this machine.
  for (const Address& address : addresses_of(endpoint, listen.starts_with("localhost:"))) {
    auto [socket, error] = listening(address);
    code = error;
    if (code == EADDRINUSE) break;
    if (code != 0) continue;
    const std::string shown = address.bytes.ss_family == AF_INET6 ? "[::1]" : endpoint.host;
    const int real = port_of(socket);
    return LoopbackListener{std::move(socket), shown, real};
  }
  return fail(ErrorKind::kIo, fmt::format("cannot listen on {}: {}", listen,
                                          code == EADDRINUSE ? "the port is in use; stop what listens there, or take another one"
                                                             : std::generic_category().message(code)));
}

}  // namespace kanhu
