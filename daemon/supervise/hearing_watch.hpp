// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace kanhu {

// Whether a worker still takes what it is told. Its reports come from a thread of their own and its analysis goes on, while the thread that
// opens, closes and asks for clips may hang in a file or a library: it then looks alive and does nothing that it is asked to.
// Thread: confined, or behind one lock.
class HearingWatch {
 public:
  static constexpr std::chrono::seconds kPatience{30};  // an assignment waits for its slowest part, the end of an old session, up to 8 s

  void told() { ++told_; }
  // A report: `handled` messages are done with. True when some wait and none was done with for too long.
  bool is_deaf(std::uint64_t handled, MonoTime now) {
    if (handled >= told_ || handled != handled_ || !since_) since_ = now;
    handled_ = handled;
    return now - *since_ > kPatience;
  }

 private:
  std::uint64_t told_ = 0, handled_ = 0;
  std::optional<MonoTime> since_;  // when it was last known to keep up, or to get on
};

}  // namespace kanhu
