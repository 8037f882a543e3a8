// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "config/config.hpp"

namespace kanhu::sense {

// Whether a reading still says something about now. One that is older than its hold (of a motion detector `hold`, of a contact or array
// `silent_after`), or from further ahead than that, by the sender's own clock, says nothing: a broker keeps a retained message for
// years, a bridge hands on what it had queued, and a clock may be wrong; nobody can tell which. Without a time a retained message has
// no age that is known, and one that is handed on live is new.
//
// An array speaks all the time: whose readings keep pace with their arrival for 5 s is here and has a wrong clock; they count then.
// Reads no clock. Thread: confined.
class ReadingAge {
 public:
  explicit ReadingAge(const SensorConfig& sensor);

  struct Verdict {
    bool counts = true;
    std::chrono::nanoseconds age{0};  // of a reading that counts: how long before its arrival it was measured, less than the hold
  };
  // `measured` by the sender's clock; `arrival` and `mono` are one moment of this machine.
  Verdict judge(std::optional<WallTime> measured, WallTime arrival, MonoTime mono, bool retained);
  // One that came live bears a time that cannot be read, for this reason: how old it is is not known, so it counts for nothing.
  void unreadable(const std::string& why);
  // Why the last one that came live does not count, in words; empty when it does.
  const std::string& fault() const { return fault_; }

 private:
  bool keeps_pace(WallTime measured, MonoTime mono);

  const std::chrono::nanoseconds hold_;
  const bool speaks_always_;
  std::optional<std::pair<WallTime, MonoTime>> pace_;  // since when readings keep pace with their arrival
  MonoTime pace_heard_{};
  std::string fault_;
};

}  // namespace kanhu::sense
