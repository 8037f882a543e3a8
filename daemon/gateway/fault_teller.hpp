// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fault.hpp"
#include "base/time.hpp"

namespace kanhu {

// Which faults are to be told as events: a thread's first at once, later ones at most one a minute, so that what fails again and again
// fills no journal. Thread: confined.
class FaultTeller {
 public:
  // Those of `counts` that are due at `now`; they count as told.
  std::vector<faults::Count> due(const std::vector<faults::Count>& counts, MonoTime now);

 private:
  struct Told {
    std::uint64_t times = 0;
    MonoTime at{};
  };
  std::map<std::string, Told> told_;
};

}  // namespace kanhu
