// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <termios.h>

namespace kanhu {

// A terminal that is drawn over again and again without flicker, on its alternate screen, keys unbuffered; given back as it was found,
// also on SIGINT and SIGTERM. Without a terminal that can (TERM) on standard output the lines simply follow one another. One at a time in a
// process. Thread: confined.
class WatchScreen {
 public:
  WatchScreen();
  ~WatchScreen();
  WatchScreen(const WatchScreen&) = delete;
  WatchScreen& operator=(const WatchScreen&) = delete;

  bool is_terminal() const { return terminal_; }
  void draw(const std::vector<std::string>& lines);
  // False when somebody wants to leave: q, Ctrl-C, SIGTERM, or standard output that is closed. True after `span`, sooner when the
  // terminal has changed its size.
  bool wait(std::chrono::milliseconds span);

 private:
  bool terminal_ = false;
  bool keys_ = false;
  termios before_{};
};

}  // namespace kanhu
