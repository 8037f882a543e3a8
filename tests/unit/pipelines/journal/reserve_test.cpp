// SPDX-License-Identifier: MIT
// A full disk: alarms become durable in the reserve, everything else waits in memory, and in the end all stands in its place.
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/journal/reserve_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

TEST_CASE("on a full disk alarms and their ends become durable in the reserve, the rest goes out undurable, all in order") {
  FullRig rig;
  auto journal = run_until_full(rig);
  const std::uint64_t durable_before = journal->head().durable_seq;
  journal->accept(point("a"));                         // 51
  journal->accept(alarm("a", "fire", Phase::kStart));  // 52
  journal->accept(point("a"));                         // 53
  journal->accept(alarm("a", "fire", Phase::kEnd));    // 54
  journal->accept(draft_of("a", "presence.ended", "not an alarm", Phase::kEnd));
  journal->flush();
  auto out = rig.handed_out();
  check_handed_out(out);
  auto durable = durable_of(out);
  CHECK(durable.contains(52));
  CHECK(durable.contains(54));
  CHECK_FALSE(durable.contains(51));
  CHECK_FALSE(durable.contains(53));
  CHECK_FALSE(durable.contains(55));
  CHECK(journal->stats().kept == 3);                     // with the first that went out undurable otherwise
  CHECK(journal->head().durable_seq == durable_before);  // up to there nothing is missing
  {
    JournalPages pages(rig.io, kJournalDir);
    const auto now = fetch_all(pages, journal->head(), everything());
    CHECK(covers(now, journal->head().epoch, 1, durable_before) == "");
  }

  SECTION("with space again all stands in its place, once, and the reserve is back") {
    rig.io.heal();
    REQUIRE(in_time([&] { return journal->head().durable_seq == 55; }));
    journal->flush();
    check_handed_out(rig.handed_out());
    CHECK(durable_of(rig.handed_out()).size() == 55);
    JournalPages pages(rig.io, kJournalDir);
    const auto all = fetch_all(pages, journal->head(), everything(7));
    CHECK(all.gaps.empty());
    CHECK(covers(all, journal->head().epoch, 1, 55) == "");
    journal.reset();
    CHECK(rig.io.exists(kJournalDir + "/reserve"));
    const auto read = read_back(rig.io);
    REQUIRE(read.result);
    CHECK(read.records.size() == 55);
    CHECK(rig.open()->recovery().lost.empty());
  }
  SECTION("after a power cut on the full disk the alarms are there and the numbers between are named") {
    const std::string epoch = journal->head().epoch;
    rig.io.fail_always(FileCall::kAppend, {ErrorKind::kIo, "power"});
    rig.io.fail_always(FileCall::kRename, {ErrorKind::kIo, "power"});
    rig.io.fail_always(FileCall::kTruncate, {ErrorKind::kIo, "power"});
    rig.io.crash();
    journal.reset();
    const bool space = GENERATE(true, false);
    CAPTURE(space);
    rig.io.heal();
    if (!space) fill_disk(rig);
    for (int restart = 0; restart < 2; ++restart) {
      journal = rig.open();
      if (restart == 0) {
        REQUIRE(journal->recovery().lost.size() == 3);
        CHECK(journal->recovery().lost[0].from == durable_before + 2);
        CHECK(journal->recovery().lost[0].to == 51);
        CHECK(journal->recovery().lost[1].from == 53);
        CHECK(journal->recovery().lost[1].to == 53);
        CHECK(is_open(journal->recovery().lost[2], 55));
        CHECK(journal->head().previous_seq == 54);
        CHECK(journal->head().previous_open);
        CHECK(journal->head().previous_epoch == epoch);
        CHECK(journal->recovery().open_incidents.empty());
      } else if (space) {
        CHECK(journal->recovery().lost.empty());
        CHECK(journal->recovery().damaged.empty());
      }
      if (restart == 0) journal.reset();
    }
    rig.io.heal();
    journal->accept(point("a"));
    REQUIRE(in_time([&] { return journal->head().durable_seq == 1; }));
    JournalPages pages(rig.io, kJournalDir);
    const auto all = fetch_all(pages, journal->head(), everything());
    CHECK(covers(all, epoch, 1, 54) == "");
    for (const auto& gap : all.gaps) CHECK(gap.reason == "never_durable");
    const auto read = read_back(rig.io);
    REQUIRE(read.result);
    CHECK(read.records.size() == durable_before + 3 + 1);
    // Who was there to the end, or came back in time for the last of the reserve, does not know whether there was more.
    for (const std::uint64_t seq : {54, 55}) {
      const auto later = fetch_all(pages, journal->head(), behind(epoch, seq));
      REQUIRE(later.gaps.size() == 1);
      CHECK(is_open(later.gaps[0], 55));
    }
  }
}

TEST_CASE("when the reserve is used up alarms go out undurable too, and nothing is lost as long as memory lasts") {
  FullRig rig;
  auto journal = run_until_full(rig);
  for (int i = 0; i < 600; ++i) journal->accept(alarm("a", "s" + std::to_string(i), Phase::kStart));
  journal->flush();
  const auto kept = journal->stats().kept;
  CHECK(kept > 50);
  CHECK(kept < 600);
  CHECK_FALSE(rig.handed_out().back().durable);
  check_handed_out(rig.handed_out());
  rig.io.heal();
  REQUIRE(in_time([&] { return journal->head().durable_seq == 650; }));
  journal->flush();
  check_handed_out(rig.handed_out());
  CHECK(durable_of(rig.handed_out()).size() == 650);
  CHECK(read_back(rig.io).records.size() == 650);
}

TEST_CASE("alarms are kept although memory is full, and what was lost between them is told with exact bounds") {
  FullRig rig;
  rig.config.reserve_bytes = 1u << 20;
  auto journal = run_until_full(rig);
  for (int i = 0; i < 10'100; ++i) journal->accept(point(i % 2 ? "a" : "b"));
  for (int i = 0; i < 3; ++i) {
    journal->accept(alarm("a", "late" + std::to_string(i), Phase::kStart));
    journal->accept(point("b"));
  }
  journal->flush();
  const std::uint64_t last = journal->head().seq;
  const auto durable = durable_of(rig.handed_out());
  for (const std::uint64_t seq : {last - 5, last - 3, last - 1}) CHECK(durable.contains(seq));
  rig.io.heal();
  journal->accept(point("a"));
  REQUIRE(in_time([&] { return journal->head().durable_seq == last + 1; }));
  journal->flush();
  check_handed_out(rig.handed_out());
  JournalPages pages(rig.io, kJournalDir);
  const auto all = fetch_all(pages, journal->head(), everything(5000));
  CHECK(covers(all, journal->head().epoch, 1, last + 1) == "");
  const auto losses = journal->take_losses();
  REQUIRE(losses.size() == all.gaps.size());
  std::uint64_t lost = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    CHECK(losses[i].from == all.gaps[i].from);
    CHECK(losses[i].to == all.gaps[i].to);
    CHECK(losses[i].count == losses[i].to - losses[i].from + 1);
    CHECK(losses[i].streams == all.gaps[i].streams);
    lost += losses[i].count;
  }
  CHECK(all.events.size() + lost == last + 1);
  CHECK(journal->take_losses().empty());
}

TEST_CASE("a gateway that starts on a full disk keeps its alarms in the reserve it finds") {
  FullRig rig;
  { rig.open()->accept(point("a")); }
  fill_disk(rig);
  auto journal = rig.open();
  journal->accept(point("a"));
  journal->accept(alarm("a", "s", Phase::kStart));
  journal->flush();
  CHECK(durable_of(rig.handed_out()).contains(2));
  rig.io.fail_always(FileCall::kTruncate, {ErrorKind::kIo, "power"});
  rig.io.crash();
  journal.reset();
  rig.io.heal();
  journal = rig.open();
  REQUIRE(journal->recovery().open_incidents.size() == 1);
  CHECK(journal->recovery().open_incidents[0]["subject"] == "s");
  CHECK(journal->head().previous_seq == 2);
  // The end of an alarm from before the restart is for the reserve, too.
  fill_disk(rig);
  for (int i = 0; i < 40; ++i) journal->accept(point("a"));
  journal->flush();
  journal->accept(alarm("a", "s", Phase::kEnd));
  journal->flush();
  CHECK(rig.handed_out().back().durable);
}

TEST_CASE("without a reserve a full disk is as before, and the file goes away") {
  FullRig rig;
  { rig.open(); }
  REQUIRE(rig.io.exists(kJournalDir + "/reserve"));
  rig.config.reserve_bytes = 0;
  auto journal = run_until_full(rig);
  CHECK_FALSE(rig.io.exists(kJournalDir + "/reserve"));
  journal->accept(alarm("a", "s", Phase::kStart));
  journal->flush();
  CHECK_FALSE(rig.handed_out().back().durable);
}
