// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/journal/witness.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

namespace {

// A journal of 200 small records in one segment, as bytes.
std::string two_hundred_records() {
  JournalRig rig;
  rig.body = [](const EventDraft&, const EventId&) { return "{}"; };
  {
    auto journal = rig.open();
    for (int i = 0; i < 200; ++i) journal->accept(point("a"));
  }
  REQUIRE(rig.segments().size() == 1);
  return rig.io.content(rig.segments()[0]);
}

const std::string kFirst = kJournalDir + "/000000000001.journal";

}  // namespace

TEST_CASE("damage is announced once and a second opening finds nothing new") {
  JournalRig rig;
  const std::string whole = two_hundred_records();
  rig.io.put(kFirst, whole);
  rig.io.corrupt(kFirst, whole.size() / 2, '!');
  CHECK(rig.open()->recovery().damaged.size() == 1);
  CHECK(rig.open()->recovery().damaged.empty());
  CHECK(read_back(rig.io).records.size() == 199);
}

TEST_CASE("a file larger than any of its kind is named, and not read") {
  JournalRig rig;
  rig.io.put(kFirst, std::string(100, 'x'));
  CHECK(read_whole(rig.io, kFirst, 100));
  const auto refused = read_whole(rig.io, kFirst, 99);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kCorrupt);
  CHECK(refused.error().message.starts_with(kFirst));
  rig.io.put(witness_path(kJournalDir), std::string(1u << 20, ' '));
  const auto witness = read_witness(rig.io, kJournalDir);
  REQUIRE_FALSE(witness);
  CHECK(witness.error().message.find("more than") != std::string::npos);
}

TEST_CASE("a record taken out, or two exchanged, breaks the chain") {
  const std::string whole = two_hundred_records();
  const std::size_t first = whole.find("KREC", whole.size() / 2);
  const std::size_t second = whole.find("KREC", first + 4);
  const std::size_t third = whole.find("KREC", second + 4);
  std::string removed = whole;
  removed.erase(first, second - first);
  std::string exchanged = whole;
  exchanged.replace(first, third - first, whole.substr(second, third - second) + whole.substr(first, second - first));
  for (const std::string& content : {removed, exchanged}) {
    JournalRig rig;
    rig.io.put(kFirst, content);
    const auto read = read_back(rig.io);
    REQUIRE_FALSE(read.result);
    CHECK(read.result.error().kind == ErrorKind::kCorrupt);
    CHECK(read.result.error().message.find("chain breaks") != std::string::npos);
    CHECK(rig.open()->recovery().damaged.size() == 1);
  }
}

TEST_CASE("a whole segment taken out from between is noticed") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  {
    auto journal = rig.open();
    for (int i = 0; i < 200; ++i) journal->accept(point("a"));
  }
  const auto segments = rig.segments();
  REQUIRE(segments.size() > 4);
  REQUIRE(read_back(rig.io).result);
  REQUIRE(rig.io.remove(segments[segments.size() / 2]));
  const auto read = read_back(rig.io);
  REQUIRE_FALSE(read.result);
  CHECK(read.result.error().message.find("missing or was changed") != std::string::npos);
}

TEST_CASE("a power cut at any moment loses nothing that was handed out as durable") {
  for (std::size_t kept = 0; kept < 1200; kept += 7) {
    JournalRig rig;
    std::uint64_t acknowledged = 0;
    {
      auto journal = rig.open();
      for (int i = 0; i < 5; ++i) journal->accept(point("a"));
      journal->flush();
      acknowledged = journal->head().durable_seq;
      // From here on nothing reaches the disk for good.
      rig.io.fail_always(FileCall::kSync, {ErrorKind::kIo, "sync"});
      rig.io.fail_always(FileCall::kTruncate, {ErrorKind::kIo, "truncate"});
      for (int i = 0; i < 5; ++i) journal->accept(point("a"));
      journal->flush();
      rig.io.crash(kept);
    }
    rig.io.heal();
    const auto journal = rig.try_open();
    REQUIRE(journal);
    REQUIRE((*journal)->head().previous_seq >= acknowledged);
    for (const Committed& committed : rig.handed_out()) REQUIRE(committed.durable == (committed.event->id.seq <= acknowledged));
  }
}
