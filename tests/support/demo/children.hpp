// SPDX-License-Identifier: MIT
// The processes the demo is made of.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/result.hpp"

namespace kanhu::demo {

struct ChildSpec {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // added to this process's
  std::string log;                                               // where standard error goes; standard output too, unless `talks`
  bool talks = false;                                            // standard input and output are pipes
};

// A child process in a process group of its own, so that a terminal's Ctrl-C does not reach it, and killed by the
// kernel when the thread that started it ends.
// Thread: confined; the thread that starts it must live as long as the child.
class Child {
 public:
  static Result<Child> start(const ChildSpec& spec);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();  // kill -9 when it still runs

  pid_t pid() const { return pid_; }
  // Waits up to `patience`; nothing while it runs. The wait status of waitpid(2) afterwards.
  std::optional<int> ended(std::chrono::milliseconds patience);
  void signal(int number) const;
  // One line to its standard input, and the next line of its standard output.
  Result<void> say(const std::string& line);
  Result<std::string> hear(std::chrono::milliseconds patience);

 private:
  Child() = default;
  pid_t pid_ = -1;
  int input_ = -1, output_ = -1;
  std::string heard_;
  std::optional<int> status_;
};

// "exit code 69", "signal 9".
std::string describe_end(int wait_status);

}  // namespace kanhu::demo
