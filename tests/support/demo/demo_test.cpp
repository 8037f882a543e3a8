// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "tests/support/demo/expectations.hpp"
#include "tests/support/demo/ledger.hpp"
#include "tests/support/demo/stage.hpp"

using namespace kanhu;
using namespace kanhu::demo;

namespace {

// A gateway whose events a test can withhold, repeat or change on their way to journal and socket.
struct Story {
  Ledger ledger;
  std::string epoch = "aaaa";
  std::uint64_t seq = 0, stream_seq = 0;

  struct Told {
    publish::LiveMessage live;
    journal::JournalRecord record;
  };

  Told make(const std::string& type, const std::string& phase, const std::string& subject, const Json& more = Json::object()) {
    Json data = more;
    data["phase"] = phase;
    const std::string source = more.value("source", "gate");
    const EventId id{epoch, ++seq, ++stream_seq};
    const std::string body = canonical_json({{"id", id.text()}, {"type", "kanhu." + type}, {"subject", subject}, {"data", data}});
    Told told;
    told.live = {fmt::format("kanhu1/f1/{}/{}/", source, type), {{"epoch", epoch}, {"seq", seq}, {"stream_seq", stream_seq}}, body};
    told.record = {id, "f1", {}, body, source, type};
    return told;
  }
  void live(const Told& told) { REQUIRE(ledger.received(told.live)); }
  void journal(const Told& told) { REQUIRE(ledger.journalled(told.record)); }
  void tell(const std::string& type, const std::string& phase, const std::string& subject, const Json& more = Json::object()) {
    const Told told = make(type, phase, subject, more);
    live(told);
    journal(told);
  }
  void only_journal(const std::string& type, const std::string& phase, const std::string& subject, const Json& more = Json::object()) {
    journal(make(type, phase, subject, more));
  }
  void head(const Json& previous = nullptr) {
    const Json body{{"epoch", epoch}, {"facility", "f1"}, {"stream_seq", stream_seq}, {"previous", previous}};
    REQUIRE(ledger.received({"kanhu1/f1/-/head/", {{"epoch", epoch}, {"seq", seq}, {"stream_seq", stream_seq}}, body.dump()}));
  }
  void kill_and_restart(const std::string& next) {
    ledger.killed();
    epoch = next;
    seq = stream_seq = 0;
  }
  Json last_numbers() const { return {{"epoch", epoch}, {"seq", seq}, {"stream_seq", stream_seq}}; }
};

bool mentions(const Account& account, const std::string& text) {
  for (const std::string& problem : account.problems) {
    if (problem.find(text) != std::string::npos) return true;
  }
  return false;
}

const Json kPending{{"clip", {{"id", "c1"}, {"status", "pending"}}}};

}  // namespace

TEST_CASE("An undisturbed run is accounted for without a problem") {
  Story story;
  story.tell("face.appeared", "start", "s1", kPending);
  story.tell("face.left", "end", "s1", kPending);
  story.tell("clip.updated", "point", "s1", {{"clip", {{"id", "c1"}, {"status", "complete"}}}});
  const Account account = story.ledger.account(true);
  CHECK(account.problems == std::vector<std::string>());
  CHECK(account.journalled == 3);
  CHECK(account.live == 3);
  CHECK(account.lost == 0);
  CHECK(account.repeated == 0);
  CHECK(account.clips_complete == 1);
}

TEST_CASE("An event that is in the journal and was not received between two others is lost") {
  Story story;
  story.tell("presence.absent", "point", "s1");
  story.only_journal("presence.unknown", "point", "s2");
  story.tell("presence.absent", "point", "s3");
  const Account account = story.ledger.account(true);
  CHECK(account.lost == 1);
  CHECK(mentions(account, "presence.unknown"));
}

TEST_CASE("An event behind the last one received is lost when the gateway ended in order") {
  Story story;
  story.tell("presence.absent", "point", "s1");
  story.only_journal("presence.unknown", "point", "s2");
  CHECK(story.ledger.account(true).lost == 1);
}

TEST_CASE("A head that counts further than what was received shows the loss") {
  Story story;
  story.tell("presence.absent", "point", "s1");
  const auto withheld = story.make("presence.unknown", "point", "s2");
  story.journal(withheld);
  story.head();
  story.kill_and_restart("bbbb");
  CHECK(story.ledger.account(true).lost == 1);
}

TEST_CASE("An event that was received and is not in the journal is lost to the auditor") {
  Story story;
  story.live(story.make("presence.absent", "point", "s1"));
  const Account account = story.ledger.account(true);
  CHECK(account.lost == 1);
  CHECK(mentions(account, "the journal does not have it"));
}

TEST_CASE("A number that the journal skips is a loss") {
  Story story;
  story.tell("presence.absent", "point", "s1");
  ++story.seq;
  story.tell("presence.unknown", "point", "s2");
  const Account account = story.ledger.account(true);
  CHECK(account.lost == 1);
  CHECK(mentions(account, "number 3 follows 1"));
}

TEST_CASE("An event delivered twice is a repetition, with other bytes a contradiction") {
  Story story;
  const auto told = story.make("presence.absent", "point", "s1");
  story.journal(told);
  story.live(told);
  story.live(told);
  CHECK(story.ledger.account(true).repeated == 1);
  auto other = told;
  other.live.payload = canonical_json({{"subject", "s9"}, {"data", {{"phase", "point"}}}});
  story.live(other);
  const Account account = story.ledger.account(true);
  CHECK(account.repeated == 2);
  CHECK(mentions(account, "two different events"));
}

TEST_CASE("A start without an end is a problem only after an orderly stop") {
  Story story;
  story.tell("presence.started", "start", "s1");
  CHECK(story.ledger.account(false).problems.empty());
  CHECK(mentions(story.ledger.account(true), "presence.started of f1/gate (seq 1) has no end"));
}

TEST_CASE("A second start and a second end of one incident are repetitions, also across epochs") {
  Story story;
  story.tell("presence.started", "start", "s1");
  story.tell("presence.ended", "end", "s1");
  const Json previous = story.last_numbers();
  story.kill_and_restart("bbbb");
  story.head(previous);
  story.tell("presence.ended", "end", "s1");
  story.tell("presence.started", "start", "s1");
  const Account account = story.ledger.account(false);
  CHECK(account.repeated == 2);
  CHECK(mentions(account, "ends a second time"));
  CHECK(mentions(account, "starts a second time"));
}

TEST_CASE("An end without a start is a problem") {
  Story story;
  story.tell("presence.ended", "end", "s1");
  CHECK(mentions(story.ledger.account(true), "ends what never started"));
}

TEST_CASE("What is journalled around a kill belongs to the gap of the restart and is not lost") {
  Story story;
  story.only_journal("gateway.started", "start", "g1");  // before the subscriber was connected
  story.tell("face.appeared", "start", "s1", kPending);
  story.only_journal("presence.started", "start", "s2");  // written, then killed before it was sent
  const Json previous = story.last_numbers();
  story.kill_and_restart("bbbb");
  for (const char* subject : {"g1", "s1", "s2"}) story.only_journal("some.end", "end", subject, {{"end_reason", "gateway_restarted"}});
  story.only_journal("clip.updated", "point", "s1", {{"clip", {{"id", "c1"}, {"status", "partial"}, {"reason", "gateway_restarted"}}}});
  story.head(previous);
  story.tell("presence.absent", "point", "s3");
  const Account account = story.ledger.account(true);
  CHECK(account.problems == std::vector<std::string>());
  CHECK(account.before_connecting == 1);
  CHECK(account.in_restart_gap == 5);
  CHECK(account.live == 2);
  CHECK(account.lost == 0);
  CHECK(account.clips_partial.at("gateway_restarted") == 1);
}

TEST_CASE("An epoch without a kill before it excuses nothing") {
  Story story;
  story.tell("presence.absent", "point", "s1");
  const Json previous = story.last_numbers();
  story.epoch = "bbbb";
  story.seq = story.stream_seq = 0;
  story.only_journal("presence.absent", "point", "s2");
  story.head(previous);
  CHECK(story.ledger.account(true).lost == 1);
}

TEST_CASE("A head whose previous numbers are not those of the journal is found out") {
  Story story;
  story.tell("presence.absent", "point", "s1");
  Json previous = story.last_numbers();
  previous["stream_seq"] = 7;
  story.kill_and_restart("bbbb");
  story.head(previous);
  CHECK(mentions(story.ledger.account(true), "other last numbers"));
}

TEST_CASE("A clip still pending after the stop, or partial without a reason, is a problem") {
  Story story;
  story.tell("face.appeared", "start", "s1", kPending);
  story.tell("face.left", "end", "s1", kPending);
  CHECK(story.ledger.account(false).problems.empty());
  CHECK(mentions(story.ledger.account(true), "clip c1 of f1/gate is still pending"));
  story.tell("clip.updated", "point", "s1", {{"clip", {{"id", "c1"}, {"status", "partial"}}}});
  CHECK(mentions(story.ledger.account(true), "partial without a reason"));
}

TEST_CASE("Expectations count from the step that waited for them, and fail when nothing happened") {
  Story story;
  story.tell("gateway.started", "start", "g1");
  for (const Check& check : judge(story.ledger.events(), {Step::kBegin, ""})) CHECK(check.verdict != Verdict::kFalse);
  std::size_t failed = 0;
  const auto checks = judge(story.ledger.events(), {Step::kDone, ""});
  for (const Check& check : checks) failed += check.verdict == Verdict::kFalse ? 1 : 0;
  CHECK(failed == checks.size() - 2);  // no event lacks its clip, and none is unplanned
}

TEST_CASE("A face in the hall after its camera came back is not accepted") {
  const auto verdict_of = [](bool with_face) {
    Story story;
    const Json hall{{"source", "hall"}};
    story.tell("camera.offline", "start", "o1", hall);
    story.tell("camera.online", "end", "o1", {{"source", "hall"}, {"end_reason", "recovered"}});
    if (with_face) story.tell("face.appeared", "start", "s1", hall);
    for (const Check& check : judge(story.ledger.events(), {Step::kVisitor, ""})) {
      if (check.words.find("its return raised no presence") != std::string::npos) return check.verdict;
    }
    return Verdict::kNotReached;
  };
  CHECK(verdict_of(false) == Verdict::kTrue);
  CHECK(verdict_of(true) == Verdict::kFalse);
}

TEST_CASE("A frozen camera that nobody froze is told") {
  Story story;
  story.tell("camera.offline", "start", "o1", {{"source", "hall"}});
  CHECK(judge(story.ledger.events(), {Step::kBegin, ""}).back().verdict == Verdict::kTrue);
  story.tell("camera.frozen", "start", "z1", {{"source", "rest"}});
  const Check check = judge(story.ledger.events(), {Step::kBegin, ""}).back();
  CHECK(check.verdict == Verdict::kFalse);
  CHECK(check.detail == "1 times camera.frozen rest");
}

TEST_CASE("Whoever was enrolled must be recognized when coming again, and nobody else") {
  const auto verdicts_of = [](const std::string& stranger, const std::string& again) {
    const auto seen_as = [](const std::string& ref) {
      Json data{{"source", "entrance"}};
      if (!ref.empty()) data["person"] = {{"decision", "recognized"}, {"person_ref", ref}, {"score", 0.9}, {"threshold", 0.8}};
      return data;
    };
    Story story;
    story.tell("face.appeared", "start", "s1", seen_as(stranger));
    story.kill_and_restart("bbbb");
    story.tell("face.appeared", "start", "s2", seen_as(""));
    story.tell("face.updated", "update", "s2", seen_as(again));
    std::string words;
    for (const Check& check : judge(story.ledger.events(), {Step::kDone, "", true, "ref1"})) {
      for (const char* what : {"was enrolled", "is recognized on", "no other person"}) {
        if (check.words.find(what) != std::string::npos) words += check.verdict == Verdict::kTrue ? "yes " : "no ";
      }
    }
    return words;
  };
  CHECK(verdicts_of("", "ref1") == "yes yes yes ");
  CHECK(verdicts_of("", "") == "yes no yes ");
  CHECK(verdicts_of("", "ref2") == "yes no no ");
  CHECK(verdicts_of("ref1", "ref1") == "yes yes no ");
}

TEST_CASE("The plan waits for what a step must cause, and goes on when its patience is over") {
  using std::chrono::seconds;
  Plan plan;
  const Events nothing;
  CHECK(plan.due(seconds(100), nothing) == nullptr);  // not begun
  plan.begin(seconds(100));
  CHECK(plan.due(seconds(100), nothing) == nullptr);
  REQUIRE(plan.due(seconds(103), nothing) != nullptr);
  REQUIRE(plan.due(seconds(105), nothing) != nullptr);
  CHECK(plan.reached() == Step::kHeatIn);
  CHECK(plan.due(seconds(112), nothing) == nullptr);  // nobody was seen at the entrance yet
  Story story;
  story.tell("face.appeared", "start", "s1", {{"source", "entrance"}});
  CHECK(Plan(plan).due(seconds(112), story.ledger.events()) != nullptr);
  REQUIRE(plan.due(seconds(113), nothing) != nullptr);
  CHECK(plan.reached() == Step::kFaceOut);
}

TEST_CASE("The demo's configuration gets real ports and its own folder, and a missing line is named") {
  const std::string text =
      "gateway:\n  data_dir: ../run/demo  # relative\n  secrets_dir: ../run/demo/secrets\n\npublish:\n  live: tcp://127.0.0.1:5556\n"
      "  query: tcp://127.0.0.1:5557\ncameras: \"rtsp://127.0.0.1:8554/a\" \"rtsp://127.0.0.1:8554/b\"\n";
  const auto staged = stage_config(text, {1001, 1002, 1003, 1004});
  REQUIRE(staged);
  CHECK(*staged ==
        "gateway:\n  data_dir: .  # relative\n  secrets_dir: ./secrets\n\nmetrics:\n  listen: 127.0.0.1:1004\n\npublish:\n"
        "  live: tcp://127.0.0.1:1002\n  query: tcp://127.0.0.1:1003\n"
        "cameras: \"rtsp://127.0.0.1:1001/a\" \"rtsp://127.0.0.1:1001/b\"\n");
  const auto refused = stage_config("gateway:\n  data_dir: elsewhere\n", {1, 2, 3, 4});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("data_dir: ../run/demo") != std::string::npos);
}
