// SPDX-License-Identifier: MIT
#include "pipelines/sense/reach.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kanhu::sense {
namespace {

struct Socket {
  int fd = -1;
  explicit Socket(int descriptor) : fd(descriptor) {}
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
};

Error error_of(int code) {
  if (code == ECONNREFUSED) return {ErrorKind::kRefused, "nothing listens at the broker's address"};
  if (code == ETIMEDOUT) return {ErrorKind::kTimeout, "the broker does not answer in time"};
  return {ErrorKind::kUnreachable, fmt::format("the broker cannot be reached: {}", std::generic_category().message(code))};
}

Result<void> reach_one(const addrinfo& address, std::chrono::milliseconds patience, int wake_fd) {
  const Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd < 0) return tl::unexpected(error_of(errno));
  if (::connect(socket.fd, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return tl::unexpected(error_of(errno));
  std::array<pollfd, 2> waits{pollfd{socket.fd, POLLOUT, 0}, pollfd{wake_fd, POLLIN, 0}};
  const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(patience.count()));
  if (waits[1].revents != 0) return fail(ErrorKind::kClosed, "stopped");
  if (ready <= 0) return tl::unexpected(error_of(ETIMEDOUT));
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0) return tl::unexpected(error_of(code));
  return {};
}

}  // namespace

Result<void> reach(const std::string& host, int port, std::chrono::milliseconds patience, int wake_fd) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return fail(ErrorKind::kNameResolution, "the broker's host name cannot be resolved");
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, ::freeaddrinfo);
  Result<void> last = fail(ErrorKind::kNameResolution, "the broker's host name cannot be resolved");
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    last = reach_one(*at, patience, wake_fd);
    if (last || last.error().kind == ErrorKind::kClosed) return last;
  }
  return last;
}

}  // namespace kanhu::sense
