// SPDX-License-Identifier: MIT
// Addresses: what may stand in a URL as a host, what may be bound, and when two sockets would meet in one place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kanhu {

struct HostPort {
  std::string_view host;             // with its brackets
  std::optional<std::int64_t> port;  // nothing: none stands there
  bool good = true;                  // false: what stands after the colon is no port
};
HostPort split_authority(std::string_view authority);

// What is wrong with a host that is connected to: a name, an IPv4 address of four numbers, or an IPv6 address in brackets. Empty: nothing.
std::string host_fault(std::string_view host);

// 127.0.0.0/8 and ::1 in any spelling, and localhost.
bool is_loopback_address(std::string_view host);

// Where a socket of ours listens.
struct Endpoint {
  std::string fault{};  // in words; then nothing else holds
  bool loopback = true;
  int port = -1;       // 0: chosen by the system; -1: has none
  std::string host{};  // an address as inet_ntop writes it, without brackets (localhost is 127.0.0.1, * is 0.0.0.0), or an interface's name
  bool ipv6 = false;
  bool interface = false;  // `host` is the name of a network interface
  std::string path{};      // of ipc://, as it was written

  // host:port, with brackets where they belong.
  std::string authority() const;
};
// tcp://ADDRESS:port or ipc:///absolute/path. Refused are host names (only an address or an interface can be bound), multicast, broadcast,
// and a zone at an address that is not link-local.
Endpoint check_endpoint(std::string_view text);
// ADDRESS:port of the metrics, "" for none.
Endpoint check_listen(std::string_view text);

// Whether the second of the two could not be bound, or would be taken for the first: the same path, or the same port (but 0) on addresses
// of which one covers the other. 127.0.0.1, ::1 and the interface lo count as one place, for `localhost` means either.
bool same_place(const Endpoint& one, const Endpoint& other);

// A stream's address, for comparing only: two spellings that lead to one camera give one text. Host and path in small letters (cameras
// mostly do not tell them apart), IPv4 and IPv6 as inet_ntop writes them, all of loopback as localhost, a host's final dot and port 554
// left out, escapes of the path resolved, its doubled and final slashes and "." and ".." gone (RFC 3986, 6.2). Of file:// and v4l2:// the
// normal path. What a name resolves to it does not ask.
std::string comparable_url(std::string_view url);

}  // namespace kanhu
