// SPDX-License-Identifier: MIT
// A TCP connection to loopback, as the peers' text and packet protocols need it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace kanhu::bench {

// Thread: confined.
class Socket {
 public:
  static Result<std::unique_ptr<Socket>> connect(std::uint16_t port, std::chrono::milliseconds patience);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  Result<void> send(std::string_view bytes);  // all of it; kClosed
  // Exactly so many bytes, or nothing within `patience` (what came stays for the next call); kClosed.
  Result<std::optional<std::string>> take(std::size_t bytes, std::chrono::milliseconds patience);
  // Up to and without CRLF.
  Result<std::optional<std::string>> line(std::chrono::milliseconds patience);

 private:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Result<bool> read_more(std::chrono::steady_clock::time_point until);
  int descriptor_;
  std::string unread_;
  std::size_t at_ = 0;
};

// A port of loopback that nobody listens on now.
Result<std::uint16_t> free_port();

// A program that is started, killed and asked how much memory it held. Output goes to `log`.
// Thread: confined.
class Child {
 public:
  static Result<std::unique_ptr<Child>> start(const std::vector<std::string>& command, const std::string& log);
  ~Child();  // killed
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  void kill9();
  double peak_memory_mib() const;  // 0 when it has gone

 private:
  explicit Child(int process) : process_(process) {}
  int process_;
};

// A program's path by $PATH and /usr/sbin, or nothing.
std::optional<std::string> program(const std::string& name);
// The first line that a command prints.
std::string first_line(const std::vector<std::string>& command);

}  // namespace kanhu::bench
