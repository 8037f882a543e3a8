// SPDX-License-Identifier: MIT
// `kanhu bench events`: what is measured, in which order.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/events/figures.hpp"

namespace kanhu::bench {

struct EventsBenchOptions {
  std::string folder;                     // on the disk to be measured; empty: the folder for temporary files
  double seconds = 10;                    // of accepting, and of each latency
  std::uint64_t events = 1'000'000;       // to catch up with
  double store_hours = 0;                 // of a cut line at 50 events a second; 0: left out
  int kills = 10;                         // kill -9 of the gateway, and of each peer
  std::vector<std::string> peers{"all"};  // nats, mosquitto, all, none
};

using EventsProgress = std::function<void(const std::string&)>;

// kIo, kNoSpace, kInvalidArgument. What could not be measured otherwise stands in `left_out`.
Result<EventsReport> bench_events(const EventsBenchOptions& options, const EventsProgress& progress);

}  // namespace kanhu::bench
