// SPDX-License-Identifier: MIT
#include <set>

#include <catch2/catch.hpp>

#include "pipelines/journal/record_format.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

TEST_CASE("accepted events are handed out in order once they are on disk, and read back the same") {
  JournalRig rig;
  auto journal = rig.open();
  for (int i = 0; i < 200; ++i) journal->accept(point(i % 3 ? "a" : "b"));
  journal->flush();
  const auto out = rig.handed_out();
  REQUIRE(out.size() == 200);
  for (std::size_t i = 0; i < out.size(); ++i) {
    REQUIRE(out[i].event->id.seq == i + 1);
    REQUIRE(out[i].durable);
    REQUIRE_FALSE(out[i].provisional);
    REQUIRE_FALSE(out[i].confirms);
  }
  CHECK(journal->head().durable_seq == 200);
  CHECK(journal->stats().durable == 200);
  CHECK(journal->stats().not_durable == 0);
  rig.io.crash();
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  REQUIRE(read.records.size() == 200);
  std::map<std::string, std::uint64_t> streams;
  for (std::size_t i = 0; i < 200; ++i) {
    REQUIRE(read.records[i].id.text() == out[i].event->id.text());
    REQUIRE(read.records[i].body == out[i].event->body);
    REQUIRE(read.records[i].source == out[i].event->source);
    REQUIRE(read.records[i].type == "camera.online");
    REQUIRE(read.records[i].id.stream_seq == ++streams[read.records[i].facility]);
  }
}

TEST_CASE("each opening begins a new epoch that names the previous one's last durable numbers") {
  JournalRig rig;
  std::string first;
  {
    auto journal = rig.open();
    first = journal->head().epoch;
    CHECK(journal->head().previous_epoch.empty());
    for (int i = 0; i < 5; ++i) journal->accept(point("a"));
    journal->accept(point("b"));
  }
  auto journal = rig.open();
  const JournalHead head = journal->head();
  CHECK(head.epoch != first);
  CHECK(head.epoch.size() == 32);
  CHECK(head.seq == 0);
  CHECK(head.previous_epoch == first);
  CHECK(head.previous_seq == 6);
  CHECK(head.previous_streams == std::vector<std::pair<std::string, std::uint64_t>>{{"a", 5}, {"b", 1}});
  const EventId id = journal->accept(point("a"));
  CHECK(id.seq == 1);
  CHECK(id.stream_seq == 1);
  journal->flush();
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  REQUIRE(read.records.size() == 7);
  CHECK(read.records[5].id.epoch == first);
  CHECK(read.records[6].id.epoch == head.epoch);
}

TEST_CASE("streams that were declared have a head before their first event") {
  JournalRig rig;
  auto journal = rig.open();
  journal->declare_streams({"quiet", "a"});
  journal->accept(point("a"));
  journal->flush();
  const auto streams = journal->head().streams;
  REQUIRE(streams.size() == 3);
  CHECK(streams[0].first == "-");
  CHECK(streams[1].first == "a");
  CHECK(streams[1].second.durable == 1);
  CHECK(streams[2].first == "quiet");
  CHECK(streams[2].second.stream_seq == 0);
}

TEST_CASE("a kept incident is open after a restart until its end is accepted, whatever segment it stands in") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  {
    auto journal = rig.open();
    journal->accept(draft_of("a", "presence.started", "old", Phase::kStart, {{"zone", "hall"}}));
    journal->accept(draft_of("a", "presence.started", "gone", Phase::kStart));
    rig.snapshot_answer = {{"open", {{{"subject", "old"}, {"extra", 7}}}}, {"clips", Json::array()}, {"cameras", {{"x", 1}}}};
    for (int i = 0; i < 100; ++i) journal->accept(point("a"));
    journal->accept(draft_of("a", "presence.ended", "gone", Phase::kEnd));
    journal->accept(draft_of("b", "face.appeared", "new", Phase::kStart));
    journal->flush();
  }
  REQUIRE(rig.segments().size() > 3);
  for (int restart = 0; restart < 2; ++restart) {
    auto journal = rig.open();
    const Json open = journal->recovery().open_incidents;
    REQUIRE(open.size() == 2);
    CHECK(open[0]["subject"] == "old");
    CHECK(open[0]["facility"] == "a");
    CHECK(open[0]["source"] == "a-cam");
    CHECK(open[0]["type"] == "presence.started");
    CHECK(open[0]["data"]["zone"] == "hall");
    CHECK(open[0]["kept"]["extra"] == 7);
    CHECK(open[0]["time"] == format_utc(wall_from_microseconds(1'790'000'000'000'000)));
    CHECK(open[1]["subject"] == "new");
  }
  {
    auto journal = rig.open();
    journal->accept(draft_of("a", "presence.ended", "old", Phase::kEnd));
  }
  CHECK(rig.open()->recovery().open_incidents.size() == 1);
}

TEST_CASE("clips whose last status is pending are named after a restart") {
  JournalRig rig;
  const auto clip = [](const std::string& id, const std::string& status) {
    return Json{{"clip", {{"id", id}, {"status", status}, {"start", "2026-01-01T00:00:00.000000Z"}, {"run", "r1"}}}};
  };
  {
    auto journal = rig.open();
    journal->accept(draft_of("a", "clip.updated", "s1", Phase::kPoint, clip("c1", "pending")));
    journal->accept(draft_of("a", "clip.updated", "s2", Phase::kPoint, clip("c1", "pending")));
    journal->accept(draft_of("a", "clip.updated", "s3", Phase::kPoint, clip("c2", "pending")));
    journal->accept(draft_of("a", "clip.updated", "s3", Phase::kPoint, clip("c2", "complete")));
  }
  const Json clips = rig.open()->recovery().clips;
  REQUIRE(clips.size() == 1);
  CHECK(clips[0]["clip"] == "c1");
  CHECK(clips[0]["subjects"] == Json{"s1", "s2"});
  CHECK(clips[0]["from"] == "2026-01-01T00:00:00.000000Z");
  CHECK(clips[0]["run"] == "r1");
  CHECK(clips[0]["source"] == "a-cam");
}

TEST_CASE("retention by bytes unlinks whole segments, never the newest, and what is left reads on") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  rig.config.most_bytes = 16384;
  auto journal = rig.open();
  for (int i = 0; i < 400; ++i) {
    journal->accept(point("a"));
    if (i % 10 == 0) journal->flush();
  }
  journal->flush();
  CHECK(journal->head().oldest_seq > 1);
  std::size_t bytes = 0;
  for (const auto& path : rig.segments()) bytes += rig.io.content(path).size();
  CHECK(bytes < 16384 + 2 * 4096 + 4096);
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  REQUIRE_FALSE(read.records.empty());
  CHECK(read.records.front().id.seq == journal->head().oldest_seq);
  CHECK(read.records.back().id.seq == 400);
}

TEST_CASE("retention by age unlinks segments older than the limit and keeps an open incident") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  rig.config.most_age = std::chrono::hours(24);
  auto journal = rig.open();
  journal->accept(draft_of("a", "presence.started", "long", Phase::kStart));
  for (int day = 0; day < 4; ++day) {
    for (int i = 0; i < 20; ++i) journal->accept(point("a"));
    journal->flush();
    rig.clock.advance(std::chrono::hours(30));
  }
  for (int i = 0; i < 40; ++i) journal->accept(point("a"));
  journal->flush();
  const auto read = read_back(rig.io);
  REQUIRE(read.result);
  CHECK(read.records.front().id.seq > 20);
  journal.reset();
  const Json open = rig.open()->recovery().open_incidents;
  REQUIRE(open.size() == 1);
  CHECK(open[0]["subject"] == "long");
}

TEST_CASE("a journal of a newer version is refused and left untouched") {
  JournalRig rig;
  { rig.open()->accept(point("a")); }
  SegmentHeader newer;
  newer.version = 2;
  newer.number = 2;
  const Bytes bytes = encode(newer);
  rig.io.put(kJournalDir + "/000000000002.journal", std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  const auto before = rig.segments();
  const std::string content = rig.io.content(before[0]);
  const auto refused = rig.try_open();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kNewerFormat);
  CHECK(rig.segments() == before);
  CHECK(rig.io.content(before[0]) == content);
}

TEST_CASE("a body that cannot be made still leaves a number with a body") {
  JournalRig rig;
  auto journal = Journal::open(
      rig.io, rig.clock, kJournalDir, rig.config, [](const EventDraft&, const EventId&) -> std::string { throw std::runtime_error("no"); },
      nullptr, [](Committed) {});
  REQUIRE(journal);
  (*journal)->accept(draft_of("a", "face.appeared", "s", Phase::kStart));
  (*journal)->flush();
  const auto read = read_back(rig.io);
  REQUIRE(read.records.size() == 1);
  const auto body = parse_json(read.records[0].body);
  REQUIRE(body);
  CHECK((*body)["id"] == read.records[0].id.text());
  CHECK((*body)["subject"] == "s");
}
