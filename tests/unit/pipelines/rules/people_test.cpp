// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {

TEST_CASE("a face appears, gets better at most every five seconds, and leaves") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.record.events.clear();
  bench.face("c1", 1, Phase::kStart, 1, 0.70);
  bench.face("c1", 2, Phase::kUpdate, 1, 0.72);
  bench.face("c1", 3, Phase::kUpdate, 1, 0.80);
  CHECK(bench.record.types() == Types{"face.appeared/start"});
  bench.run_until({"c1"}, 4, 7);
  REQUIRE(bench.record.types() == Types{"face.appeared/start", "face.updated/update"});
  CHECK(bench.record.events[1].data["score"] == 0.8);
  CHECK(bench.record.events[1].time == at(3));
  bench.face("c1", 8, Phase::kUpdate, 1, 0.84);
  bench.run_until({"c1"}, 9, 20);
  CHECK(bench.record.count("face.updated") == 1);
  bench.face("c1", 21, Phase::kUpdate, 1, 0.84, "");
  CHECK(bench.record.count("face.updated") == 2);
  bench.face("c1", 22, Phase::kEnd, 1, 0.84);
  CHECK(bench.record.events.back().type == "face.left");
  CHECK(bench.record.events.back().subject == bench.record.events.front().subject);
}

TEST_CASE("a person's track in infrared makes no event of its own") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  TrackObservation track;
  track.label = "person";
  bench.see("c1", 1, track);
  CHECK(bench.record.events.empty());
}

TEST_CASE("presence starts, changes at most every five seconds, and ends") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.record.events.clear();
  bench.presence("c1", 1, Presence::kUnknown, 0, "warm_up");
  bench.presence("c1", 3, Presence::kAbsent);
  bench.presence("c1", 4, Presence::kPresent, 1);
  bench.presence("c1", 5, Presence::kPresent, 2);
  bench.presence("c1", 6, Presence::kPresent, 1);
  bench.presence("c1", 7, Presence::kPresent, 3);
  bench.run_until({"c1"}, 8, 30);
  bench.presence("c1", 31, Presence::kAbsent);
  CHECK(bench.record.types() == Types{"presence.absent/point", "presence.started/start", "presence.updated/update", "presence.ended/end"});
  CHECK(bench.record.events[2].data["count"] == 3);
  CHECK(bench.record.events[3].data["state"] == "absent");
  CHECK(bench.record.events[1].subject == bench.record.events[3].subject);
}

TEST_CASE("a count that goes and comes back within five seconds is no update") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.presence("c1", 1, Presence::kPresent, 1);
  bench.presence("c1", 2, Presence::kPresent, 2);
  bench.presence("c1", 3, Presence::kPresent, 1);
  bench.run_until({"c1"}, 4, 20);
  CHECK(bench.record.types() == Types{"presence.started/start"});
}

TEST_CASE("a lost camera's presence goes on as unknown under the same subject, and its return raises nothing") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.presence("c1", 2, Presence::kPresent, 1);
  bench.face("c1", 3, Phase::kStart, 1);
  const std::string subject = bench.record.last("presence.started").subject;
  bench.down("c1", 20);
  CHECK(bench.record.last("face.appeared").data["end_reason"] == "camera_lost");
  CHECK(bench.record.last("presence.updated").data["state"] == "unknown");
  CHECK(bench.record.last("presence.updated").data["reason"] == "camera_offline");
  CHECK(bench.record.last("presence.updated").subject == subject);
  CHECK(bench.record.count("presence.ended") == 0);
  const std::size_t before = bench.record.events.size();
  bench.runs["c1"] = "second";
  bench.face("c1", 30, Phase::kUpdate, 1, 0.99);
  bench.up("c1", 31);
  bench.presence("c1", 31, Presence::kUnknown, 0, "warm_up");
  CHECK(bench.record.events.size() == before + 1);
  CHECK(bench.record.events.back().type == "camera.online");
  bench.presence("c1", 40, Presence::kPresent, 1);
  CHECK(bench.record.last("presence.updated").data["state"] == "present");
  CHECK(bench.record.last("presence.updated").subject == subject);
  CHECK(bench.record.count("presence.started") == 1);
}

TEST_CASE("a lost camera never says absent, whatever is observed of it") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.presence("c1", 1, Presence::kAbsent);
  bench.down("c1", 10);
  CHECK(bench.record.events.back().type == "presence.unknown");
  bench.presence("c1", 11, Presence::kAbsent);
  CHECK(bench.record.count("presence.absent") == 1);
  CHECK(bench.rules.state()["presences"][0]["state"] == "unknown");
  bench.up("c1", 12);
  CHECK(bench.record.events.back().type == "presence.absent");
}

TEST_CASE("a new run without an end of the old one closes its tracks") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.face("c1", 1, Phase::kStart, 1);
  bench.runs["c1"] = "second";
  bench.see("c1", 9, TickObservation{});
  CHECK(bench.record.events.back().type == "face.appeared");
  CHECK(bench.record.events.back().phase == Phase::kEnd);
  CHECK(bench.record.events.back().data["end_reason"] == "run_ended");
  bench.face("c1", 10, Phase::kStart, 1);
  CHECK(bench.record.count("face.appeared") == 3);
}

}  // namespace kanhu::rules::test
