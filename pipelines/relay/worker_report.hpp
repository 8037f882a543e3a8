// SPDX-License-Identifier: MIT
// What a worker says of itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kanhu::relay {

// The worker as a whole: the gateway's watchdog reads it.
struct WorkerReport {
  std::uint64_t progress = 0;  // pieces of analysis finished
  bool idle = true;            // nothing waits to be analysed
  // What a thread does for one camera: an analysis, or a session that ended and does not let go.
  struct AtWork {
    std::string camera;
    bool closing = false;            // a session that was to end
    std::uint64_t processor_ms = 0;  // that this took so far
  };
  std::vector<AtWork> at_work;  // pieces of 1 s of processor time and more; the longest first
  std::uint64_t handled = 0;    // messages of the gateway that it is done with, behind its settings
};
inline constexpr std::size_t kMostAtWork = 8;
struct LogLine {
  int level = 0;
  std::string area;
  std::string text;
};

}  // namespace kanhu::relay
