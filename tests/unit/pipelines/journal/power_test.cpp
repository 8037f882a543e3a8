// SPDX-License-Identifier: MIT
// Power cuts and failing calls at every place of a run, on a disk in memory: nothing that was handed out as durable is missing or
// different, no number means two events, and every number is an event or in a gap that is named.
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "pipelines/journal/segment_reader.hpp"
#include "tests/unit/pipelines/journal/pages_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

namespace {

using Key = std::pair<std::string, std::uint64_t>;

// Under the sanitizers a run costs ten times as much.
#ifdef KANHU_SANITIZED
constexpr std::uint64_t kEvery = 13;
#else
constexpr std::uint64_t kEvery = 1;
#endif

EventDraft nth(int i) {
  if (i % 9 == 4) return draft_of("a", "site.offline", "s" + std::to_string(i), Phase::kStart, {{"severity", "alarm"}});
  return point(i % 2 ? "a" : "b");
}

// Rotation, retention, mending, a disk that is full for a while, and an opening that finds a damaged segment.
void work(JournalRig& rig) {
  rig.config.segment_bytes = 1024;
  rig.config.most_bytes = 9000;
  rig.config.reserve_bytes = 16384;
  for (int opening = 0; opening < 3; ++opening) {
    auto journal = rig.try_open();
    if (!journal) return;  // refused: nothing was promised
    for (int i = 0; i < 24 && !rig.io.is_off(); ++i) {
      if (i == 4) rig.io.fail_call(FileCall::kSync, 1, {ErrorKind::kIo, "sync"});
      if (i == 12) rig.io.set_capacity(opening == 1 ? 1 : std::numeric_limits<std::uint64_t>::max());
      if (i == 22 && opening < 2) rig.io.set_capacity(std::numeric_limits<std::uint64_t>::max());
      (*journal)->accept(nth(i));
      if (i % 5 == 2) (*journal)->accept(nth(i + 1));
      (*journal)->flush();
    }
    journal->reset();
    if (opening == 1 && !rig.io.is_off()) rig.io.corrupt(rig.segments().back(), 300, '!');
  }
}

struct HandedOut {
  std::map<Key, std::string> bodies;
  std::set<Key> durable;
};

HandedOut handed_out_by(JournalRig& rig) {
  HandedOut all;
  for (const Committed& committed : rig.handed_out()) {
    const Key key{committed.event->id.epoch, committed.event->id.seq};
    REQUIRE(all.bodies.emplace(key, committed.event->body).first->second == committed.event->body);
    if (committed.durable) all.durable.insert(key);
  }
  return all;
}

// The state of a journal against what was handed out. `damaged`: a place that was corrupted on purpose may be there.
void check(JournalRig& rig, const HandedOut& before, bool damaged) {
  auto journal = rig.try_open();
  REQUIRE(journal);
  if (!damaged) REQUIRE_FALSE((*journal)->recovery().rewound);
  (*journal)->accept(point("a"));
  (*journal)->flush();
  REQUIRE((*journal)->head().durable_seq == 1);
  JournalPages pages(rig.io, kJournalDir);
  const Fetched all = fetch_all(pages, (*journal)->head(), everything(11));

  std::set<Key> there;
  std::map<std::string, std::uint64_t> highest;
  for (const JournalRecord& record : all.events) {
    const Key key{record.id.epoch, record.id.seq};
    REQUIRE(there.insert(key).second);
    highest[key.first] = std::max(highest[key.first], key.second);
    if (const auto known = before.bodies.find(key); known != before.bodies.end()) REQUIRE(known->second == record.body);
  }
  std::map<std::string, std::uint64_t> first;
  for (const JournalRecord& record : all.events) first.try_emplace(record.id.epoch, record.id.seq);
  std::set<Key> excused;
  for (const JournalGap& gap : all.gaps) {
    for (std::uint64_t seq = gap.from; seq <= gap.to; ++seq) {
      REQUIRE_FALSE(there.contains({gap.epoch, seq}));
      if (gap.reason == "damaged" && damaged) excused.insert({gap.epoch, seq});
    }
    highest[gap.epoch] = std::max(highest[gap.epoch], gap.to);
  }
  // What retention dropped is in front of everything that is there.
  const std::string oldest = all.events.front().id.epoch;
  for (const auto& [epoch, last] : highest) {
    CAPTURE(epoch, last);
    const std::uint64_t from = epoch == oldest ? first[epoch] : 1;
    REQUIRE(covers(all, epoch, from, last) == "");
  }
  for (const Key& key : before.durable) {
    CAPTURE(key.first, key.second);
    const bool dropped = !highest.contains(key.first) || (key.first == oldest && key.second < first[oldest]);
    if (dropped) REQUIRE(rig.io.calls(FileCall::kRemove) > 0);
    REQUIRE((dropped || there.contains(key) || excused.contains(key)));
  }
  // The same by the other reader.
  std::set<Key> read;
  for (const JournalRecord& record : read_back(rig.io).records) REQUIRE(read.insert({record.id.epoch, record.id.seq}).second);
  REQUIRE(read == there);
}

std::uint64_t calls_of_a_run() {
  JournalRig rig;
  work(rig);
  const auto before = handed_out_by(rig);
  REQUIRE(before.durable.size() > 70);
  check(rig, before, true);
  return rig.io.calls();
}

}  // namespace

TEST_CASE("power cut at every file call, what was not synced arriving in any order or not at all", "[long]") {
  const std::uint64_t most = calls_of_a_run();
  REQUIRE(most > 300);
  for (std::uint64_t n = 1; n <= most; n += kEvery) {
    for (std::uint32_t seed = 0; seed < 3; ++seed) {
      CAPTURE(n, seed);
      JournalRig rig;
      rig.io.power_off_at(n);
      work(rig);
      const auto before = handed_out_by(rig);
      rig.io.heal();
      rig.io.crash_in_disorder(static_cast<std::uint32_t>(n * 3 + seed));
      check(rig, before, true);
    }
  }
}

TEST_CASE("the power is cut again and again while the journal is opened", "[long]") {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    JournalRig rig;
    rig.io.power_off_at(120 + seed * 5);
    work(rig);
    const auto before = handed_out_by(rig);
    rig.io.heal();
    rig.io.crash_in_disorder(seed);
    for (std::uint64_t n = 1; n < 60; n += 3) {
      rig.io.power_off_at(n);
      { auto journal = rig.try_open(); }
      rig.io.crash_in_disorder(static_cast<std::uint32_t>(seed * 100 + n));
    }
    check(rig, before, true);
  }
}

TEST_CASE("every file call failing in every way, with rotation, retention and a full disk", "[long]") {
  const std::uint64_t most = calls_of_a_run();
  const std::vector<Error> kinds{{ErrorKind::kIo, "input/output error"}, {ErrorKind::kNoSpace, "no space"}};
  for (std::uint64_t n = 1; n <= most; n += kEvery) {
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      CAPTURE(n, kind);
      JournalRig rig;
      rig.io.fail_any_call(n, kinds[kind], n % 150);
      work(rig);
      const auto before = handed_out_by(rig);
      rig.io.heal();
      rig.io.crash(n % 90);
      check(rig, before, true);
    }
  }
}
