// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace kanhu {

// Finds the camera that kills workers. At a second death within an hour the cameras of that worker run one a process; the one that kills
// its process again is quarantined, and tried again, by itself, after an hour. The others go back to a shared worker when they have run by
// themselves for twice as long as the worker lived, 30 s at least and ten minutes at most, or after an hour when nobody was found.
// A camera counts once, however many sessions it has. Pure: no clock, no process.
// Thread: confined (gateway's control thread).
class Quarantine {
 public:
  struct Verdict {
    std::vector<std::string> alone;          // one process each from now on
    std::optional<std::string> quarantined;  // not opened any more
    std::string words;                       // why, for people
  };
  struct Due {
    std::vector<std::string> again;  // quarantined long enough: to be tried by themselves
    std::vector<std::string> back;   // to a shared worker
  };

  // A worker that lived so long died, other than by the gateway's doing; `what`: follows "its worker ".
  Verdict died(const std::vector<std::string>& cameras, const std::string& what, std::chrono::nanoseconds lived, MonoTime now);
  // Its configuration or secret is another now: a quarantined one is to be tried by itself, which this returns.
  bool changed(const std::string& camera, MonoTime now);
  void forget(const std::string& camera);
  // Says each once. Call every second or so.
  Due due(MonoTime now);

 private:
  enum class Where { kShared, kAlone, kQuarantined };
  struct Death {
    MonoTime at{};
    std::chrono::nanoseconds lived{0};
  };
  struct Camera {
    Where where = Where::kShared;
    std::deque<Death> deaths;  // of the last hour
    MonoTime since{};          // of `where`
    int group = 0;             // those that were taken apart together
    std::chrono::nanoseconds probation{0};
  };
  void try_alone(Camera& camera, MonoTime now);

  std::map<std::string, Camera> cameras_;  // that saw a death
  std::map<int, bool> found_;              // by group: the one that did it
  int groups_ = 0;
};

}  // namespace kanhu
