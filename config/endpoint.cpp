// SPDX-License-Identifier: MIT
#include "config/endpoint.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include "base/text.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu {
namespace {

constexpr std::int64_t kRtspPort = 554;
constexpr std::size_t kMostName = 253, kMostLabel = 63;
constexpr const char* kBindable = "an address of this machine expected, such as 127.0.0.1, [::1] or 0.0.0.0, or the name of an interface";

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool is_decimal(char c) { return c >= '0' && c <= '9'; }

struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // of IPv4 the first four
  std::string zone{};
  std::string text() const {
    std::array<char, INET6_ADDRSTRLEN> made{};
    (void)::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), made.data(), made.size());
    return zone.empty() ? made.data() : fmt::format("{}%{}", made.data(), zone);
  }
  bool is_link_local() const { return v6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }
  // Multicast, or the broadcast of any network or of loopback.
  bool is_of_many() const {
    if (v6) return bytes[0] == 0xff;
    return (bytes[0] >= 224 && bytes[0] < 240) ||
           ((bytes[0] == 255 || bytes[0] == 127) && bytes[1] == 255 && bytes[2] == 255 && bytes[3] == 255);
  }
  bool is_loopback() const {
    if (!v6) return bytes[0] == 127;
    return std::all_of(bytes.begin(), bytes.begin() + 15, [](std::uint8_t byte) { return byte == 0; }) && bytes[15] == 1;
  }
};

std::optional<Address> ipv4_of(std::string_view text) {
  Address address;
  if (::inet_pton(AF_INET, std::string(text).c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

// Without brackets. ::ffff:127.0.0.1 is 127.0.0.1: the same socket answers.
std::optional<Address> ipv6_of(std::string_view text) {
  Address address;
  address.v6 = true;
  if (const std::size_t percent = text.find('%'); percent != std::string_view::npos) {
    address.zone = text.substr(percent + 1);
    text = text.substr(0, percent);
    const bool good = !address.zone.empty() && address.zone.size() < IF_NAMESIZE &&
                      std::all_of(address.zone.begin(), address.zone.end(),
                                  [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
    if (!good) return std::nullopt;
  }
  if (::inet_pton(AF_INET6, std::string(text).c_str(), address.bytes.data()) != 1) return std::nullopt;
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) return address;
  Address plain;
  plain.zone = address.zone;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), plain.bytes.begin());
  return plain;
}

bool in_brackets(std::string_view host) { return host.size() > 2 && host.front() == '[' && host.back() == ']'; }

// Numbers and dots, or a last label of digits or 0x: resolvers take such for an address in old notations (127.1 is 127.0.0.1, 010 is 8).
bool looks_like_ipv4(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') == std::string_view::npos ? 0 : host.rfind('.') + 1);
  return (!last.empty() && std::all_of(last.begin(), last.end(), is_decimal)) || last.starts_with("0x") || last.starts_with("0X");
}

// What can be bound. Nothing: neither an address nor localhost.
std::optional<Address> bound_address(std::string_view host) {
  if (host == "*") return Address{};
  if (host == "localhost") return ipv4_of("127.0.0.1");
  return in_brackets(host) ? ipv6_of(host.substr(1, host.size() - 2)) : ipv4_of(host);
}

// eth0, eth0.100: begins with a letter, so that no address in an old notation is meant.
bool is_interface_name(std::string_view host) {
  return !host.empty() && host.size() < IF_NAMESIZE && is_alphanumeric(host.front()) && !is_decimal(host.front()) &&
         host.find("..") == std::string_view::npos &&
         std::all_of(host.begin(), host.end(), [](char c) { return is_alphanumeric(c) || c == '.' || c == '-' || c == '_'; });
}

// Why a socket cannot listen on an address that is one, on any machine. Empty: it may.
std::string unbindable_fault(const Address& address) {
  if (address.is_of_many()) return std::string("a multicast or broadcast address belongs to nobody; ") + kBindable;
  if (!address.zone.empty() && !address.is_link_local())
    return fmt::format("only a link-local address (fe80::...) has a zone; write this one without %{}", address.zone);
  return "";
}

Endpoint listening(std::string_view authority, bool interfaces, const char* expected) {
  const HostPort parts = split_authority(authority);
  if (!parts.port || parts.host.empty()) return {expected};
  const int port = static_cast<int>(*parts.port);
  if (const auto address = bound_address(parts.host)) {
    if (std::string fault = unbindable_fault(*address); !fault.empty()) return {std::move(fault)};
    return {"", address->is_loopback(), port, address->text(), address->v6, false, {}};
  }
  if (interfaces && is_interface_name(parts.host)) return {"", false, port, std::string(parts.host), false, true, {}};
  const bool numbers = in_brackets(parts.host) || looks_like_ipv4(parts.host) || parts.host.find(':') != std::string_view::npos;
  if (numbers) {
    const std::string fault = host_fault(parts.host);
    return {fault.empty() ? kBindable : fault};
  }
  return {kBindable};
}

std::string comparable_host(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string folded = lower(host);
  const auto address = bound_address(folded);
  if (!address) return folded.ends_with(".localhost") ? "localhost" : folded;
  return address->is_loopback() ? "localhost" : address->text();
}

// %XX as the byte it stands for (RFC 3986, 2.1).
std::string unescaped(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (is_decimal(c)) return c - '0';
    const char small = c | 0x20;
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    plain += escape ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return plain;
}

// A path and what stands behind its question mark.
std::string normal_path(std::string_view text) {
  const std::size_t mark = std::min(text.find('?'), text.size());
  std::string path = std::filesystem::path(fmt::format("/{}", text.substr(0, mark))).lexically_normal().string();
  while (path.ends_with('/')) path.pop_back();
  return path + std::string(text.substr(mark));
}

// Two that differ in the zone alone are one, but on two interfaces by name.
bool same_host(std::string_view one, std::string_view other) {
  const auto plain = [](std::string_view host) { return host.substr(0, host.find('%')); };
  const auto is_named = [](std::string_view host) {
    const std::size_t percent = host.find('%');
    return percent != std::string_view::npos && !is_decimal(host[percent + 1]);
  };
  return one == other || (plain(one) == plain(other) && !(is_named(one) && is_named(other)));
}

}  // namespace

HostPort split_authority(std::string_view authority) {
  HostPort parts{authority, std::nullopt, true};
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return parts;
  parts.host = authority.substr(0, colon);
  const auto port = parse_integer(authority.substr(colon + 1));
  parts.good = port && *port >= 0 && *port <= 65535;
  if (parts.good) parts.port = *port;
  return parts;
}

std::string host_fault(std::string_view host) {
  if (in_brackets(host)) return ipv6_of(host.substr(1, host.size() - 2)) ? "" : "what stands in brackets is no IPv6 address";
  if (host.find(':') != std::string_view::npos) return "an IPv6 address stands in brackets, as in [::1]";
  if (host.empty() || host.size() > kMostName) return "a host name or address expected";
  if (looks_like_ipv4(host))
    return ipv4_of(host) ? "" : "not an IPv4 address: four numbers from 0 to 255 without leading zeros expected, such as 192.168.1.20";
  std::string_view rest = host;
  if (rest.ends_with('.')) rest.remove_suffix(1);  // a name from the root
  while (true) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    const bool good = !label.empty() && label.size() <= kMostLabel && label.front() != '-' &&
                      std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
    if (!good) return "a host name or address expected";
    if (label.size() == rest.size()) return "";
    rest.remove_prefix(label.size() + 1);
  }
}

bool is_loopback_address(std::string_view host) {
  const auto address = bound_address(host);
  return address && address->is_loopback();
}

std::string Endpoint::authority() const { return fmt::format(fmt::runtime(ipv6 ? "[{}]:{}" : "{}:{}"), host, port); }

Endpoint check_endpoint(std::string_view text) {
  if (text.starts_with("ipc://")) {
    const std::string_view path = text.substr(6);
    // A Unix socket's path has 108 bytes with its final zero (unix(7)).
    if (path.size() < 2 || path.front() != '/' || path.size() > 107) return {"ipc:// and an absolute path of at most 107 bytes expected"};
    if (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/.."))
      return {"ipc:// and the path of a socket expected; this is a folder's"};
    return {"", true, -1, {}, false, false, std::string(path)};
  }
  if (!text.starts_with("tcp://")) return {"tcp://host:port or ipc:///path expected"};
  return listening(text.substr(6), true, "tcp://host:port expected, with a port from 0 (chosen by the system) to 65535");
}

Endpoint check_listen(std::string_view text) {
  if (text.empty()) return {};
  return listening(text, false, "host:port expected, with a port from 0 (chosen by the system) to 65535");
}

bool same_place(const Endpoint& one, const Endpoint& other) {
  if (!one.fault.empty() || !other.fault.empty()) return false;
  if (!one.path.empty() || !other.path.empty()) {
    const auto plain = [](const std::string& path) { return std::filesystem::path(path).lexically_normal(); };
    return !one.path.empty() && !other.path.empty() && plain(one.path) == plain(other.path);
  }
  if (one.port <= 0 || one.port != other.port) return false;
  // The interface of loopback is called lo everywhere, and libzmq takes its IPv4 address.
  const auto host_of = [](const Endpoint& end) { return end.interface && end.host == "lo" ? std::string_view("127.0.0.1") : end.host; };
  const auto is_any = [](std::string_view host) { return host == "0.0.0.0" || host == "::"; };
  const auto is_localhost = [](std::string_view host) { return host == "127.0.0.1" || host == "::1"; };
  const std::string_view a = host_of(one), b = host_of(other);
  return same_host(a, b) || is_any(a) || is_any(b) || (is_localhost(a) && is_localhost(b));
}

std::string comparable_url(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::string(url);
  const std::string scheme = lower(url.substr(0, scheme_end));
  std::string_view rest = url.substr(scheme_end + 3);
  if (scheme != "rtsp") return scheme + "://" + normal_path(rest);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  rest.remove_prefix(authority.size());
  rest = rest.substr(0, rest.find('#'));
  const HostPort parts = split_authority(authority);
  const std::string port = parts.port && *parts.port != kRtspPort ? fmt::format(":{}", *parts.port) : "";
  return fmt::format("rtsp://{}{}{}", comparable_host(parts.host), port, normal_path(lower(unescaped(rest))));
}

}  // namespace kanhu
