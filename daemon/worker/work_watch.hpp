// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pipelines/analyze/scheduler.hpp"
#include "pipelines/ingest/background.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// Looks once a second at what the analysis threads are at: which pieces take long, by their own processor time, and whether one of them
// stands still. A thread that starves beside others gets on, if slowly: it neither spins nor hangs.
// Thread: confined.
class WorkWatch {
 public:
  // Into `told` what the gateway is told. True when a piece of work has stood still: 2.5 s since it was begun and since it last used the
  // processor.
  bool look(const std::vector<analyze::Scheduler::AtWork>& at_work, MonoTime now, std::vector<relay::WorkerReport::AtWork>& told);

 private:
  struct Seen {
    MonoTime since{};
    std::chrono::nanoseconds used{0};
    MonoTime moved{};
  };
  std::map<int, Seen> threads_;
};

// Processor time of this process's threads but those that analyse, by their number.
std::map<int, std::chrono::nanoseconds> processor_times_of_threads();

// A decoder that spins does so in a session that was to end and does not: looks, once a second, for a thread that takes most of a core for
// as long as one hangs.
// Thread: confined.
class ClosingWatch {
 public:
  // Whether it is worth the while to look at the threads.
  bool hangs(const std::vector<ingest::Closing>& closing) const;
  // Adds to `told` what the longest one burns.
  void look(const std::vector<ingest::Closing>& closing, const std::map<int, std::chrono::nanoseconds>& threads, MonoTime now,
            std::vector<relay::WorkerReport::AtWork>& told);

 private:
  std::string camera_;
  MonoTime since_{};
  std::map<int, std::chrono::nanoseconds> before_;
};

}  // namespace kanhu
