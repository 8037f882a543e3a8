// SPDX-License-Identifier: MIT
// When `kanhu watch` hears nothing: that it says so, and why, as far as that can be found out from here.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "daemon/commands/gateway_address.hpp"

namespace kanhu {

// The likeliest cause and its remedy, by one more connection to the live socket. Takes a second at most.
std::string cause_of_silence(const Peer& peer);

// Heads and heartbeats come about once a second, so that three seconds without any are worth a word: once, and once more when something
// comes again. `clock` is that moment as people read it. Thread: confined.
class QuietLine {
 public:
  using Time = std::chrono::steady_clock::time_point;
  QuietLine(std::string endpoint, std::function<std::string()> cause, Time now);

  // Something came; words when that ends a silence.
  std::optional<std::string> heard(Time now, const std::string& clock);
  // Nothing came since the last call, of either kind; words when it has become a silence.
  std::optional<std::string> nothing(Time now, const std::string& clock);

 private:
  std::string endpoint_;
  std::function<std::string()> cause_;
  Time heard_, called_;
  std::string since_;                  // the clock of heard_; empty: not called yet
  std::chrono::nanoseconds quiet_{0};  // listened to in vain
  bool said_ = false;
};

}  // namespace kanhu
