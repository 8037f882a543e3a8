// SPDX-License-Identifier: MIT
// Backups put back, clocks that jump, and what is dropped by age.
#include <set>

#include <catch2/catch.hpp>

#include "pipelines/journal/journal_check.hpp"
#include "pipelines/journal/witness.hpp"
#include "tests/unit/pipelines/journal/pages_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

const std::string kWitness = kJournalDir + ".witness";

using Backup = std::map<std::string, std::string>;

Backup back_up(JournalRig& rig) {
  Backup backup;
  for (const std::string& path : rig.segments()) backup[path] = rig.io.content(path);
  backup[kWitness] = rig.io.content(kWitness);
  return backup;
}

void restore(JournalRig& rig, const Backup& backup, bool with_witness) {
  for (const std::string& path : rig.segments()) REQUIRE(rig.io.remove(path));
  if (rig.io.exists(kJournalDir + "/reserve")) REQUIRE(rig.io.remove(kJournalDir + "/reserve"));
  for (const auto& [path, content] : backup) {
    if (path != kWitness || with_witness) rig.io.put(path, content);
  }
}

void accept(Journal& journal, int count) {
  for (int i = 0; i < count; ++i) journal.accept(point(i % 2 ? "a" : "b"));
  journal.flush();
}

std::vector<std::uint32_t> ordinals(JournalRig& rig) {
  std::vector<std::uint32_t> found;
  const auto segments = list_segments(rig.io, kJournalDir);
  for (const auto& segment : *segments) found.push_back(segment.header->epoch_ordinal);
  return found;
}

}  // namespace

TEST_CASE("a journal put back from a backup says that it was set back, and answers what is gone as such") {
  JournalRig rig;
  std::string first, lost, ran;
  Backup backup;
  {
    auto journal = rig.open();
    first = journal->head().epoch;
    accept(*journal, 10);
    backup = back_up(rig);  // while it runs
    accept(*journal, 20);
  }
  {
    auto journal = rig.open();
    lost = journal->head().epoch;
    accept(*journal, 7);
    CHECK_FALSE(journal->recovery().rewound);
  }
  restore(rig, backup, false);
  {
    auto journal = rig.open();
    ran = journal->head().epoch;
    const auto rewound = journal->recovery().rewound;
    REQUIRE(rewound);
    CHECK(rewound->epoch == lost);
    CHECK(rewound->seq == 7);
    CHECK(rewound->closed);
    CHECK(rewound->found_epoch == first);
    CHECK(rewound->found_seq == 10);
    accept(*journal, 3);
    JournalPages pages(rig.io, kJournalDir);
    const auto from_lost = fetch_all(pages, journal->head(), behind(lost, 5));
    REQUIRE(from_lost.gaps.size() == 1);
    CHECK(from_lost.gaps[0].reason == "rewound");
    CHECK(from_lost.gaps[0].epoch == lost);
    CHECK(from_lost.gaps[0].from == 6);
    CHECK(from_lost.gaps[0].to == 7);
    CHECK(covers(from_lost, ran, 1, 3) == "");
    CHECK(from_lost.events.size() == 3);  // what was before it was seen
    const auto from_end = fetch_all(pages, journal->head(), behind(lost, 7));
    CHECK(from_end.gaps.empty());  // it ended orderly: there was no more
    CHECK(from_end.events.size() == 3);
    // The numbers of the first epoch that are gone, for whoever had some of them and for whoever had none.
    const auto had = fetch_all(pages, journal->head(), behind(first, 25));
    REQUIRE(had.gaps.size() == 2);
    CHECK(had.gaps[0].reason == "rewound");
    CHECK(had.gaps[0].from == 11);
    CHECK(had.gaps[0].to == 25);
    CHECK(had.gaps[1].epoch == lost);
    CHECK(had.gaps[1].from == 1);
    CHECK(had.gaps[1].to == 7);
    const auto had_not = fetch_all(pages, journal->head(), behind(first, 4));
    REQUIRE(had_not.gaps.size() == 2);
    CHECK(had_not.gaps[0].from == 11);
    CHECK(had_not.gaps[0].to == 0);
    CHECK(covers(had_not, lost, 1, 7) == "");
    CHECK(had_not.events.size() == 6 + 3);
    const auto strange = fetch_all(pages, journal->head(), behind(std::string(32, 'e'), 4));
    CHECK(strange.gaps[0].reason == "unknown_epoch");
  }
  CHECK(ordinals(rig) == std::vector<std::uint32_t>{1, 3});
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  CHECK(read.records.size() == 13);
  auto again = rig.open();
  CHECK_FALSE(again->recovery().rewound);
  CHECK(again->head().previous_epoch == ran);
  JournalPages pages(rig.io, kJournalDir);
  CHECK(fetch_all(pages, again->head(), behind(lost, 5)).gaps.size() == 1);
}

TEST_CASE("with the witness put back too nothing can be told, and still no number means two events") {
  JournalRig rig;
  Backup backup;
  std::string first, lost;
  {
    auto journal = rig.open();
    first = journal->head().epoch;
    accept(*journal, 10);
    backup = back_up(rig);
    accept(*journal, 10);
  }
  {
    auto journal = rig.open();
    lost = journal->head().epoch;
    accept(*journal, 5);
  }
  restore(rig, backup, true);
  auto journal = rig.open();
  CHECK_FALSE(journal->recovery().rewound);
  accept(*journal, 5);
  CHECK(journal->head().epoch != lost);
  JournalPages pages(rig.io, kJournalDir);
  const auto had = fetch_all(pages, journal->head(), behind(first, 15));
  REQUIRE(had.gaps.size() == 1);
  CHECK(had.gaps[0].reason == "never_durable");
  CHECK(had.gaps[0].from == 11);
  CHECK(had.gaps[0].to == 15);
  CHECK(fetch_all(pages, journal->head(), behind(lost, 2)).gaps[0].reason == "unknown_epoch");
}

TEST_CASE("a folder that is gone is a journal set back to nothing") {
  JournalRig rig;
  std::string lost;
  {
    auto journal = rig.open();
    lost = journal->head().epoch;
    accept(*journal, 10);
  }
  restore(rig, {}, false);
  auto journal = rig.open();
  const auto rewound = journal->recovery().rewound;
  REQUIRE(rewound);
  CHECK(rewound->epoch == lost);
  CHECK(rewound->seq == 10);
  CHECK(rewound->found_epoch.empty());
  accept(*journal, 2);
  CHECK(ordinals(rig) == std::vector<std::uint32_t>{2});
  JournalPages pages(rig.io, kJournalDir);
  const auto all = fetch_all(pages, journal->head(), behind(lost, 4));
  REQUIRE(all.gaps.size() == 1);
  CHECK(all.gaps[0].reason == "rewound");
  CHECK(all.gaps[0].to == 10);
  CHECK(all.events.size() == 2);
}

TEST_CASE("after a kill nobody knows how far a journal that was set back had come") {
  JournalRig rig, dead;
  std::string lost;
  {
    auto journal = rig.open();
    lost = journal->head().epoch;
    accept(*journal, 10);
    dead.io.put(kWitness, rig.io.content(kWitness));  // as it is while the gateway runs
  }
  auto journal = dead.open();
  REQUIRE(journal->recovery().rewound);
  CHECK_FALSE(journal->recovery().rewound->closed);
  accept(*journal, 2);
  JournalPages pages(dead.io, kJournalDir);
  const auto all = fetch_all(pages, journal->head(), behind(lost, 10));
  REQUIRE(all.gaps.size() == 1);
  CHECK(all.gaps[0].reason == "rewound");
  CHECK(all.gaps[0].from == 11);
  CHECK(all.gaps[0].to == 0);
}

TEST_CASE("an end with events that could not be written is not called the end") {
  JournalRig rig;
  {
    auto journal = rig.open();
    accept(*journal, 10);
    rig.io.fail_always(FileCall::kAppend, {ErrorKind::kIo, "bad disk"});
    accept(*journal, 1);
  }
  rig.io.heal();
  const auto witness = read_witness(rig.io, kJournalDir);
  REQUIRE(witness);
  REQUIRE(*witness);
  CHECK((*witness)->seq <= 10);
  CHECK_FALSE((*witness)->closed);
}

TEST_CASE("a journal that was put back is set back as it says; one whose end is gone is truncated, as far as the witness tells") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  Backup backup;
  {
    auto journal = rig.open();
    accept(*journal, 5);
    backup = back_up(rig);
    for (int i = 0; i < 20; ++i) accept(*journal, 5);
  }
  REQUIRE(rig.segments().size() > 2);
  auto whole = check_journal(rig.io, kJournalDir);
  REQUIRE(whole);
  CHECK_FALSE(whole->truncated());
  CHECK_FALSE(whole->modified());
  restore(rig, backup, false);
  const auto cut = check_journal(rig.io, kJournalDir);
  REQUIRE(cut);
  CHECK(cut->truncated());
  CHECK(cut->missing_end.find(":105 was durable") != std::string::npos);
  accept(*rig.open(), 3);
  const auto declared = check_journal(rig.io, kJournalDir);
  REQUIRE(declared);
  CHECK_FALSE(declared->truncated());
  CHECK_FALSE(declared->modified());
  REQUIRE(declared->segments.size() == 2);
  CHECK(declared->segments[0].set_back.empty());
  CHECK(declared->segments[1].set_back.find(":105 had been durable") != std::string::npos);
  CHECK(declared->segments[1].number > 2);
  // What the backup had is not covered by that.
  const std::string first = rig.segments()[0], content = rig.io.content(first);
  rig.io.put(first, std::string_view(content).substr(0, content.size() - 150));
  CHECK(check_journal(rig.io, kJournalDir)->truncated());
  rig.io.put(first, content);
  // A segment taken out where nothing says so.
  for (int i = 0; i < 3; ++i) accept(*rig.open(), 3);
  REQUIRE(rig.io.remove(rig.segments()[2]));
  CHECK(check_journal(rig.io, kJournalDir)->truncated());
  // A folder that is gone, before and after the gateway has seen it.
  restore(rig, {}, false);
  CHECK(check_journal(rig.io, kJournalDir)->truncated());
  accept(*rig.open(), 1);
  CHECK_FALSE(check_journal(rig.io, kJournalDir)->truncated());
}

TEST_CASE("the last record damaged is noticed by the witness") {
  JournalRig rig;
  {
    auto journal = rig.open();
    accept(*journal, 10);
  }
  const std::string segment = rig.segments()[0];
  rig.io.corrupt(segment, rig.io.content(segment).size() - 1, '!');
  auto journal = rig.open();
  CHECK(journal->recovery().torn_bytes > 0);
  REQUIRE(journal->recovery().rewound);
  CHECK(journal->recovery().rewound->seq == 10);
  CHECK(journal->recovery().rewound->found_seq == 9);
}

TEST_CASE("a witness that cannot be read, or is older than the journal, is no alarm") {
  JournalRig rig;
  std::string old;
  for (int opening = 0; opening < 3; ++opening) {
    auto journal = rig.open();
    CHECK_FALSE(journal->recovery().rewound);
    accept(*journal, 10);
    if (opening == 0) old = rig.io.content(kWitness);
  }
  const std::string content = rig.io.content(kWitness);
  for (std::size_t at = 0; at < content.size(); ++at) {
    JournalRig other;
    for (const auto& path : rig.segments()) other.io.put(path, rig.io.content(path));
    std::string flipped = content;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x05);
    other.io.put(kWitness, flipped);
    REQUIRE_FALSE(other.open()->recovery().rewound);
  }
  rig.io.put(kWitness, old);
  CHECK_FALSE(rig.open()->recovery().rewound);
  CHECK(ordinals(rig).back() == 4);
}

TEST_CASE("a clock that jumps changes neither order nor numbers, and an hour of a wrong year does not empty the journal") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  rig.config.most_age = 48h;
  auto journal = rig.open();
  const auto a_day = [&](int hours) {
    for (int hour = 0; hour < hours; ++hour) {
      accept(*journal, 10);
      rig.clock.advance(1h);
    }
  };
  a_day(40);
  const std::uint64_t kept = journal->head().oldest_seq;
  REQUIRE(kept == 1);
  const auto jump = GENERATE(std::chrono::microseconds(1h), std::chrono::microseconds(-1h), std::chrono::microseconds(24h * 3650),
                             std::chrono::microseconds(-24h * 3650));
  CAPTURE(jump.count());
  rig.clock.step_wall(jump);
  a_day(1);
  rig.clock.step_wall(-jump);
  CHECK(journal->head().oldest_seq <= 250);  // an hour of a wrong clock costs a day of the oldest at most
  a_day(1);
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  CHECK(read.records.back().id.seq == 420);
  for (std::size_t i = 1; i < read.records.size(); ++i) REQUIRE(read.records[i].id.seq == read.records[i - 1].id.seq + 1);
  // And age still counts: three days later what was there is gone.
  a_day(72);
  CHECK(journal->head().oldest_seq > 420);
  JournalPages pages(rig.io, kJournalDir);
  const auto all = fetch_all(pages, journal->head(), behind(journal->head().epoch, 0));
  CHECK(covers(all, journal->head().epoch, 1, journal->head().seq) == "");
  REQUIRE(all.gaps.size() == 1);
  CHECK(all.gaps[0].reason == "retention");
}

TEST_CASE("a clock that is wrong since the restart does not empty the journal either, and a long absence is made up for") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  rig.config.most_age = 48h;
  {
    auto journal = rig.open();
    for (int hour = 0; hour < 40; ++hour) {
      accept(*journal, 10);
      rig.clock.advance(1h);
    }
  }
  const auto segments = rig.segments().size();
  rig.clock.step_wall(24h * 3650);
  for (int restart = 0; restart < 5; ++restart) rig.open();
  CHECK(rig.segments().size() == segments + 5);
  // It was right: after ten years' hours over 24 of running nothing of then is left.
  auto journal = rig.open();
  for (int week = 0; week < 30; ++week) {
    rig.clock.advance(24h * 7);
    accept(*journal, 10);
  }
  CHECK(rig.segments().size() < 10);
}

TEST_CASE("a segment ends after a day, so that what is too old goes although little happens") {
  JournalRig rig;
  rig.config.most_age = 48h;
  auto journal = rig.open();
  for (int day = 0; day < 10; ++day) {
    accept(*journal, 1);
    rig.clock.advance(24h);
  }
  accept(*journal, 1);
  CHECK(rig.segments().size() <= 4);
  CHECK(journal->head().oldest_seq >= 8);
}

TEST_CASE("segments that were set aside count, and the newest is never dropped") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  rig.config.most_bytes = 16384;
  {
    auto journal = rig.open();
    for (int i = 0; i < 20; ++i) accept(*journal, 1);
  }
  REQUIRE(rig.segments().size() > 1);
  const std::string damaged = rig.segments().front();
  rig.io.corrupt(damaged, 700, '!');
  auto journal = rig.open();
  REQUIRE(journal->recovery().damaged.size() == 1);
  CHECK(rig.io.exists(damaged + ".damaged"));
  for (int i = 0; i < 100; ++i) accept(*journal, 1);
  CHECK_FALSE(rig.io.exists(damaged + ".damaged"));
  rig.config.most_bytes = 1;
  journal.reset();
  journal = rig.open();
  CHECK(rig.segments().size() == 1);
  accept(*journal, 2);
  CHECK(read_back(rig.io).records.size() == 2);
}
