// SPDX-License-Identifier: MIT
#include "pipelines/relay/channel.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kanhu::relay {

Channel::Channel(int descriptor) : descriptor_(descriptor), receive_buffer_(std::make_unique<char[]>(kLargestMessage + 1)) {}

Channel::~Channel() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::pair<std::unique_ptr<Channel>, std::unique_ptr<Channel>>> Channel::make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(ErrorKind::kIo, fmt::format("socketpair: {}", std::strerror(errno)));
  }
  // Room for a few of the largest messages; the kernel doubles the figure and counts its own overhead in it.
  const int room = 8 * static_cast<int>(kLargestMessage);
  for (int end : ends) ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  return std::make_pair(std::make_unique<Channel>(ends[0]), std::make_unique<Channel>(ends[1]));
}

Result<void> Channel::send_bytes(const std::string& bytes, int flags) {
  if (bytes.size() > kLargestMessage) {
    return fail(ErrorKind::kInternal, fmt::format("a message of {} bytes is over the limit of {}", bytes.size(), kLargestMessage));
  }
  std::scoped_lock lock(send_mutex_);
  for (;;) {
    if (::send(descriptor_, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return fail(ErrorKind::kTimeout, "the other process is slow to read");
    return fail(ErrorKind::kClosed, fmt::format("the other process has gone: {}", std::strerror(errno)));
  }
}

Result<void> Channel::send(const Message& message) { return send_bytes(encode(message), 0); }

Result<void> Channel::try_send(const Message& message) { return send_bytes(encode(message), MSG_DONTWAIT); }

Result<Message> Channel::receive() {
  for (;;) {
    const ssize_t got = ::recv(descriptor_, receive_buffer_.get(), kLargestMessage + 1, 0);
    received_bytes_ = got > 0 ? static_cast<std::size_t>(got) : 0;
    if (got > static_cast<ssize_t>(kLargestMessage)) return fail(ErrorKind::kCorrupt, "a message over the limit of 64 KiB");
    if (got > 0) return decode(std::string_view(receive_buffer_.get(), static_cast<std::size_t>(got)));
    if (got < 0 && errno == EINTR) continue;
    return fail(ErrorKind::kClosed, got == 0 ? "the other process has gone" : std::strerror(errno));
  }
}

void Channel::set_send_patience(std::chrono::milliseconds patience) {
  const timeval span{patience.count() / 1000, patience.count() % 1000 * 1000};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &span, sizeof span);
}

void Channel::shut_down() { ::shutdown(descriptor_, SHUT_RDWR); }

int Channel::release_descriptor() { return std::exchange(descriptor_, -1); }

}  // namespace kanhu::relay
