// SPDX-License-Identifier: MIT
// A disk that gets full under a journal, and what has to hold then.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/pipelines/journal/pages_rig.hpp"

namespace kanhu::test {

inline EventDraft alarm(const std::string& facility, const std::string& subject, Phase phase) {
  return draft_of(facility, phase == Phase::kEnd ? "site.online" : "site.offline", subject, phase,
                  {{"severity", phase == Phase::kEnd ? "info" : "alarm"}});
}

template <typename Condition>
bool in_time(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

// In order of seq without a hole; what was said to be durable is not said so again.
inline void check_handed_out(const std::vector<journal::Committed>& out) {
  std::uint64_t last = 0;
  std::set<std::uint64_t> unconfirmed;
  for (const journal::Committed& committed : out) {
    const std::uint64_t seq = committed.event->id.seq;
    if (committed.confirms) {
      REQUIRE(committed.durable);
      REQUIRE(unconfirmed.erase(seq) == 1);
    } else {
      REQUIRE(seq == ++last);
      if (!committed.durable) unconfirmed.insert(seq);
    }
  }
}

inline std::set<std::uint64_t> durable_of(const std::vector<journal::Committed>& out) {
  std::set<std::uint64_t> numbers;
  for (const journal::Committed& committed : out)
    if (committed.durable) numbers.insert(committed.event->id.seq);
  return numbers;
}

// From there on, and how many is not known.
template <typename LossOrGap>
bool is_open(const LossOrGap& gap, std::uint64_t from) {
  return gap.from == from && gap.to == 0 && gap.reason == "never_durable" && gap.streams.empty();
}

inline void fill_disk(JournalRig& rig) { rig.io.set_capacity(1); }

struct FullRig : JournalRig {
  FullRig() {
    config.segment_bytes = 4096;
    config.reserve_bytes = 64u << 10;
  }
};

inline void end_by_kill(JournalRig& rig, std::unique_ptr<journal::Journal>& journal) {
  rig.io.fail_always(FileCall::kAppend, {ErrorKind::kIo, "killed"});
  rig.io.fail_always(FileCall::kTruncate, {ErrorKind::kIo, "killed"});
  rig.io.crash();
  journal.reset();
  rig.io.heal();
}

// Ten events, and forty more while the disk gets full.
inline std::unique_ptr<journal::Journal> run_until_full(FullRig& rig) {
  auto journal = rig.open();
  for (int i = 0; i < 10; ++i) journal->accept(point("a"));
  journal->flush();
  fill_disk(rig);
  for (int i = 0; i < 40; ++i) {  // uses up what the segment had reserved
    journal->accept(point("b"));
    journal->flush();
  }
  REQUIRE_FALSE(rig.handed_out().back().durable);
  return journal;
}

}  // namespace kanhu::test
