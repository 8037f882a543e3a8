// SPDX-License-Identifier: MIT
#include "pipelines/sense/metered_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

namespace kanhu::sense {
namespace {

constexpr double kForgottenPerSecond = 100;
constexpr std::size_t kMostUnsent = 64 * 1024;

Error no_socket() {
  return {ErrorKind::kInternal, fmt::format("no local socket for the broker's connection: {}", std::generic_category().message(errno))};
}

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Result<MeteredSocket> MeteredSocket::over(int socket) {
  Descriptor network(::fcntl(socket, F_DUPFD_CLOEXEC, 0));
  if (!network.is_open()) return tl::unexpected(no_socket());
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) return tl::unexpected(no_socket());
  const Descriptor theirs(pair[0]);
  Descriptor library(pair[1]);
  if (::dup3(theirs.get(), socket, O_CLOEXEC) < 0) return tl::unexpected(no_socket());
  return MeteredSocket(std::move(network), std::move(library));
}

void MeteredSocket::take_in(MonoTime now) {
  std::array<char, kPiece> piece;
  const auto got = ::recv(network_.get(), piece.data(), piece.size(), 0);
  if (got < 0 && would_wait()) return;
  if (got <= 0) {
    ::shutdown(library_.get(), SHUT_WR);
    return;
  }
  if (taken_at_ != MonoTime{}) taken_ = std::max(0.0, taken_ - kForgottenPerSecond * to_seconds(now - taken_at_));
  taken_at_ = now;
  taken_ += static_cast<double>(got);
  // The library has read the piece before: there is room. If not, it has stopped reading, and its connection with it.
  if (::send(library_.get(), piece.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) ::shutdown(library_.get(), SHUT_RDWR);
}

void MeteredSocket::send_out() {
  std::array<char, kPiece> piece;
  for (;;) {
    while (!unsent_.empty()) {
      const auto sent = ::send(network_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent < 0 && would_wait()) break;
      if (sent < 0) return unsent_.clear();  // its end is read next
      unsent_.erase(0, static_cast<std::size_t>(sent));
    }
    if (unsent_.size() >= kMostUnsent) return;
    const auto got = ::recv(library_.get(), piece.data(), piece.size(), 0);
    if (got <= 0) return;
    unsent_.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace kanhu::sense
