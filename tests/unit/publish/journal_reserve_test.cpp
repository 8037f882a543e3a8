// A full disk: alarms become durable in the reserve, everything else waits in memory, and in the end all stands in its place.
#include <set>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/unit/publish/pages_rig.hpp"

using namespace kanhu;
using namespace kanhu::publish;
using namespace kanhu::test;

namespace {

EventDraft alarm(const std::string& facility, const std::string& subject, Phase phase) {
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
void check_handed_out(const std::vector<Committed>& out) {
  std::uint64_t last = 0;
  std::set<std::uint64_t> unconfirmed;
  for (const Committed& committed : out) {
    const std::uint64_t seq = committed.event.id.seq;
    if (committed.confirms) {
      REQUIRE(committed.durable);
      REQUIRE(unconfirmed.erase(seq) == 1);
    } else {
      REQUIRE(seq == ++last);
      if (!committed.durable) unconfirmed.insert(seq);
    }
  }
}

std::set<std::uint64_t> durable_of(const std::vector<Committed>& out) {
  std::set<std::uint64_t> numbers;
  for (const Committed& committed : out)
    if (committed.durable) numbers.insert(committed.event.id.seq);
  return numbers;
}

void fill_disk(JournalRig& rig) { rig.io.set_capacity(1); }

struct FullRig : JournalRig {
  FullRig() {
    config.segment_bytes = 4096;
    config.reserve_bytes = 64u << 10;
  }
};

// Ten events, full disk, five more of which the third is an alarm and the fifth its end.
std::unique_ptr<Journal> fill_and_alarm(FullRig& rig) {
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

}  // namespace

TEST_CASE("on a full disk alarms and their ends become durable in the reserve, the rest goes out undurable, all in order") {
  FullRig rig;
  auto journal = fill_and_alarm(rig);
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
  CHECK(journal->stats().kept == 2);
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
        REQUIRE(journal->recovery().lost.size() == 2);
        CHECK(journal->recovery().lost[0].from == durable_before + 1);
        CHECK(journal->recovery().lost[0].to == 51);
        CHECK(journal->recovery().lost[1].from == 53);
        CHECK(journal->recovery().lost[1].to == 53);
        CHECK(journal->head().previous_seq == 54);
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
    CHECK(read.records.size() == durable_before + 2 + 1);
    const auto later = fetch_all(pages, journal->head(), behind(epoch, 55));
    REQUIRE(later.gaps.size() == 1);
    CHECK(later.gaps[0].reason == "never_durable");
    CHECK(later.gaps[0].from == 55);
    CHECK(later.gaps[0].to == 55);
  }
}

TEST_CASE("a gateway that ends orderly on a full disk names all that is lost with it, although there was no alarm") {
  FullRig rig;
  auto journal = rig.open();
  for (int i = 0; i < 10; ++i) journal->accept(point("a"));
  journal->flush();
  fill_disk(rig);
  for (int i = 0; i < 40; ++i) journal->accept(point("b"));
  journal->flush();
  const std::string epoch = journal->head().epoch;
  const std::uint64_t durable = journal->head().durable_seq, last = journal->accept(draft_of("-", "gateway.stopped", "g", Phase::kEnd)).seq;
  REQUIRE(durable < last - 1);
  journal->flush();
  CHECK(durable_of(rig.handed_out()).contains(last));
  journal.reset();
  rig.io.heal();
  journal = rig.open();
  REQUIRE(journal->recovery().lost.size() == 1);
  CHECK(journal->recovery().lost[0].from == durable + 1);
  CHECK(journal->recovery().lost[0].to == last - 1);
  CHECK(journal->head().previous_seq == last);
  JournalPages pages(rig.io, kJournalDir);
  CHECK(covers(fetch_all(pages, journal->head(), everything()), epoch, 1, last) == "");
}

TEST_CASE("a gateway killed on a full disk has said now and then in the reserve how far its numbers went") {
  FullRig rig;
  auto journal = rig.open();
  for (int i = 0; i < 10; ++i) journal->accept(point("a"));
  journal->flush();
  fill_disk(rig);
  for (int i = 0; i < 40; ++i) journal->accept(point("b")), journal->flush();
  const std::string epoch = journal->head().epoch;
  const std::uint64_t durable = journal->head().durable_seq;
  rig.clock.advance(std::chrono::seconds(2));
  const std::uint64_t first = journal->accept(point("a")).seq;
  for (int i = 0; i < 3; ++i) journal->accept(point("b"));
  rig.clock.advance(std::chrono::seconds(5));
  const std::uint64_t second = journal->accept(point("b")).seq;
  journal->accept(point("a"));
  journal->flush();
  check_handed_out(rig.handed_out());
  const auto kept = durable_of(rig.handed_out());
  CHECK(kept.contains(first));
  CHECK_FALSE(kept.contains(first + 1));
  CHECK(kept.contains(second));
  CHECK_FALSE(kept.contains(second + 1));
  rig.io.fail_always(FileCall::kAppend, {ErrorKind::kIo, "killed"});
  rig.io.fail_always(FileCall::kTruncate, {ErrorKind::kIo, "killed"});
  rig.io.crash();
  journal.reset();
  rig.io.heal();
  journal = rig.open();
  REQUIRE(journal->recovery().lost.size() == 2);
  CHECK(journal->recovery().lost[0].from == durable + 1);
  CHECK(journal->recovery().lost[0].to == first - 1);
  CHECK(journal->recovery().lost[1].from == first + 1);
  CHECK(journal->recovery().lost[1].to == second - 1);
  JournalPages pages(rig.io, kJournalDir);
  CHECK(covers(fetch_all(pages, journal->head(), everything()), epoch, 1, second) == "");
}

TEST_CASE("when the reserve is used up alarms go out undurable too, and nothing is lost as long as memory lasts") {
  FullRig rig;
  auto journal = fill_and_alarm(rig);
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
  auto journal = fill_and_alarm(rig);
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
  auto journal = fill_and_alarm(rig);
  CHECK_FALSE(rig.io.exists(kJournalDir + "/reserve"));
  journal->accept(alarm("a", "s", Phase::kStart));
  journal->flush();
  CHECK_FALSE(rig.handed_out().back().durable);
}
