// SPDX-License-Identifier: MIT
// 200 records, cut at every byte and with every byte flipped: by both readers, what is readable is right and what is not is named.
#include <catch2/catch.hpp>

#include "pipelines/journal/segment_reader.hpp"
#include "tests/unit/pipelines/journal/pages_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

namespace {

#ifdef KANHU_SANITIZED
constexpr std::size_t kApart = 17;
#else
constexpr std::size_t kApart = 1;
#endif

const std::string kSegment = kJournalDir + "/000000000001.journal";

std::string numbered(const EventDraft&, const EventId& id) { return "{\"n\":" + std::to_string(id.seq) + "}"; }

struct Written {
  std::string bytes, epoch;
};
Written two_hundred() {
  JournalRig rig;
  rig.body = numbered;
  std::string epoch;
  {
    auto journal = rig.open();
    epoch = journal->head().epoch;
    for (int i = 0; i < 200; ++i) journal->accept(point(i % 2 ? "a" : "b"));
  }
  REQUIRE(rig.segments() == std::vector<std::string>{kSegment});
  return {rig.io.content(kSegment), epoch};
}

// A journal of that one file, opened and gone on with by one event.
struct Opened {
  JournalRig rig;
  std::unique_ptr<Journal> journal;
  explicit Opened(std::string_view bytes) {
    rig.body = numbered;
    rig.io.put(kSegment, bytes);
    journal = rig.open();
    journal->accept(point("a"));
    journal->flush();
  }
  Fetched fetch(const std::string& epoch) {
    JournalPages pages(rig.io, kJournalDir);
    return fetch_all(pages, journal->head(), behind(epoch, 0));
  }
};

void check_events(const std::vector<JournalRecord>& events) {
  std::pair<std::string, std::uint64_t> last;
  bool right = true;  // one assertion for all: there are millions
  for (const JournalRecord& event : events) {
    right = right && event.body == "{\"n\":" + std::to_string(event.id.seq) + "}" &&
            (event.id.epoch != last.first || event.id.seq > last.second);
    last = {event.id.epoch, event.id.seq};
  }
  REQUIRE(right);
}

}  // namespace

TEST_CASE("cut at every byte, pages give the prefix that is there and no gap", "[long]") {
  const Written whole = two_hundred();
  std::uint64_t known = 0;
  for (std::size_t size = 0; size < whole.bytes.size(); size += kApart) {
    CAPTURE(size);
    Opened opened(std::string_view(whole.bytes).substr(0, size));
    REQUIRE(opened.journal->recovery().damaged.empty());
    const auto prefix = opened.journal->head().previous_seq;
    REQUIRE((prefix == known || prefix == known + 1));  // more bytes never mean fewer events, and a step is shorter than a record
    known = prefix;
    const Fetched all = opened.fetch(whole.epoch);
    check_events(all.events);
    REQUIRE(all.events.size() == prefix + 1);
    for (const JournalGap& gap : all.gaps) REQUIRE(gap.reason == "unknown_epoch");  // not even its header is there
    if (prefix > 0) REQUIRE(all.gaps.empty());
    REQUIRE(all.events.back().id.epoch == opened.journal->head().epoch);
  }
  REQUIRE(known == 199);
}

TEST_CASE("with every byte flipped, no event is wrong, the damage is told, and pages give every number once", "[long]") {
  const Written whole = two_hundred();
  for (std::size_t at = 0; at < whole.bytes.size(); at += kApart) {
    CAPTURE(at);
    std::string bytes = whole.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x41);
    Opened opened(bytes);
    const Recovery& recovery = opened.journal->recovery();
    REQUIRE((recovery.torn_bytes > 0) != !recovery.damaged.empty());
    const Fetched all = opened.fetch(whole.epoch);
    check_events(all.events);
    REQUIRE(all.events.size() >= 200);
    const auto last = opened.journal->head().previous_seq;
    REQUIRE(last >= 199);
    const bool nameless = !all.gaps.empty() && all.gaps[0].reason == "unknown_epoch";  // the header that names the epoch is gone
    if (!nameless) REQUIRE(covers(all, whole.epoch, 1, last) == "");
    const auto read = read_back(opened.rig.io);
    check_events(read.records);
    REQUIRE(read.records.size() == all.events.size());
    REQUIRE(read.result.has_value() == recovery.damaged.empty());
    // What is damaged is set aside as it was found.
    if (!recovery.damaged.empty()) REQUIRE(opened.rig.io.content(kSegment + ".damaged") == bytes);
  }
}
