// SPDX-License-Identifier: MIT
// A gateway that ends while its disk cannot be written: what was shown and is lost is named as far as anybody can know.
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/journal/reserve_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

TEST_CASE("a gateway that ends orderly on a full disk names all that is lost with it, although there was no alarm") {
  FullRig rig;
  auto journal = run_until_full(rig);
  const std::string epoch = journal->head().epoch;
  const std::uint64_t durable = journal->head().durable_seq, last = journal->accept(draft_of("-", "gateway.stopped", "g", Phase::kEnd)).seq;
  REQUIRE(durable < last - 1);
  journal->flush();
  CHECK(durable_of(rig.handed_out()).contains(last));
  journal.reset();
  rig.io.heal();
  journal = rig.open();
  REQUIRE_FALSE(journal->recovery().lost.empty());
  CHECK(journal->recovery().lost.back().to > durable);
  CHECK(journal->head().previous_seq == last);
  CHECK_FALSE(journal->head().previous_open);
  CHECK(journal->head().previous_lost);  // of `b`, as far as numbers by stream tell, nothing was
  JournalPages pages(rig.io, kJournalDir);
  const auto all = fetch_all(pages, journal->head(), everything());
  CHECK(covers(all, epoch, 1, last) == "");
  for (const JournalGap& gap : all.gaps) CHECK(gap.to > 0);
  CHECK(fetch_all(pages, journal->head(), behind(epoch, last)).gaps.empty());
}

TEST_CASE("a gateway killed on a full disk has said now and then in the reserve how far its numbers went, and that there may be more") {
  FullRig rig;
  auto journal = run_until_full(rig);
  const std::string epoch = journal->head().epoch;
  const std::uint64_t durable = journal->head().durable_seq;
  CHECK(durable_of(rig.handed_out()).contains(durable + 1));
  CHECK_FALSE(durable_of(rig.handed_out()).contains(durable + 2));
  rig.clock.advance(std::chrono::seconds(2));
  const std::uint64_t first = journal->accept(point("a")).seq;
  for (int i = 0; i < 3; ++i) journal->accept(point("b"));
  rig.clock.advance(std::chrono::seconds(3));
  const std::uint64_t second = journal->accept(point("b")).seq;
  journal->accept(point("a"));
  journal->flush();
  check_handed_out(rig.handed_out());
  const auto kept = durable_of(rig.handed_out());
  CHECK(kept.contains(first));
  CHECK_FALSE(kept.contains(first + 1));
  CHECK(kept.contains(second));
  CHECK_FALSE(kept.contains(second + 1));
  end_by_kill(rig, journal);
  journal = rig.open();
  const auto told = [&] {
    REQUIRE(journal->recovery().lost.size() == 3);
    CHECK(journal->recovery().lost[0].from == durable + 2);
    CHECK(journal->recovery().lost[0].to == first - 1);
    CHECK(journal->recovery().lost[1].from == first + 1);
    CHECK(journal->recovery().lost[1].to == second - 1);
    CHECK(is_open(journal->recovery().lost[2], second + 1));
  };
  told();
  const std::size_t most = GENERATE(1, 3, 500);
  const auto fetched = [&] {
    JournalPages pages(rig.io, kJournalDir);
    const auto all = fetch_all(pages, journal->head(), everything(most));
    CHECK(covers(all, epoch, 1, second) == "");
    REQUIRE(all.gaps.size() == 3);
    CHECK(is_open(all.gaps[2], second + 1));
    for (const std::uint64_t seq : {second, second + 1, second + 7}) {
      const auto behind_it = fetch_all(pages, journal->head(), behind(epoch, seq));
      REQUIRE(behind_it.gaps.size() == 1);
      CHECK(is_open(behind_it.gaps[0], second + 1));
      CHECK(behind_it.next.epoch == journal->head().epoch);
    }
  };
  fetched();
  SECTION("which is so after further restarts") {
    for (int i = 0; i < 2; ++i) {
      journal->accept(point("a"));
      journal->flush();
      journal.reset();
      journal = rig.open();
      CHECK(journal->recovery().lost.empty());
      CHECK_FALSE(journal->head().previous_open);
      CHECK_FALSE(journal->head().previous_lost);
      fetched();
    }
  }
  SECTION("and when it is killed again before another epoch stands on the disk") {
    journal.reset();
    REQUIRE(rig.io.remove(rig.segments().back()));
    REQUIRE(rig.io.remove(kJournalDir + ".witness"));
    journal = rig.open();
    told();
    CHECK(journal->head().previous_open);
    fetched();
  }
}

TEST_CASE("of a gateway killed while it writes down what had waited for the disk, what was shown is named") {
  const std::uint64_t reserve_bytes = GENERATE(0, 64u << 10);
  int with_losses = 0;
  for (std::uint64_t calls = 1; calls < 30; ++calls) {
    CAPTURE(calls);
    FullRig rig;
    rig.config.reserve_bytes = reserve_bytes;
    auto journal = rig.open();
    for (int i = 0; i < 3; ++i) journal->accept(point("a"));
    journal->flush();
    const std::string epoch = journal->head().epoch;
    rig.io.fail_always(FileCall::kAppend, {ErrorKind::kIo, "a bad cable"});
    for (int i = 0; i < 5; ++i) journal->accept(point("b"));
    journal->flush();
    rig.io.heal();
    rig.io.power_off_at(calls);
    REQUIRE(in_time([&] { return rig.io.is_off() || journal->head().durable_seq == 8; }));
    end_by_kill(rig, journal);
    const auto found = rig.segments();
    journal = rig.open();
    JournalPages pages(rig.io, kJournalDir);
    const auto all = fetch_all(pages, journal->head(), everything());
    const std::size_t last = journal->head().previous_seq;
    CHECK(covers(all, epoch, 1, last) == "");
    if (found.size() == 1) continue;  // nothing could be written since
    // Also when all of it is there: what is accepted while it is written goes out undurable, too.
    REQUIRE(all.gaps.size() == 1);
    CHECK(is_open(all.gaps[0], last + 1));
    REQUIRE(journal->recovery().lost.size() == 1);
    CHECK(is_open(journal->recovery().lost[0], last + 1));
    if (last < 8) ++with_losses;
  }
  CHECK(with_losses > 0);
}

TEST_CASE("an event that was on disk before it was shown ends the doubt") {
  FullRig rig;
  auto journal = rig.open();
  rig.io.fail_always(FileCall::kAppend, {ErrorKind::kIo, "a bad cable"});
  journal->accept(point("a"));
  journal->flush();
  rig.io.heal();
  REQUIRE(in_time([&] { return journal->head().durable_seq == 1; }));
  const bool more = GENERATE(true, false);
  if (more) {
    journal->accept(point("a"));
    journal->flush();
  }
  end_by_kill(rig, journal);
  journal = rig.open();
  CHECK(journal->head().previous_open == !more);
  CHECK(journal->recovery().lost.empty() == more);
}

TEST_CASE("of a gateway killed on a full disk the end stays open although the power fails during the next opening") {
  const std::size_t kept = GENERATE(0, 150, 1u << 20);
  for (std::uint64_t calls = 1; calls < 40; ++calls) {
    CAPTURE(kept, calls);
    FullRig rig;
    auto journal = rig.open();
    journal->accept(point("a"));
    journal->flush();
    const std::string epoch = journal->head().epoch;
    fill_disk(rig);
    for (int i = 0; i < 40; ++i) journal->accept(point("b")), journal->flush();
    end_by_kill(rig, journal);
    rig.io.power_off_at(calls);
    (void)rig.try_open();
    rig.io.crash(kept);
    rig.io.heal();
    journal = rig.open();
    JournalPages pages(rig.io, kJournalDir);
    const auto all = fetch_all(pages, journal->head(), everything());
    std::vector<JournalGap> open;
    for (const JournalGap& gap : all.gaps)
      if (gap.epoch == epoch && gap.to == 0) open.push_back(gap);
    REQUIRE(open.size() == 1);
    CHECK(covers(all, epoch, 1, open[0].from - 1) == "");
  }
}
