// SPDX-License-Identifier: MIT
#include "pipelines/sense/inbox.hpp"

#include <string>

#include <catch2/catch.hpp>

namespace kanhu::sense {
namespace {

using namespace std::chrono_literals;

void put(Inbox& inbox, const std::string& topic, const std::string& payload) { inbox.put("b", topic, payload, false, {}, {}); }

}  // namespace

TEST_CASE("of temperature pictures the newest is kept, and what it overtook is counted") {
  Inbox inbox;
  inbox.expect("b", "array", Keep::kNewest, 100);
  for (int i = 0; i < 10'000; ++i) put(inbox, "array", std::to_string(i));
  const auto batch = inbox.take(0s);
  REQUIRE(batch.messages.size() == 1);
  CHECK(batch.messages[0].payload == "9999");
  CHECK(inbox.take(0s).empty());
  CHECK(inbox.counts().at({"b", "array"}).messages == 10'000);
  CHECK(inbox.counts().at({"b", "array"}).overtaken == 9'999);
}

TEST_CASE("changes of a state are kept in order, the newest 64 of a flood") {
  Inbox inbox;
  inbox.expect("b", "door", Keep::kEach, 100);
  put(inbox, "door", "open");
  put(inbox, "door", "closed");
  CHECK(inbox.take(0s).messages.at(0).payload == "open");
  CHECK(inbox.take(0s).messages.at(0).payload == "closed");
  for (int i = 0; i < 1000; ++i) put(inbox, "door", std::to_string(i));
  CHECK(inbox.take(0s).messages.at(0).payload == std::to_string(1000 - Inbox::kMostKept));
  CHECK(inbox.counts().at({"b", "door"}).overtaken == 1000 - Inbox::kMostKept);
}

TEST_CASE("a flood on one topic leaves the others their turn") {
  Inbox inbox;
  inbox.expect("b", "flood", Keep::kEach, 100);
  inbox.expect("b", "good", Keep::kEach, 100);
  put(inbox, "good", "1");
  for (int i = 0; i < 5000; ++i) put(inbox, "flood", "x");
  put(inbox, "good", "2");
  int good = 0;
  for (int turn = 0; turn < 2; ++turn)
    for (const Delivery& one : inbox.take(0s).messages) good += one.topic == "good" ? 1 : 0;
  CHECK(good == 2);
  CHECK(inbox.counts().at({"b", "good"}).overtaken == 0);
}

TEST_CASE("what is too large is known by its length alone") {
  Inbox inbox;
  inbox.expect("b", "array", Keep::kNewest, 10);
  put(inbox, "array", std::string(11, 'x'));
  const auto batch = inbox.take(0s);
  CHECK(batch.messages.at(0).payload.empty());
  CHECK(batch.messages.at(0).bytes == 11);
}

TEST_CASE("a topic nobody expects is dropped") {
  Inbox inbox;
  inbox.expect("b", "array", Keep::kNewest, 10);
  put(inbox, "other", "x");
  inbox.put("c", "array", "x", false, {}, {});
  CHECK(inbox.take(0s).empty());
  inbox.forget("b");
  put(inbox, "array", "x");
  CHECK(inbox.take(0s).empty());
}

TEST_CASE("a lost broker takes its waiting messages with it, and only the last word on it is told") {
  Inbox inbox;
  inbox.expect("b", "array", Keep::kNewest, 10);
  inbox.note({"b", "", std::nullopt});
  put(inbox, "array", "old");
  inbox.note({"b", "", Error{ErrorKind::kEndOfStream, "gone"}});
  const auto batch = inbox.take(0s);
  CHECK(batch.messages.empty());
  REQUIRE(batch.notes.size() == 1);
  CHECK(batch.notes[0].why);
}

TEST_CASE("two sensors on one topic both get what they need") {
  Inbox inbox;
  inbox.expect("b", "both", Keep::kEach, 10);
  inbox.expect("b", "both", Keep::kNewest, 100);
  put(inbox, "both", "1");
  put(inbox, "both", std::string(50, '2'));
  CHECK(inbox.take(0s).messages.at(0).payload == "1");
  CHECK(inbox.take(0s).messages.at(0).payload.size() == 50);
}

}  // namespace kanhu::sense
