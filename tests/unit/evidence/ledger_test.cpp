// SPDX-License-Identifier: MIT
#include "evidence/ledger.hpp"

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/faulty_file_io.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

EvidenceEntry entry(int number) {
  Json content{{"track", number}, {"decision", "unknown"}};
  return {to_hex(sha256(canonical_json(content))), content};
}

const std::string kToday = "/data/faces/faces-20260921.jsonl";

// Writes and closes: what was recorded is on the disk, or lost, when the ledger has gone.
struct Written {
  std::uint64_t written = 0, lost = 0;
};
Written write(FileIo& files, const Clock& clock, int from, int count, std::uint64_t most_bytes = 0) {
  Written result;
  {
    EvidenceLedger ledger(
        files, "/data/faces", "faces",
        [&] {
          return EvidenceLedger::Retention{48h, most_bytes};
        },
        clock);
    for (int i = from; i < from + count; ++i) ledger.record(entry(i));
    // Nothing is asked of a ledger that is being closed, so the counters are read while it lives.
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (ledger.written() + ledger.lost() < static_cast<std::uint64_t>(count) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    result = {ledger.written(), ledger.lost()};
  }
  return result;
}

}  // namespace

TEST_CASE("an entry is found by its digest, also over a restart") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  REQUIRE(files.make_directories("/data"));
  CHECK(write(files, clock, 0, 20).written == 20);
  CHECK(write(files, clock, 20, 20).written == 20);
  for (int i : {0, 19, 20, 39}) {
    const auto found = find_evidence(files, "/data/faces", "faces", entry(i).digest);
    REQUIRE(found);
    CHECK(*found == entry(i).entry);
  }
  CHECK(find_evidence(files, "/data/faces", "faces", entry(40).digest).error().kind == ErrorKind::kNotFound);
  CHECK(find_evidence(files, "/nowhere", "faces", entry(0).digest).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("what was written is durable, and an entry that was changed is found") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  REQUIRE(files.make_directories("/data"));
  write(files, clock, 0, 3);
  files.crash();
  REQUIRE(find_evidence(files, "/data/faces", "faces", entry(2).digest));
  const std::string text = files.content(kToday);
  const auto at = text.find("\"track\":1");
  REQUIRE(at != std::string::npos);
  files.corrupt(kToday, at + 8, '7');
  CHECK(find_evidence(files, "/data/faces", "faces", entry(1).digest).error().kind == ErrorKind::kCorrupt);
  CHECK(find_evidence(files, "/data/faces", "faces", entry(2).digest));
}

TEST_CASE("a line that a crash cut off does not take the next one with it") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  files.put(kToday, "{\"digest\":\"abc");
  CHECK(write(files, clock, 5, 1).written == 1);
  CHECK(find_evidence(files, "/data/faces", "faces", entry(5).digest));
}

TEST_CASE("a full disk loses entries, counts them, and heals") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  REQUIRE(files.make_directories("/data"));
  for (const test::FileCall call : {test::FileCall::kAppend, test::FileCall::kSync, test::FileCall::kOpen}) {
    files.fail_always(call, {ErrorKind::kNoSpace, "full"});
    CHECK(write(files, clock, 0, 2).lost == 2);
    files.heal();
    CHECK(write(files, clock, 0, 2).written == 2);
  }
}

TEST_CASE("files older than the journal is kept are removed, others are left alone") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  files.put("/data/faces/faces-20260918.jsonl", "{}\n");
  files.put("/data/faces/faces-20260920.jsonl", "{}\n");
  files.put("/data/faces/notes.txt", "mine");
  write(files, clock, 0, 1);
  CHECK_FALSE(files.exists("/data/faces/faces-20260918.jsonl"));
  CHECK(files.exists("/data/faces/faces-20260920.jsonl"));
  CHECK(files.exists("/data/faces/notes.txt"));
}

TEST_CASE("beyond the room for them the oldest files are removed, today's never") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  files.put("/data/faces/faces-20260919.jsonl", std::string(600, 'x'));
  files.put("/data/faces/faces-20260920.jsonl", std::string(600, 'x'));
  files.put(kToday, std::string(300, 'x') + "\n");
  write(files, clock, 0, 1, 1200);
  CHECK_FALSE(files.exists("/data/faces/faces-20260919.jsonl"));
  CHECK(files.exists("/data/faces/faces-20260920.jsonl"));
  write(files, clock, 1, 1, 10);
  CHECK_FALSE(files.exists("/data/faces/faces-20260920.jsonl"));
  CHECK(files.exists(kToday));
}

TEST_CASE("a clock that jumps ahead makes no file old at once, and a file of a day to come makes room like any other") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  files.put("/data/faces/faces-20260920.jsonl", "{}\n");
  {
    EvidenceLedger ledger(
        files, "/data/faces", "faces",
        [] {
          return EvidenceLedger::Retention{48h, 0};
        },
        clock);
    clock.step_wall(24h * 365);
    ledger.record(entry(1));
  }
  CHECK(files.exists("/data/faces/faces-20260920.jsonl"));
  clock.step_wall(-24h * 365);
  CHECK(files.exists("/data/faces/faces-20270921.jsonl"));
  write(files, clock, 1, 1, 10);
  CHECK_FALSE(files.exists("/data/faces/faces-20270921.jsonl"));
  CHECK(files.exists(kToday));
}

}  // namespace kanhu
