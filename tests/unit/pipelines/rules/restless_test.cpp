// SPDX-License-Identifier: MIT
// What changes too often is told once, and what is so when it has calmed down.
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {
namespace {

int starts_of(const Bench& bench, const std::string& type) {
  int count = 0;
  for (const EventDraft& each : bench.record.events) count += each.type == type && each.phase == Phase::kStart ? 1 : 0;
  return count;
}

CameraConfig pir(const std::string& id) {
  CameraConfig made = camera(id);
  made.detector.name = "none";
  made.sensor = SensorConfig{};
  made.sensor->kind = SensorKind::kPir;
  made.main.reset();
  return made;
}

}  // namespace

TEST_CASE("presence that changes a hundred times a second is told as unknown (unstable), then as it is when it is calm") {
  Bench bench(config({facility("f1", {camera("cam")})}));
  bench.up("cam", 0);
  for (int i = 0; i < 6000; ++i) {
    bench.presence("cam", 1 + i * 0.01, i % 2 == 0 ? Presence::kPresent : Presence::kAbsent, i % 2 == 0 ? 1 : 0);
    if (i % 100 == 0) bench.rules.advance(at(1 + i * 0.01));
  }
  const auto presences = [&] {
    int count = 0;
    for (const EventDraft& each : bench.record.events) count += each.type.starts_with("presence.") ? 1 : 0;
    return count;
  };
  CHECK(presences() == 31);
  CHECK(bench.record.last("presence.unknown").data["reason"] == "unstable");
  CHECK(presence_of(bench, "cam")["state"] == "unknown");
  CHECK(presence_of(bench, "cam")["reason"] == "unstable");
  bool present = true;
  SECTION("somebody stayed") { bench.presence("cam", 61.5, Presence::kPresent, 2); }
  SECTION("nobody stayed") {
    present = false;
    bench.presence("cam", 61.5, Presence::kAbsent);
  }
  CHECK(presences() == 31);
  bench.run_until({"cam"}, 62, 130);
  CHECK(presence_of(bench, "cam")["state"] == (present ? "present" : "absent"));
  CHECK(presences() == 32);
  CHECK(bench.record.events.back().data["state"] == (present ? "present" : "absent"));
}

TEST_CASE("a camera that is lost and comes back each second tells its zones' changes once") {
  Bench bench(config({facility("f1", {camera("cam")})}));
  for (int i = 0; i < 300; ++i) {
    bench.runs["cam"] = "run-" + std::to_string(i);
    bench.up("cam", i * 0.2);
    bench.presence("cam", i * 0.2 + 0.05, Presence::kPresent, 1);
    bench.down("cam", i * 0.2 + 0.1);
  }
  CHECK(bench.record.count("presence.started") + bench.record.count("presence.updated") < 40);
  CHECK(bench.record.events.size() < 80);
}

TEST_CASE("motion that comes and goes too often begins no more incidents") {
  Bench bench(config({facility("f1", {pir("pir")})}));
  bench.up("pir", 0);
  for (int i = 0; i < 600; ++i) {
    const bool moves = i % 2 == 0;
    bench.presence("pir", 1 + i * 0.1, moves ? Presence::kPresent : Presence::kUnknown, moves ? 1 : 0, moves ? "" : "no_motion");
  }
  CHECK(bench.record.count("presence.started") == 15);
  CHECK(bench.record.count("presence.ended") == 15);
}

TEST_CASE("a zone of several devices whose presence changes too often is unknown, whichever of them flaps") {
  std::vector<CameraConfig> cameras;
  for (int i = 0; i < 8; ++i) cameras.push_back(camera("c" + std::to_string(i)));
  Bench bench(config({facility("f1", cameras)}));
  for (int i = 0; i < 8; ++i) bench.up("c" + std::to_string(i), 0);
  for (int i = 0; i < 8; ++i) bench.presence("c" + std::to_string(i), 1, Presence::kAbsent);
  // Each stays below its own limit.
  for (int i = 0; i < 100; ++i) {
    const std::string source = "c" + std::to_string(i % 8);
    bench.presence(source, 2 + i * 0.1, Presence::kPresent, 1);
    bench.presence(source, 2.05 + i * 0.1, Presence::kAbsent);
  }
  CHECK(presence_of(bench, "-")["reason"] == "unstable");
  int fused = 0;
  for (const EventDraft& each : bench.record.events) fused += each.source == "-" ? 1 : 0;
  CHECK(fused < 40);
  bench.rules.advance(at(75));
  CHECK(presence_of(bench, "-")["state"] == "absent");
}

TEST_CASE("a picture that freezes or goes dark at every frame is told ten times a minute at most") {
  Bench bench(config({facility("f1", {camera("cam")})}));
  bench.up("cam", 0);
  const bool dark = GENERATE(false, true);
  const auto say = [&](double s, bool wrong) {
    HealthObservation health = Bench::health(Truth::kTrue, Truth::kTrue, Truth::kTrue, wrong && !dark ? Truth::kFalse : Truth::kTrue);
    health.dark = wrong && dark;
    bench.see("cam", s, health);
  };
  const std::string type = dark ? "camera.dark" : "camera.frozen";
  bool lost = GENERATE(false, true);
  for (int i = 0; i < 400; ++i) {
    say(1 + i * 0.1, i % 2 == 0);
    if (lost && i % 5 == 0) bench.down("cam", 1.05 + i * 0.1);
  }
  CHECK(starts_of(bench, type) <= 11);
  const bool ends_wrong = GENERATE(false, true);
  say(42, ends_wrong);
  bench.run_until({}, 43, 110);
  const Json incidents = bench.rules.state()["incidents"];
  const bool open = std::any_of(incidents.begin(), incidents.end(), [&](const Json& each) { return each["type"] == "kanhu." + type; });
  CHECK(open == ends_wrong);
}

TEST_CASE("a contact that flaps and is lost again and again is unstable once") {
  CameraConfig door = pir("door");
  door.sensor->kind = SensorKind::kContact;
  Bench bench(config({facility("f1", {door})}));
  for (int i = 0; i < 200; ++i) {
    bench.runs["door"] = "run-" + std::to_string(i);
    bench.up("door", i * 0.2);
    bench.see("door", i * 0.2 + 0.05, ContactObservation{true});
    bench.down("door", i * 0.2 + 0.1);
  }
  CHECK(starts_of(bench, "contact.unstable") == 1);
}

}  // namespace kanhu::rules::test
