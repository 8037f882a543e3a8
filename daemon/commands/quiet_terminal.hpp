// SPDX-License-Identifier: MIT
#pragma once

#include <iostream>

#include <termios.h>
#include <unistd.h>

namespace kanhu {

// No echo while one types; nothing changes when standard input is not a terminal, or when it is not wanted. Thread: confined.
class QuietTerminal {
 public:
  explicit QuietTerminal(bool wanted = true) {
    if (!wanted || ::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    changed_ = true;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::cerr << '\n';
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

}  // namespace kanhu
