// SPDX-License-Identifier: MIT
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {

namespace {

ClipRecord answer(const std::string& clip, ClipStatus status, const std::string& reason = "") {
  ClipRecord record;
  record.clip = clip;
  record.facility = "f1";
  record.source = "c1";
  record.status = status;
  record.reason = reason;
  record.parts = {"f1/2026/09/21/" + clip + ".mp4"};
  record.sha256 = {to_hex(sha256("clip"))};
  record.bytes = 4096;
  record.from = at(5);
  record.to = at(25);
  return record;
}

}  // namespace

TEST_CASE("a flagged incident's clip begins before it, grows with it and ends after it") {
  Bench bench(config({facility("f1", {camera("c1", {"face.appeared"})})}));
  bench.up("c1", 0);
  bench.face("c1", 10, Phase::kStart, 1);
  REQUIRE(bench.record.requests.size() == 1);
  const ClipRequest first = bench.record.requests[0];
  CHECK(first.from == at(5));
  CHECK(first.to == at(15));
  CHECK(bench.record.last("face.appeared").data["clip"]["id"] == first.clip);
  CHECK(bench.record.last("face.appeared").data["clip"]["status"] == "pending");
  CHECK(bench.record.events_before_request[0] == bench.record.events.size());
  bench.run_until({"c1"}, 11, 20);
  CHECK(bench.record.requests.size() == 11);
  CHECK(bench.record.requests.back().to == at(25));
  bench.face("c1", 20.5, Phase::kEnd, 1);
  CHECK(bench.record.requests.back().to == at(25.5));
  bench.run_until({"c1"}, 21, 30);
  CHECK(bench.record.requests.back().to == at(25.5));
  for (const ClipRequest& each : bench.record.requests) CHECK(each.clip == first.clip);

  bench.rules.clip(answer(first.clip, ClipStatus::kComplete), at(31));
  const EventDraft& updated = bench.record.last("clip.updated");
  CHECK(updated.subject == first.subject);
  CHECK(updated.data["clip"]["status"] == "complete");
  CHECK(updated.data["clip"]["sha256"][0] == to_hex(sha256("clip")));
  bench.rules.clip(answer(first.clip, ClipStatus::kComplete), at(32));
  CHECK(bench.record.count("clip.updated") == 1);
}

TEST_CASE("a clip is never longer than its longest length") {
  Bench bench(config({facility("f1", {camera("c1", {"face.appeared"})})}));
  bench.up("c1", 0);
  bench.face("c1", 10, Phase::kStart, 1);
  bench.run_until({"c1"}, 11, 200);
  CHECK(bench.record.requests.back().to == at(65));
}

TEST_CASE("one clip serves several incidents of a camera, and its answer reaches each of them") {
  Bench bench(config({facility("f1", {camera("c1", {"face.appeared", "presence.started"})})}));
  bench.up("c1", 0);
  bench.face("c1", 10, Phase::kStart, 1);
  bench.presence("c1", 12, Presence::kPresent, 1);
  const std::string clip = bench.record.requests[0].clip;
  CHECK(bench.record.last("presence.started").data["clip"]["id"] == clip);
  bench.face("c1", 13, Phase::kEnd, 1);
  bench.presence("c1", 14, Presence::kAbsent);
  bench.face("c1", 22, Phase::kStart, 2);  // the clip ends at 19 s, this one would begin at 17 s
  CHECK(bench.record.last("face.appeared").data["clip"]["id"] == clip);
  bench.rules.clip(answer(clip, ClipStatus::kPartial, "ring_overflow"), at(40));
  CHECK(bench.record.count("clip.updated") == 3);
  CHECK(bench.record.last("clip.updated").data["severity"] == "warning");
  bench.face("c1", 41, Phase::kStart, 3);
  CHECK(bench.record.last("face.appeared").data["clip"]["id"] != clip);
}

TEST_CASE("a camera without recording says at once that the clip is missing") {
  CameraConfig silent = camera("c1", {"face.appeared"});
  silent.record.reset();
  Bench bench(config({facility("f1", {silent})}));
  bench.up("c1", 0);
  bench.face("c1", 10, Phase::kStart, 1);
  CHECK(bench.record.requests.empty());
  CHECK(bench.record.last("face.appeared").data["clip"] == Json{{"status", "missing"}, {"reason", "not_recorded"}});
  bench.face("c1", 12, Phase::kEnd, 1);
  CHECK(bench.record.last("face.left").data["clip"]["status"] == "missing");
}

TEST_CASE("a recorder that never answers is missing(no_answer), and a late answer corrects it") {
  Bench bench(config({facility("f1", {camera("c1", {"face.appeared"})})}));
  bench.rules.advance(at(0));
  bench.up("c1", 0);
  bench.face("c1", 10, Phase::kStart, 1);
  bench.face("c1", 12, Phase::kEnd, 1);
  bench.run_until({"c1"}, 13, 104);
  CHECK(bench.record.count("clip.updated") == 0);
  bench.run_until({"c1"}, 105, 106);
  REQUIRE(bench.record.count("clip.updated") == 1);
  CHECK(bench.record.last("clip.updated").data["clip"]["reason"] == "no_answer");
  bench.rules.clip(answer(bench.record.requests[0].clip, ClipStatus::kComplete), at(120));
  CHECK(bench.record.last("clip.updated").data["clip"]["status"] == "complete");
  CHECK(bench.rules.state()["clips"][bench.record.requests[0].clip]["status"] == "complete");
}

TEST_CASE("a clock that is set forward makes no clip that is being written missing, and one set back does not wait for it longer") {
  for (const double step : {86'400.0, -86'400.0}) {
    Bench bench(config({facility("f1", {camera("c1", {"face.appeared"})})}));
    bench.rules.steady(at(0));
    bench.rules.advance(at(0));
    bench.up("c1", 0);
    bench.face("c1", 10, Phase::kStart, 1);
    bench.face("c1", 12, Phase::kEnd, 1);
    for (double s = 13; s < 95; s += 1) {
      bench.rules.steady(at(s));
      bench.rules.advance(at(s + step));
    }
    CHECK(bench.record.count("clip.updated") == 0);
    for (double s = 95; s <= 106; s += 1) {
      bench.rules.steady(at(s));
      bench.rules.advance(at(s + step));
    }
    REQUIRE(bench.record.count("clip.updated") == 1);
    CHECK(bench.record.last("clip.updated").data["clip"]["reason"] == "no_answer");
  }
}

TEST_CASE("a restart ends what was open once, and a pending clip still finds its subjects") {
  const ConfigPtr made = config({facility("f1", {camera("c1", {"face.appeared", "presence.started"})})});
  Bench before(made);
  before.up("c1", 0);
  before.face("c1", 10, Phase::kStart, 1);
  before.presence("c1", 11, Presence::kPresent, 1);
  before.down("c1", 20);
  const Json open = before.rules.open_incidents();

  Record record;
  Rules rules(made, record);
  rules.restore(open, at(60));
  Types types = record.types();
  std::sort(types.begin(), types.end());
  CHECK(types == Types{"camera.offline/end", "presence.started/end"});
  for (const EventDraft& each : record.events) CHECK(each.data["end_reason"] == "gateway_restarted");
  CHECK(record.last("presence.started").data["state"] == "unknown");
  CHECK(record.last("presence.started").subject == before.record.last("presence.started").subject);
  const auto pending = rules.pending_clips();
  REQUIRE(pending.size() == 1);
  CHECK(pending[0].clip == before.record.requests[0].clip);
  CHECK(pending[0].from == at(5));
  CHECK(pending[0].to == before.record.requests.back().to);
  CHECK(pending[0].run == "run-c1");
  rules.clip(answer(pending[0].clip, ClipStatus::kPartial, "gateway_restarted"), at(61));
  CHECK(record.count("clip.updated") == 2);
  CHECK(rules.open_incidents().empty());
}

TEST_CASE("a restart understands whole event bodies, and an end is never before its start") {
  const ConfigPtr made = config({facility("f1", {camera("c1", {"face.appeared"})})});
  Bench before(made);
  before.face("c1", 10, Phase::kStart, 1);
  Json open = Json::array();
  for (const std::string& body : bodies(before.record)) open.push_back(Json::parse(body));
  Record record;
  Rules rules(made, record);
  rules.restore(open, at(3));
  REQUIRE(record.types() == Types{"face.appeared/end"});
  CHECK(record.events[0].time == at(10));
  REQUIRE(rules.pending_clips().size() == 1);
  CHECK(rules.pending_clips()[0].from == at(5));
  // The same as the journal tells it: columns, data, and what its snapshot kept.
  const EventDraft& start = before.record.events[0];
  Record told;
  Rules again(made, told);
  again.restore(Json::array({Json{{"subject", start.subject},
                                  {"type", start.type},
                                  {"facility", start.facility},
                                  {"source", start.source},
                                  {"time", format_utc(start.time)},
                                  {"data", start.data},
                                  {"kept", Json{{"subject", start.subject}, {"time", format_utc(at(12))}}}}}),
                at(3));
  REQUIRE(told.types() == Types{"face.appeared/end"});
  CHECK(told.events[0].time == at(12));
  CHECK(told.events[0].data["zone"] == "hall");
  CHECK(again.pending_clips().size() == 1);

  rules.restore(Json::array({Json{{"type", "from.the.future"}, {"subject", "x"}}, Json(7), Json::object()}), at(4));
  CHECK(record.events.size() == 1);
}

TEST_CASE("a changed configuration ends the incidents of what went, a stop ends all") {
  Bench bench(config({facility("f1", {camera("c1"), camera("c2")})}));
  bench.presence("c1", 1, Presence::kPresent, 1);
  bench.presence("c2", 1, Presence::kPresent, 1);
  bench.rules.reconfigure(config({facility("f1", {camera("c1"), camera("c3")})}), at(10));
  CHECK(bench.record.events.back().phase == Phase::kEnd);
  CHECK(bench.record.events.back().source == "c2");
  CHECK(bench.record.events.back().data["end_reason"] == "config_changed");
  CHECK(bench.rules.state()["cameras"].contains("c3"));
  bench.rules.finish(at(20), "gateway_stopped");
  CHECK(bench.record.count("presence.ended") == 0);
  int ends = 0;
  for (const EventDraft& each : bench.record.events) {
    if (each.phase != Phase::kEnd) continue;
    ++ends;
    CHECK(each.type == "presence.started");
    CHECK(each.data["state"] == "unknown");
  }
  CHECK(ends == 3);  // of c2, c1, and of the zone that two cameras watch
  CHECK(bench.rules.open_incidents().empty());
}

TEST_CASE("a camera's clock that is set while a clip runs moves neither its end nor its length") {
  const auto step = GENERATE(seconds(4), seconds(-4));
  Bench bench(config({facility("f1", {camera("c1", {"face.appeared"})})}));
  seconds offset{1};
  bench.adjust = [&](Observation& observation) {
    observation.arrived = observation.time;
    observation.clock = ClockSource::kRtcp;
    observation.clock_offset = offset;
    observation.time += offset;
  };
  bench.up("c1", 0);
  bench.face("c1", 10, Phase::kStart, 1);
  CHECK(bench.record.requests.back().from == at(6));  // in the camera's clock, which is 1 s ahead
  CHECK(bench.record.requests.back().offset == seconds(1));
  offset += step;
  bench.run_until({"c1"}, 11, 20);
  bench.face("c1", 20.5, Phase::kEnd, 1);
  CHECK(bench.record.requests.back().to == at(26.5));  // 5 s after the end, by arrival
  CHECK(bench.record.requests.back().offset == seconds(1));
}

TEST_CASE("a camera whose clock is years off, and is not believed, does not move the gateway's time") {
  Bench bench(config({facility("f1", {camera("c1"), camera("c2")})}));
  bench.rules.advance(at(0));
  bench.up("c1", 0);
  bench.presence("c1", 1, Presence::kPresent, 1);
  bench.adjust = [](Observation& observation) {
    observation.arrived = observation.time;
    observation.clock_offset = -std::chrono::hours(24 * 365);
  };
  bench.see("c2", 2, TickObservation{});
  bench.rules.worker_lost({"c1"}, at(3), "killed");
  CHECK(bench.record.events.back().data["state"] == "unknown");
  CHECK(bench.record.events.back().time <= at(60));
}

}  // namespace kanhu::rules::test
