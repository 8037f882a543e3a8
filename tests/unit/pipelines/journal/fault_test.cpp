// SPDX-License-Identifier: MIT
#include <map>
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "pipelines/journal/segment_reader.hpp"
#include "tests/support/hanging_disk.hpp"
#include "tests/support/throwing_disk.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

namespace {

const Error kIoError{ErrorKind::kIo, "input/output error"};

// Waits, without sleeping, until `condition` holds on what was handed out; the journal retries by itself.
template <typename Condition>
bool eventually(JournalRig& rig, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition(rig.handed_out())) return true;
    std::this_thread::yield();
  }
  return false;
}

// First appearances are in order of seq without a hole; confirmations only repeat what went out undurable.
void check_order(const std::vector<Committed>& out) {
  std::uint64_t last = 0;
  std::set<std::uint64_t> unconfirmed;
  for (const Committed& committed : out) {
    const std::uint64_t seq = committed.event->id.seq;
    if (committed.confirms) {
      REQUIRE(committed.durable);
      REQUIRE(unconfirmed.erase(seq) == 1);
    } else {
      REQUIRE(seq == last + 1);
      last = seq;
      if (!committed.durable) unconfirmed.insert(seq);
    }
  }
}

}  // namespace

TEST_CASE("whichever file call fails, nothing handed out as durable is lost and no number repeats") {
  std::uint64_t most = 0;
  {
    JournalRig rig;
    rig.config.segment_bytes = 1024;
    auto journal = rig.open();
    for (int i = 0; i < 40; ++i) {
      journal->accept(point("a"));
      journal->flush();
    }
    journal.reset();
    most = rig.io.calls();
  }
  REQUIRE(most > 100);
  for (std::uint64_t n = 1; n <= most; ++n) {
    INFO("call " << n);
    JournalRig rig;
    rig.config.segment_bytes = 1024;
    rig.io.fail_any_call(n, kIoError, n % 150);
    std::set<std::uint64_t> durable;
    std::string epoch;
    {
      auto journal = rig.try_open();
      if (!journal) continue;  // refused at once: nothing was promised
      epoch = (*journal)->head().epoch;
      for (int i = 0; i < 40; ++i) {
        (*journal)->accept(point("a"));
        (*journal)->flush();
      }
    }
    check_order(rig.handed_out());
    for (const Committed& committed : rig.handed_out()) {
      if (committed.durable) durable.insert(committed.event->id.seq);
    }
    rig.io.crash(n % 90);
    rig.io.heal();
    const auto journal = rig.try_open();
    REQUIRE(journal);
    REQUIRE((*journal)->recovery().damaged.empty());
    std::set<std::uint64_t> read;
    for (const JournalRecord& record : read_back(rig.io).records) {
      REQUIRE(record.id.epoch == epoch);
      REQUIRE(read.insert(record.id.seq).second);
    }
    for (const std::uint64_t seq : durable) REQUIRE(read.count(seq) == 1);
  }
}

TEST_CASE("a failed sync is not repeated on the same file: the batch goes to a new segment") {
  JournalRig rig;
  auto journal = rig.open();
  journal->accept(point("a"));
  journal->flush();
  rig.io.fail_call(FileCall::kSync, 1, kIoError);
  journal->accept(point("a"));
  journal->flush();
  CHECK(rig.segments().size() == 2);
  CHECK(rig.handed_out().back().durable);
  rig.io.crash();
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  CHECK(read.records.size() == 2);
}

TEST_CASE("while the disk is full events go out undurable; when there is space they are written and confirmed") {
  JournalRig rig;
  rig.config.segment_bytes = 8192;
  auto journal = rig.open();
  rig.io.set_capacity(9000);
  for (int i = 0; i < 100; ++i) journal->accept(point("a"));
  journal->flush();
  const auto full = rig.handed_out();
  REQUIRE(full.size() == 100);
  CHECK(std::any_of(full.begin(), full.end(), [](const Committed& one) { return !one.durable && !one.provisional; }));
  CHECK(journal->head().durable_seq < 100);
  CHECK(journal->stats().not_durable > 0);

  rig.io.heal();
  journal->accept(point("a"));
  REQUIRE(eventually(rig, [](const auto& out) { return out.back().durable && out.back().event->id.seq == 101; }));
  check_order(rig.handed_out());
  CHECK(journal->head().durable_seq == 101);
  journal.reset();
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  REQUIRE(read.records.size() == 101);
  for (std::size_t i = 0; i < read.records.size(); ++i) REQUIRE(read.records[i].id.seq == i + 1);
}

TEST_CASE("a journal that cannot be written when it is opened begins undurable and mends itself") {
  JournalRig rig;
  rig.io.fail_always(FileCall::kAppend, {ErrorKind::kNoSpace, "no space"});
  auto journal = rig.open();
  journal->accept(point("a"));
  journal->flush();
  REQUIRE(rig.handed_out().size() == 1);
  CHECK_FALSE(rig.handed_out()[0].durable);
  rig.io.heal();
  REQUIRE(eventually(rig, [](const auto& out) { return out.size() == 2; }));
  CHECK(rig.handed_out()[1].confirms);
  CHECK(read_back(rig.io).records.size() == 1);
}

TEST_CASE("what does not fit into the reserve is handed out, lost to the journal, and its gap is recorded with bounds") {
  JournalRig rig;
  auto journal = rig.open();
  journal->accept(draft_of("a", "presence.started", "s", Phase::kStart));
  journal->flush();
  rig.io.fail_always(FileCall::kAppend, {ErrorKind::kNoSpace, "no space"});
  for (int i = 0; i < 10'100; ++i) journal->accept(point(i % 2 ? "a" : "b"));
  journal->accept(draft_of("a", "presence.ended", "s", Phase::kEnd));
  journal->flush();
  const auto out = rig.handed_out();
  REQUIRE(out.size() == 10'102);
  check_order(out);
  rig.io.heal();
  REQUIRE(eventually(rig, [](const auto& now) { return now.back().confirms && now.back().event->id.seq == 10'001; }));
  journal->accept(point("a"));
  journal->flush();
  check_order(rig.handed_out());
  CHECK(journal->head().durable_seq == 10'103);
  journal.reset();
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  REQUIRE(read.records.size() == 10'002);
  CHECK(read.records[10'000].id.seq == 10'001);
  CHECK(read.records[10'001].id.seq == 10'103);
  std::string all;
  for (const auto& path : rig.segments()) all += rig.io.content(path);
  CHECK(all.find(R"("bounds":{"a":{"from":5002,"to":5052},"b":{"from":5001,"to":5050}},"ended":["s"],"from":10002)") != std::string::npos);
  CHECK(rig.open()->recovery().open_incidents.empty());
}

TEST_CASE("a commit that takes over 500 ms lets events out provisionally, in order, and confirms them later") {
  JournalRig rig;
  HangingDisk disk(rig.io);
  auto opened = rig.try_open(disk);
  REQUIRE(opened);
  auto& journal = **opened;
  journal.accept(point("a"));
  journal.flush();
  disk.hang(true);
  for (int i = 0; i < 3; ++i) journal.accept(point("a"));
  rig.clock.advance(std::chrono::milliseconds(499));
  rig.clock.advance(std::chrono::milliseconds(2));
  REQUIRE(eventually(rig, [](const auto& out) { return out.size() == 4; }));
  auto out = rig.handed_out();
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(out[i].provisional);
    CHECK_FALSE(out[i].durable);
  }
  // The stall goes on: a new alarm does not wait another half second.
  journal.accept(point("a"));
  REQUIRE(eventually(rig, [](const auto& now) { return now.size() == 5; }));
  CHECK(rig.handed_out()[4].provisional);
  CHECK(journal.head().durable_seq == 1);
  disk.hang(false);
  journal.flush();
  out = rig.handed_out();
  REQUIRE(out.size() == 9);
  check_order(out);
  for (std::size_t i = 5; i < 9; ++i) CHECK(out[i].confirms);
  CHECK(journal.head().durable_seq == 5);
  CHECK(journal.stats().not_durable == 0);
}

TEST_CASE("accepting never waits for the disk") {
  JournalRig rig;
  HangingDisk disk(rig.io);
  auto opened = rig.try_open(disk);
  REQUIRE(opened);
  disk.hang(true);
  // More than the queue holds, while no sync returns: if accept waited, this would never end.
  for (int i = 0; i < 20'000; ++i) (*opened)->accept(point("a"));
  CHECK((*opened)->head().seq == 20'000);
  disk.hang(false);
  (*opened)->flush();
  check_order(rig.handed_out());
  CHECK((*opened)->stats().durable + (*opened)->stats().not_durable >= 20'000);
}

TEST_CASE("an exception while writing is a failed write: no event is lost, none is there twice, and the journal goes on") {
  const bool behind = GENERATE(false, true);
  int fallen = 0;
  for (int n = 1; n <= 24; ++n) {
    CAPTURE(n, behind);
    JournalRig rig;
    ThrowingDisk disk(rig.io);
    rig.config.segment_bytes = 1024;
    auto journal = rig.try_open(disk);
    REQUIRE(journal);
    disk.throw_at(n, behind);
    for (int i = 0; i < 12; ++i) {
      (*journal)->accept(point(i % 2 == 0 ? "a" : "b"));
      (*journal)->flush();
    }
    disk.throw_at(0, false);
    journal->reset();
    fallen += disk.has_thrown() ? 1 : 0;
    check_order(rig.handed_out());
    const ReadBack read = read_back(rig.io);
    CHECK(read.result);
    REQUIRE(read.records.size() == 12);
    for (std::size_t i = 0; i < 12; ++i) CHECK(read.records[i].id.seq == i + 1);
  }
  CHECK(fallen >= 20);
}

TEST_CASE("an event whose body cannot be made keeps its number") {
  JournalRig rig;
  rig.body = [](const EventDraft& draft, const EventId& id) {
    if (draft.subject == "bad") throw std::runtime_error("no body");
    return cloud_event(draft, id);
  };
  auto journal = rig.open();
  for (const char* subject : {"one", "bad", "two"}) journal->accept(draft_of("a", "camera.online", subject, Phase::kPoint));
  journal.reset();
  const ReadBack read = read_back(rig.io);
  CHECK(read.result);
  REQUIRE(read.records.size() == 3);
  CHECK(read.records[1].id.seq == 2);
  CHECK(parse_json(read.records[1].body));
}
