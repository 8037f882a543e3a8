// SPDX-License-Identifier: MIT
#include "bench/events/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kanhu::bench {
namespace {

using Steady = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

tl::unexpected<Error> failed(const char* what) { return fail(ErrorKind::kIo, fmt::format("{}: {}", what, std::strerror(errno))); }

}  // namespace

Result<std::unique_ptr<Socket>> Socket::connect(std::uint16_t port, std::chrono::milliseconds patience) {
  const auto until = Steady::now() + patience;
  while (true) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return failed("socket");
    const sockaddr_in address = loopback(port);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      const int on = 1;
      (void)::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return std::unique_ptr<Socket>(new Socket(descriptor));
    }
    const int code = errno;
    ::close(descriptor);
    if (Steady::now() > until) return fail(ErrorKind::kIo, fmt::format("port {} of loopback: {}", port, std::strerror(code)));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Socket::~Socket() { ::close(descriptor_); }

Result<void> Socket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail(ErrorKind::kClosed, std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<bool> Socket::read_more(Steady::time_point until) {
  const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(until - Steady::now());
  pollfd item{descriptor_, POLLIN, 0};
  if (::poll(&item, 1, static_cast<int>(std::max<std::int64_t>(0, rest.count()))) <= 0) return false;
  std::array<char, 65536> bytes;
  const ssize_t got = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
  if (got <= 0) return fail(ErrorKind::kClosed, got == 0 ? "the other side closed" : std::strerror(errno));
  if (at_ > 0) unread_.erase(0, std::exchange(at_, 0));
  unread_.append(bytes.data(), static_cast<std::size_t>(got));
  return true;
}

Result<std::optional<std::string>> Socket::take(std::size_t bytes, std::chrono::milliseconds patience) {
  const auto until = Steady::now() + patience;
  while (unread_.size() - at_ < bytes) {
    const auto more = read_more(until);
    if (!more) return tl::unexpected(more.error());
    if (!*more) return std::optional<std::string>();
  }
  std::string taken = unread_.substr(at_, bytes);
  at_ += bytes;
  return std::optional<std::string>(std::move(taken));
}

Result<std::optional<std::string>> Socket::line(std::chrono::milliseconds patience) {
  const auto until = Steady::now() + patience;
  while (true) {
    const std::size_t end = unread_.find("\r\n", at_);
    if (end != std::string::npos) {
      std::string taken = unread_.substr(at_, end - at_);
      at_ = end + 2;
      return std::optional<std::string>(std::move(taken));
    }
    const auto more = read_more(until);
    if (!more) return tl::unexpected(more.error());
    if (!*more) return std::optional<std::string>();
  }
}

Result<std::uint16_t> free_port() {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return failed("socket");
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  const bool bound = ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(descriptor);
  if (!bound) return failed("bind");
  return ntohs(address.sin_port);
}

Result<std::unique_ptr<Child>> Child::start(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t process = -1;
  const int code = ::posix_spawn(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return fail(ErrorKind::kIo, fmt::format("{} cannot be started: {}", command.front(), std::strerror(code)));
  return std::unique_ptr<Child>(new Child(process));
}

Child::~Child() { kill9(); }

void Child::kill9() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

double Child::peak_memory_mib() const {
  if (process_ <= 0) return 0;
  std::ifstream status(fmt::format("/proc/{}/status", process_));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

std::optional<std::string> program(const std::string& name) {
  const char* listed = std::getenv("PATH");
  std::string folders = std::string(listed ? listed : "/usr/bin:/bin") + ":/usr/sbin:/usr/local/sbin:";
  for (std::size_t at = 0, end = 0; (end = folders.find(':', at)) != std::string::npos; at = end + 1) {
    const std::string path = folders.substr(at, end - at) + "/" + name;
    if (end > at && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

std::string first_line(const std::vector<std::string>& command) {
  std::string quoted;
  for (const std::string& part : command) quoted += fmt::format("'{}' ", part);
  FILE* pipe = ::popen((quoted + "2>&1").c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 256> text{};
  const char* got = std::fgets(text.data(), static_cast<int>(text.size()), pipe);
  std::array<char, 256> rest{};
  while (std::fgets(rest.data(), static_cast<int>(rest.size()), pipe) != nullptr) {
  }
  ::pclose(pipe);
  std::string line = got ? got : "";
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return line;
}

}  // namespace kanhu::bench
