// SPDX-License-Identifier: MIT
#include "pipelines/journal/pages.hpp"

#include <algorithm>
#include <thread>

#include <catch2/catch.hpp>

#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/fetch.hpp"
#include "tests/unit/pipelines/journal/pages_rig.hpp"

using namespace kanhu;
using namespace kanhu::journal;
using namespace kanhu::test;

namespace {

std::vector<std::string> ids(const std::vector<JournalRecord>& records) {
  std::vector<std::string> texts;
  for (const auto& record : records) texts.push_back(record.id.text());
  return texts;
}

}  // namespace

TEST_CASE("page after page gives every event of every epoch once, in order, as the journal holds it") {
  JournalRig rig;
  rig.config.segment_bytes = 8192;
  std::string first;
  for (int opening = 0; opening < 3; ++opening) {
    auto journal = rig.open();
    if (first.empty()) first = journal->head().epoch;
    for (int i = 0; i < 150; ++i) journal->accept(point(i % 3 ? "a" : "b"));
    journal->flush();
  }
  auto journal = rig.open();
  journal->accept(point("a"));
  journal->flush();
  const auto read = read_back(rig.io);
  REQUIRE(read.records.size() == 451);
  for (const std::size_t most : {1u, 7u, 150u, 151u, 5000u}) {
    CAPTURE(most);
    JournalPages pages(rig.io, kJournalDir);
    const Fetched all = fetch_all(pages, journal->head(), everything(most));
    CHECK(all.gaps.empty());
    REQUIRE(ids(all.events) == ids(read.records));
    for (std::size_t i = 0; i < all.events.size(); ++i) REQUIRE(all.events[i].body == read.records[i].body);
    CHECK(all.next.epoch == journal->head().epoch);
    CHECK(all.next.seq == 1);
  }
  SECTION("from the middle on, also of an epoch long over") {
    JournalPages pages(rig.io, kJournalDir);
    const Fetched rest = fetch_all(pages, journal->head(), behind(first, 149));
    CHECK(rest.gaps.empty());
    CHECK(rest.events.size() == 302);
    CHECK(rest.events.front().id.text() == first + ":150");
  }
  SECTION("of one facility or type") {
    JournalPages pages(rig.io, kJournalDir);
    FetchRequest request = everything(10);
    request.streams = {"b"};
    const Fetched some = fetch_all(pages, journal->head(), request);
    CHECK(some.events.size() == 150);
    for (const auto& event : some.events) REQUIRE(event.facility == "b");
    request.types = {"face.appeared"};
    CHECK(fetch_all(pages, journal->head(), request).events.empty());
  }
  SECTION("what is written later comes later") {
    JournalPages pages(rig.io, kJournalDir);
    Fetched all = fetch_all(pages, journal->head(), everything());
    for (int i = 0; i < 200; ++i) {
      journal->accept(point("a"));
      journal->flush();
      const Fetched more = fetch_all(pages, journal->head(), behind(all.next.epoch, all.next.seq));
      REQUIRE(more.events.size() == 1);
      REQUIRE(more.gaps.empty());
      all.next = more.next;
    }
  }
}

TEST_CASE("nothing behind the durable number is given") {
  JournalRig rig;
  auto journal = rig.open();
  for (int i = 0; i < 20; ++i) journal->accept(point("a"));
  journal->flush();
  JournalHead head = journal->head();
  head.durable_seq = 12;
  JournalPages pages(rig.io, kJournalDir);
  const Fetched all = fetch_all(pages, head, everything());
  CHECK(all.events.size() == 12);
  CHECK(all.next.seq == 12);
  const Fetched none = fetch_all(pages, head, behind(head.epoch, 15));
  CHECK(none.events.empty());
  CHECK(none.gaps.empty());
  CHECK(none.next.seq == 15);
}

TEST_CASE("what was dropped by retention is a gap with its bounds, by stream too") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  rig.config.most_bytes = 20'000;
  auto journal = rig.open();
  const std::string epoch = journal->head().epoch;
  for (int i = 0; i < 400; ++i) journal->accept(point(i % 2 ? "a" : "b"));
  journal->flush();
  const JournalHead head = journal->head();
  REQUIRE(head.oldest_seq > 100);
  JournalPages pages(rig.io, kJournalDir);
  const Fetched all = fetch_all(pages, head, behind(epoch, 10));
  REQUIRE(all.gaps.size() == 1);
  CHECK(all.gaps[0].reason == "retention");
  CHECK(all.gaps[0].epoch == epoch);
  CHECK(all.gaps[0].from == 11);
  CHECK(all.gaps[0].to == head.oldest_seq - 1);
  const auto lost_of_a = all.gaps[0].streams.at("a").second;
  const auto first_of_a = std::find_if(all.events.begin(), all.events.end(), [](const auto& event) { return event.facility == "a"; });
  CHECK(first_of_a->id.stream_seq == lost_of_a + 1);
  CHECK(all.events.size() == 400 - all.gaps[0].to);
  CHECK(fetch_all(pages, head, everything()).gaps.empty());

  SECTION("and of the epoch before, which is gone whole") {
    journal.reset();
    auto again = rig.open();
    for (int i = 0; i < 400; ++i) again->accept(point("a"));
    again->flush();
    JournalPages later(rig.io, kJournalDir);
    const Fetched after = fetch_all(later, again->head(), behind(epoch, 390));
    REQUIRE_FALSE(after.gaps.empty());
    std::uint64_t lost = 0;
    for (const auto& gap : after.gaps) lost += gap.to >= gap.from ? gap.to - gap.from + 1 : 0;
    const bool named = after.gaps[0].reason == "unknown_epoch" || lost + after.events.size() == 410;
    CHECK(named);
  }
}

TEST_CASE("numbers that were shown and never became durable are a gap, and so is an epoch nobody knows") {
  JournalRig rig;
  std::string first;
  {
    auto journal = rig.open();
    first = journal->head().epoch;
    for (int i = 0; i < 10; ++i) journal->accept(point("a"));
  }
  auto journal = rig.open();
  journal->accept(point("a"));
  journal->flush();
  JournalPages pages(rig.io, kJournalDir);
  const Fetched all = fetch_all(pages, journal->head(), behind(first, 14));
  REQUIRE(all.gaps.size() == 1);
  CHECK(all.gaps[0].reason == "never_durable");
  CHECK(all.gaps[0].epoch == first);
  CHECK(all.gaps[0].from == 11);
  CHECK(all.gaps[0].to == 14);
  REQUIRE(all.events.size() == 1);
  CHECK(all.events[0].id.epoch == journal->head().epoch);

  const Fetched strange = fetch_all(pages, journal->head(), behind(std::string(32, 'a'), 7));
  REQUIRE(strange.gaps.size() == 1);
  CHECK(strange.gaps[0].reason == "unknown_epoch");
  CHECK(strange.gaps[0].from == 8);
  CHECK(strange.events.size() == 11);
}

TEST_CASE("what the reserve could not hold is a gap with the bounds the journal noted") {
  JournalRig rig;
  auto journal = rig.open();
  journal->accept(point("a"));
  journal->flush();
  rig.io.fail_always(FileCall::kAppend, {ErrorKind::kNoSpace, "no space"});
  for (int i = 0; i < 10'100; ++i) journal->accept(point(i % 2 ? "a" : "b"));
  journal->flush();
  rig.io.heal();
  journal->accept(point("a"));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (journal->head().durable_seq < journal->head().seq && std::chrono::steady_clock::now() < until) {
    rig.clock.advance(std::chrono::seconds(1));
    std::this_thread::yield();
  }
  const JournalHead head = journal->head();
  REQUIRE(head.durable_seq == head.seq);
  JournalPages pages(rig.io, kJournalDir);
  const Fetched all = fetch_all(pages, head, everything(3000));
  std::uint64_t lost = 0;
  for (const auto& gap : all.gaps) {
    CHECK(gap.reason == "queue_full");
    CHECK(gap.streams.contains("a"));
    lost += gap.to - gap.from + 1;
  }
  CHECK(lost > 0);
  CHECK(all.events.size() + lost == head.seq);
  CHECK(all.next.seq == head.seq);
}

TEST_CASE("with any byte flipped, what is readable comes and what is not is a gap") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  auto journal = rig.open();
  for (int i = 0; i < 60; ++i) journal->accept(point(i % 2 ? "a" : "b"));
  journal->flush();
  const JournalHead head = journal->head();
  REQUIRE(rig.segments().size() > 2);
  const std::string damaged = rig.segments()[1];
  const std::string whole = rig.io.content(damaged);
  for (std::size_t offset = 0; offset < whole.size(); offset += 7) {
    CAPTURE(offset);
    rig.io.corrupt(damaged, offset, static_cast<char>(whole[offset] ^ 0x10));
    JournalPages pages(rig.io, kJournalDir);
    const auto page = pages.fetch(everything(), head);
    if (!page) {
      REQUIRE(page.error().kind == ErrorKind::kNewerFormat);  // the version field
    } else {
      const Fetched all = fetch_all(pages, head, everything(17));
      std::uint64_t lost = 0;
      for (const auto& gap : all.gaps) {
        REQUIRE(gap.reason == "damaged");
        lost += gap.to - gap.from + 1;
      }
      REQUIRE(all.events.size() + lost == 60);
      for (std::size_t i = 1; i < all.events.size(); ++i) REQUIRE(all.events[i - 1].id.seq < all.events[i].id.seq);
    }
    rig.io.corrupt(damaged, offset, whole[offset]);
  }
}

TEST_CASE("a request for events that is no good is refused by its member") {
  for (const auto& [text, named] : std::vector<std::pair<std::string, std::string>>{{R"({"epoch":"f1"})", "epoch"},
                                                                                    {R"({"after":3})", "epoch"},
                                                                                    {R"({"max_events":0})", "max_events"},
                                                                                    {R"({"max_events":1e9})", "max_events"},
                                                                                    {R"({"max_bytes":-1})", "max_bytes"},
                                                                                    {R"({"streams":[]})", "streams"},
                                                                                    {R"({"streams":"f1"})", "streams"},
                                                                                    {R"({"types":[1]})", "types"}}) {
    CAPTURE(text);
    const auto parsed = publish::parse_fetch(*parse_json(text));
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::kInvalidArgument);
    CHECK(parsed.error().message.find(named) != std::string::npos);
  }
  CHECK(publish::parse_fetch(Json::object()));
}

TEST_CASE("the answer is canonical JSON with the payloads as they stand in the journal") {
  JournalRig rig;
  auto journal = rig.open();
  journal->accept(point("a"));
  journal->flush();
  JournalPages pages(rig.io, kJournalDir);
  const auto text = publish::answer_fetch(pages, {{"v", 1}, {"request", "fetch"}}, journal->head());
  REQUIRE(text);
  const auto parsed = parse_json(*text);
  REQUIRE(parsed);
  CHECK(canonical_json(*parsed) == *text);
  CHECK(canonical_json((*parsed)["events"][0]["payload"]) == rig.handed_out()[0].event->body);
  CHECK((*parsed)["events"][0]["topic"] == "kanhu1/a/a-cam/camera.online/");
  CHECK((*parsed)["next"] == Json{{"epoch", journal->head().epoch}, {"after", 1}});
  CHECK((*parsed)["head"]["streams"]["a"] == 1);
  CHECK((*parsed)["complete"] == true);
}

TEST_CASE("who sees one facility fetches that one, and learns nothing of the others") {
  JournalRig rig;
  auto journal = rig.open();
  for (const char* facility : {"a", "b", "a", "-", "ab", "a"}) journal->accept(point(facility));
  journal->flush();
  JournalPages pages(rig.io, kJournalDir);
  const publish::Rights one{false, {Right::kFetch}, {"a"}};
  const auto ask = [&](Json request, const publish::Rights& rights) {
    request.update({{"v", 1}, {"request", "fetch"}});
    return publish::answer_fetch(pages, request, journal->head(), rights);
  };
  const auto page = parse_json(*ask(Json::object(), one));
  REQUIRE(page);
  CHECK((*page)["events"].size() == 3);
  for (const Json& event : (*page)["events"]) CHECK(event["topic"].get<std::string>().starts_with("kanhu1/a/"));
  CHECK((*page)["head"]["streams"] == Json{{"a", 3}});
  CHECK((*page)["next"]["after"] == 6);
  CHECK((*page)["complete"] == true);
  CHECK(parse_json(*ask({{"streams", {"a"}}}, one))->at("events").size() == 3);
  for (const char* hidden : {"b", "ab", "-", "unheard-of"}) {
    const auto refused = ask({{"streams", {"a", hidden}}}, one);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kUnauthorized);
    CHECK(refused.error().message.find(hidden) != std::string::npos);
  }
  CHECK(ask(Json::object(), {false, {Right::kLive}, {"*"}}).error().kind == ErrorKind::kUnauthorized);
  CHECK(parse_json(*ask(Json::object(), {false, {Right::kFetch}, {"*"}}))->at("events").size() == 6);
}

TEST_CASE("a gap of several streams names to each asker its own alone") {
  JournalRig rig;
  rig.config.segment_bytes = 4096;
  rig.config.most_bytes = 20'000;
  auto journal = rig.open();
  for (int i = 0; i < 400; ++i) journal->accept(point(i % 2 ? "a" : "b"));
  journal->flush();
  const JournalHead head = journal->head();
  REQUIRE(head.oldest_seq > 1);
  JournalPages pages(rig.io, kJournalDir);
  const auto gaps = [&](const publish::Rights& rights) {
    return parse_json(*publish::answer_fetch(pages, {{"epoch", head.epoch}, {"after", 0u}}, head, rights)).value().at("gaps");
  };
  const Json everything = gaps(publish::Rights::all()), mine = gaps({false, {Right::kFetch}, {"a"}});
  REQUIRE(everything.size() == 1);
  CHECK(everything[0]["streams"].size() == 2);
  REQUIRE(mine.size() == 1);
  CHECK(mine[0]["streams"] == Json{{"a", everything[0]["streams"]["a"]}});
  CHECK(gaps({false, {Right::kFetch}, {"c"}}).empty());
}

TEST_CASE("events of one page are of one epoch, so that its gaps have their places among them") {
  JournalRig rig;
  std::string first;
  {
    auto journal = rig.open();
    first = journal->head().epoch;
    for (int i = 0; i < 5; ++i) journal->accept(point("a"));
  }
  auto journal = rig.open();
  for (int i = 0; i < 5; ++i) journal->accept(point("a"));
  journal->flush();
  JournalPages pages(rig.io, kJournalDir);
  FetchRequest request;
  const auto page = pages.fetch(request, journal->head());
  REQUIRE(page);
  CHECK_FALSE(page->complete);
  CHECK(page->next.epoch == first);
  REQUIRE(page->events.size() == 5);
  request.after = page->next;
  const auto next = pages.fetch(request, journal->head());
  REQUIRE(next);
  CHECK(next->complete);
  REQUIRE(next->events.size() == 5);
  CHECK(next->events.front().id.epoch == journal->head().epoch);
}

TEST_CASE("a segment that is seen before anything stands in it is looked at again") {
  JournalRig rig;
  auto journal = rig.open();
  const std::string epoch = journal->head().epoch;
  journal->accept(point("a"));
  journal->flush();
  const std::string path = rig.segments()[0], content = rig.io.content(path);
  rig.io.put(path, "");
  JournalPages pages(rig.io, kJournalDir);
  REQUIRE(pages.fetch(behind(epoch, 0), journal->head()));
  rig.io.put(path, content);
  const auto page = pages.fetch(behind(epoch, 0), journal->head());
  REQUIRE(page);
  CHECK(page->events.size() == 1);
}
