// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/admin/here_paths.hpp"
#include "pipelines/publish/ipc_socket.hpp"

namespace kanhu {
namespace {

// The IPv4 address libzmq would take of an interface.
std::optional<in_addr> address_of_interface(const std::string& name) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return std::nullopt;
  std::optional<in_addr> found;
  for (const ifaddrs* one = all; one != nullptr && !found; one = one->ifa_next) {
    if (one->ifa_addr != nullptr && one->ifa_addr->sa_family == AF_INET && name == one->ifa_name)
      found = reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr;
  }
  ::freeifaddrs(all);
  return found;
}

std::optional<sockaddr_in6> ipv6_place(const Endpoint& endpoint) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(endpoint.port));
  const std::size_t zone = endpoint.host.find('%');
  if (::inet_pton(AF_INET6, endpoint.host.substr(0, zone).c_str(), &address.sin6_addr) != 1) return std::nullopt;
  if (zone != std::string::npos) {
    address.sin6_scope_id = ::if_nametoindex(endpoint.host.c_str() + zone + 1);
    if (address.sin6_scope_id == 0) return std::nullopt;
  }
  return address;
}

// Whether a bound socket is in the way of `address`: the same port, and the same address or all of them.
bool is_in_the_way(const Descriptor& socket, const sockaddr* address) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return false;
  const auto facts = [](const sockaddr* any) {
    if (any->sa_family == AF_INET6) {
      const auto* six = reinterpret_cast<const sockaddr_in6*>(any);
      return std::pair(six->sin6_port, std::string(reinterpret_cast<const char*>(&six->sin6_addr), sizeof six->sin6_addr));
    }
    const auto* four = reinterpret_cast<const sockaddr_in*>(any);
    return std::pair(four->sin_port, std::string(reinterpret_cast<const char*>(&four->sin_addr), sizeof four->sin_addr));
  };
  const auto is_all = [](const std::string& bytes) { return bytes.find_first_not_of('\0') == std::string::npos; };
  const auto there = facts(reinterpret_cast<const sockaddr*>(&bound)), wanted = facts(address);
  return there.first == wanted.first && (there.second == wanted.second || is_all(there.second) || is_all(wanted.second));
}

std::string bind_fault(const std::string& key, const std::string& authority, const sockaddr* address, socklen_t size,
                       std::vector<HeldSocket>& held) {
  Descriptor socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.is_open()) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (socket.is_open() && ::bind(socket.get(), address, size) == 0 && ::listen(socket.get(), 1) == 0) {
    held.push_back({key, std::move(socket)});
    return "";
  }
  const int code = errno;
  const auto met = std::find_if(held.begin(), held.end(), [&](const HeldSocket& other) { return is_in_the_way(other.socket, address); });
  if (code == EADDRINUSE && met != held.end())
    return fmt::format("{}: {} and {} meet here; give one of them another port", authority, met->key, key);
  const char* way_out = code == EADDRINUSE ? "another program (a second gateway?) listens there; stop it, or choose another port"
                        : code == EADDRNOTAVAIL || code == EAFNOSUPPORT || code == ENODEV ? "no interface of this machine has this address"
                        : code == EACCES                                                  ? "this user may not; choose a port above 1023"
                                                                                          : "it cannot be listened on";
  return fmt::format("{}: {} ({})", authority, way_out, std::generic_category().message(code));
}

void take_lower(const std::filesystem::path& file, std::uint64_t& least) {
  std::ifstream stream(file);
  std::uint64_t most = 0;  // "max" is no number, and no limit
  if (stream >> most && most > 0) least = std::min(least, most);
}

}  // namespace

std::string endpoint_fault(const std::string& key, const Endpoint& endpoint, std::vector<HeldSocket>& held) {
  if (!endpoint.path.empty()) {
    const auto good = publish::check_ipc_path(endpoint.path);
    return good ? "" : good.error().message;
  }
  if (endpoint.port < 0) return "";
  if (endpoint.ipv6) {
    const auto address = ipv6_place(endpoint);
    if (!address) return fmt::format("{}: no interface of this machine has this address", endpoint.authority());
    return bind_fault(key, endpoint.authority(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address, held);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(endpoint.port));
  if (endpoint.interface) {
    const auto found = address_of_interface(endpoint.host);
    if (!found) return fmt::format("this machine has no interface {} with an IPv4 address; write an address", endpoint.host);
    address.sin_addr = *found;
  } else {
    (void)::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr);
  }
  return bind_fault(key, endpoint.authority(), reinterpret_cast<const sockaddr*>(&address), sizeof address, held);
}

std::uint64_t most_tasks(std::uint64_t of_unit) {
  const std::filesystem::path root = "/sys/fs/cgroup";
  std::error_code ignored;
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  take_lower(root / "system.slice/kanhu.service/pids.max", least);  // where it runs now, with its drop-ins
  if (!std::filesystem::exists(root / "system.slice/kanhu.service/pids.max", ignored)) least = of_unit;
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {
    if (!line.starts_with("0::/")) continue;
    for (std::filesystem::path at = line.substr(4); !at.empty(); at = at.parent_path()) take_lower(root / at / "pids.max", least);
    take_lower(root / "pids.max", least);
  }
  return least;
}

}  // namespace kanhu
