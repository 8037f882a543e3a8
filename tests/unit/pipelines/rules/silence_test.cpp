// SPDX-License-Identifier: MIT
// What the silence of a source means: whoever looks for faces or motion never says, and never helps to say, that nobody is there.
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {
namespace {

const EventDraft& newest_of(const Bench& bench, const std::string& source) {
  for (auto it = bench.record.events.rbegin(); it != bench.record.events.rend(); ++it)
    if (it->source == source) return *it;
  throw std::runtime_error("no event of " + source);
}

CameraConfig motion_sensor(const std::string& id) {
  CameraConfig made = camera(id);
  made.main.reset();
  made.record.reset();
  made.sensor = SensorConfig{};
  made.sensor->kind = SensorKind::kPir;
  made.detector.name = "none";
  return made;
}

}  // namespace

TEST_CASE("a camera that looks for faces never says absent, whatever reaches the rules") {
  Bench bench(config({facility("f1", {face_camera("c1")})}));
  bench.up("c1", 0);
  bench.presence("c1", 1, Presence::kAbsent);
  bench.presence("c1", 5, Presence::kPresent, 1);
  bench.presence("c1", 20, Presence::kAbsent);
  bench.presence("c1", 21, Presence::kUnknown, 0, "no_face");
  CHECK(bench.record.count("presence.absent") == 0);
  CHECK(presence_of(bench, "c1")["state"] == "unknown");
  CHECK(presence_of(bench, "c1")["reason"] == "no_face");
  const EventDraft& end = bench.record.last("presence.ended");
  CHECK(end.data["end_reason"] == "no_face");
  CHECK(end.data["state"] == "unknown");
  CHECK(end.data["reason"] == "no_face");
  CHECK(bench.record.count("presence.ended") == 1);
}

TEST_CASE("a face camera that is lost and comes back to an empty picture ends what was open, and says nothing of absence") {
  Bench bench(config({facility("f1", {face_camera("c1")})}));
  bench.up("c1", 0);
  bench.presence("c1", 1, Presence::kPresent, 1);
  bench.rules.worker_lost({"c1"}, at(10), "killed");
  CHECK(bench.record.last("presence.updated").data["reason"] == "not_analysed");
  bench.runs["c1"] = "second";
  bench.up("c1", 12);
  bench.presence("c1", 12, Presence::kUnknown, 0, "starting");
  CHECK(bench.record.count("presence.ended") == 0);
  bench.presence("c1", 20, Presence::kUnknown, 0, "no_face");
  CHECK(bench.record.last("presence.ended").data["end_reason"] == "no_face");
  CHECK(bench.record.last("presence.ended").subject == bench.record.last("presence.started").subject);
}

TEST_CASE("what a face camera found while it counted as lost takes effect on its return") {
  Bench bench(config({facility("f1", {face_camera("c1")})}));
  bench.up("c1", 0);
  bench.presence("c1", 1, Presence::kPresent, 1);
  bench.down("c1", 10);
  bench.presence("c1", 11, Presence::kUnknown, 0, "no_face");
  CHECK(bench.record.count("presence.ended") == 0);
  bench.up("c1", 12);
  CHECK(bench.record.last("presence.ended").data["end_reason"] == "no_face");
}

TEST_CASE("in a zone that is watched by faces and motion alone nobody is ever absent, and its occupancy is not covered") {
  auto one = facility("f1", {face_camera("c1"), face_camera("c2"), motion_sensor("pir")});
  one.occupancy_every = seconds(60);
  Bench bench(config({one}));
  const double start = 60 - static_cast<double>(to_microseconds(at(0)) % 60'000'000) / 1e6;  // the next full minute
  for (const char* id : {"c1", "c2", "pir"}) bench.up(id, start);
  bench.rules.advance(at(start));
  bench.presence("c1", start + 1, Presence::kAbsent);
  bench.presence("c2", start + 1, Presence::kUnknown, 0, "no_face");
  bench.presence("pir", start + 1, Presence::kUnknown, 0, "no_motion");
  bench.run_until({"c1", "c2", "pir"}, start + 2, start + 60);
  CHECK(bench.record.count("presence.absent") == 0);
  const Json& sample = bench.record.last("occupancy.sampled").data;
  CHECK(sample["state"] == "unknown");
  CHECK(sample["reason"] == "no_face");
  CHECK(sample["coverage"] == 0);
  CHECK_FALSE(sample.contains("count"));
  bench.presence("c1", start + 61, Presence::kPresent, 1);
  CHECK(newest_of(bench, "-").type == "presence.started");
  bench.presence("c1", start + 90, Presence::kUnknown, 0, "no_face");
  CHECK(newest_of(bench, "-").type == "presence.ended");
  CHECK(newest_of(bench, "-").data["end_reason"] == "no_face");
  CHECK(newest_of(bench, "-").data["state"] == "unknown");
}

TEST_CASE("faces add somebody to a zone that warmth says is empty, and their silence takes nobody away") {
  Bench bench(config({facility("f1", {face_camera("face"), camera("warm")})}));
  bench.up("face", 0);
  bench.up("warm", 0);
  bench.presence("face", 1, Presence::kUnknown, 0, "no_face");
  CHECK(presence_of(bench, "-")["state"] == "unknown");
  bench.presence("warm", 1, Presence::kAbsent);
  CHECK(newest_of(bench, "-").type == "presence.absent");
  bench.presence("warm", 2, Presence::kPresent, 3);
  bench.presence("face", 3, Presence::kPresent, 1);
  bench.presence("face", 9, Presence::kUnknown, 0, "no_face");
  CHECK(presence_of(bench, "-")["state"] == "present");
  CHECK(presence_of(bench, "-")["count"] == 3);
  bench.presence("warm", 10, Presence::kUnknown, 0, "too_warm");
  CHECK(newest_of(bench, "-").data["state"] == "unknown");
  CHECK(newest_of(bench, "-").data["reason"] == "too_warm");
  CHECK(newest_of(bench, "-").phase == Phase::kUpdate);
  bench.presence("warm", 20, Presence::kAbsent);
  CHECK(newest_of(bench, "-").data["end_reason"] == "left");
}

TEST_CASE("a zone of faces stays open as unknown while one of its cameras is away, and ends when that one sees nobody") {
  Bench bench(config({facility("f1", {face_camera("c1"), face_camera("c2")})}));
  bench.up("c1", 0);
  bench.up("c2", 0);
  bench.presence("c2", 1, Presence::kUnknown, 0, "no_face");
  bench.presence("c1", 1, Presence::kPresent, 1);
  bench.down("c1", 10);
  CHECK(newest_of(bench, "-").phase == Phase::kUpdate);
  CHECK(newest_of(bench, "-").data["reason"] == "camera_offline");
  bench.up("c1", 20);
  bench.presence("c1", 25, Presence::kUnknown, 0, "no_face");
  CHECK(newest_of(bench, "-").data["end_reason"] == "no_face");
}

TEST_CASE("a zone that was empty is unknown once only faces watch it") {
  Bench bench(config({facility("f1", {face_camera("c1"), face_camera("c2"), camera("warm")})}));
  for (const char* id : {"c1", "c2", "warm"}) bench.up(id, 0);
  bench.presence("c1", 1, Presence::kUnknown, 0, "no_face");
  bench.presence("c2", 1, Presence::kUnknown, 0, "no_face");
  bench.presence("warm", 2, Presence::kAbsent);
  REQUIRE(newest_of(bench, "-").type == "presence.absent");
  bench.rules.reconfigure(config({facility("f1", {face_camera("c1"), face_camera("c2")})}), at(5));
  CHECK(newest_of(bench, "-").type == "presence.unknown");
  CHECK(newest_of(bench, "-").data["reason"] == "no_face");
}

TEST_CASE("a camera whose detector is taken away ends what it said of presence") {
  Bench bench(config({facility("f1", {face_camera("c1")})}));
  bench.up("c1", 0);
  bench.presence("c1", 1, Presence::kPresent, 1);
  CameraConfig blind = face_camera("c1");
  blind.detector.name = "none";
  bench.rules.reconfigure(config({facility("f1", {blind})}), at(5));
  const EventDraft& end = newest_of(bench, "c1");
  CHECK(end.phase == Phase::kEnd);
  CHECK(end.data["end_reason"] == "config_changed");
  CHECK(end.data["state"] == "unknown");
  CHECK(end.subject == bench.record.last("presence.started").subject);
}

TEST_CASE("the roster says of each source what its silence means") {
  Bench bench(config({facility("f1", {face_camera("c1"), camera("warm"), motion_sensor("pir")})}));
  const Json state = bench.rules.state();
  const Json& cameras = state["facilities"][0]["cameras"];
  CHECK(cameras[0]["silence"] == "nothing");
  CHECK(cameras[1]["silence"] == "nobody");
  CHECK(cameras[2]["silence"] == "nothing");
}

}  // namespace kanhu::rules::test
