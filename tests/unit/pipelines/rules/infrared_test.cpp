// SPDX-License-Identifier: MIT
// Infrared: evidence, sight, contacts; zones that several devices watch, and how full they are.
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {
namespace {

CameraConfig sensor(const std::string& id, SensorKind kind) {
  CameraConfig made = camera(id);
  made.main.reset();
  made.record.reset();
  made.sensor = SensorConfig{};
  made.sensor->kind = kind;
  made.detector.name = kind == SensorKind::kThermalArray ? "thermal" : "none";
  return made;
}

ThermalObservation warmth(std::uint8_t cell) {
  ThermalObservation seen;
  seen.matrix = {ThermalKind::kRadiometric, 4, 2, 2150, 5, std::vector<std::uint8_t>(8, cell)};
  seen.people = {{3, {0.25, 0, 0.5, 1}, 6.5, 42}};
  seen.hot_spots = {{{0, 0, 0.1, 0.1}, 88.5}};
  return seen;
}

Bench two_in_the_hall(CameraConfig second) { return Bench(config({facility("f1", {camera("cam"), std::move(second)})})); }

const EventDraft* last_of(const Bench& bench, const std::string& source) {
  for (auto it = bench.record.events.rbegin(); it != bench.record.events.rend(); ++it)
    if (it->source == source) return &*it;
  return nullptr;
}

}  // namespace

TEST_CASE("a change of infrared presence names the series that led to it, and the series is kept before it") {
  Bench bench(config({facility("f1", {sensor("ir", SensorKind::kThermalArray)})}));
  bench.up("ir", 0);
  for (int s = 0; s < 20; ++s) bench.see("ir", s, warmth(static_cast<std::uint8_t>(s)));
  bench.presence("ir", 20, Presence::kPresent, 1);
  REQUIRE(bench.record.series.size() == 1);
  const ThermalSeries& kept = bench.record.series.front();
  const Json& named = bench.record.last("presence.started").data["series"];
  CHECK(named["sha256"] == kept.digest);
  CHECK(kept.digest == to_hex(sha256(canonical_json(kept.entry))));
  CHECK(named["frames"] == 8);
  CHECK(kept.entry["frames"].size() == 8);
  CHECK(kept.entry["frames"].back()["people"][0]["still_s"] == 42);
  CHECK(kept.entry["frames"].back()["hot_spots"][0]["hottest_c"] == 88.5);
  CHECK(from_base64(kept.entry["frames"].back()["cells"].get<std::string>()) == std::vector<std::uint8_t>(8, 19));
  CHECK(bodies(bench.record).back().size() <= 2048);
}

TEST_CASE("warmth of long ago is no evidence") {
  Bench bench(config({facility("f1", {sensor("ir", SensorKind::kThermalArray)})}));
  bench.up("ir", 0);
  bench.see("ir", 0, warmth(1));
  bench.presence("ir", 60, Presence::kPresent, 1);
  CHECK(bench.record.series.empty());
  CHECK_FALSE(bench.record.last("presence.started").data.contains("series"));
}

TEST_CASE("a sensor that cannot tell people from the room for ten seconds is degraded until it can") {
  Bench bench(config({facility("f1", {sensor("ir", SensorKind::kThermalArray)})}));
  bench.up("ir", 0);
  bench.presence("ir", 1, Presence::kAbsent);
  bench.presence("ir", 2, Presence::kUnknown, 0, "too_warm");
  bench.run_until({"ir"}, 3, 11);
  CHECK(bench.record.count("ir.degraded") == 0);
  bench.run_until({"ir"}, 12, 13);
  REQUIRE(bench.record.count("ir.degraded") == 1);
  CHECK(bench.record.last("ir.degraded").data["reason"] == "too_warm");
  bench.presence("ir", 20, Presence::kAbsent);
  CHECK(bench.record.last("ir.degraded").phase == Phase::kEnd);
  CHECK(bench.record.last("ir.degraded").data["end_reason"] == "recovered");
}

TEST_CASE("a moment without sight is not degraded, nor is a lost sensor") {
  Bench bench(config({facility("f1", {sensor("ir", SensorKind::kThermalArray)})}));
  bench.up("ir", 0);
  bench.presence("ir", 1, Presence::kUnknown, 0, "lost_sight");
  bench.run_until({"ir"}, 2, 30);
  CHECK(bench.record.count("ir.degraded") == 0);
  bench.presence("ir", 31, Presence::kUnknown, 0, "stuck");
  bench.run_until({"ir"}, 32, 45);
  CHECK(bench.record.count("ir.degraded") == 1);
  bench.down("ir", 46);
  CHECK(bench.record.last("ir.degraded").data["end_reason"] == "camera_lost");
}

TEST_CASE("one device that sees somebody is enough for the zone") {
  Bench bench = two_in_the_hall(sensor("ir", SensorKind::kThermalArray));
  bench.up("cam", 0);
  bench.up("ir", 0);
  bench.presence("cam", 1, Presence::kUnknown, 0, "dark");
  bench.presence("ir", 2, Presence::kPresent, 2);
  const EventDraft* fused = last_of(bench, "-");
  REQUIRE(fused != nullptr);
  CHECK(fused->type == "presence.started");
  CHECK(fused->data["zone"] == "hall");
  CHECK(fused->data["count"] == 2);
  CHECK(fused->data["sources"] == Json::array({"cam", "ir"}));
}

TEST_CASE("a zone is empty only when every device that watches it sees that") {
  Bench bench = two_in_the_hall(sensor("ir", SensorKind::kThermalArray));
  bench.up("cam", 0);
  bench.up("ir", 0);
  bench.presence("cam", 1, Presence::kPresent, 1);
  bench.presence("ir", 1, Presence::kAbsent);
  bench.presence("cam", 10, Presence::kUnknown, 0, "dark");
  bench.run_until({"cam", "ir"}, 11, 20);
  CHECK(last_of(bench, "-")->type == "presence.updated");
  CHECK(last_of(bench, "-")->data["state"] == "unknown");
  CHECK(last_of(bench, "-")->data["reason"] == "dark");
  bench.presence("cam", 21, Presence::kAbsent);
  CHECK(last_of(bench, "-")->type == "presence.ended");
  CHECK(last_of(bench, "-")->data["end_reason"] == "left");
}

TEST_CASE("a zone that one device watches has that device's events alone") {
  Bench bench(config({facility("f1", {camera("cam")})}));
  bench.up("cam", 0);
  bench.presence("cam", 1, Presence::kPresent, 1);
  bench.presence("cam", 10, Presence::kAbsent);
  CHECK(last_of(bench, "-") == nullptr);
}

TEST_CASE("a PIR sensor adds somebody and never takes anybody away") {
  Bench bench = two_in_the_hall(sensor("pir", SensorKind::kPir));
  bench.up("cam", 0);
  bench.up("pir", 0);
  bench.presence("cam", 1, Presence::kAbsent);
  CHECK(last_of(bench, "-")->type == "presence.absent");
  bench.presence("pir", 2, Presence::kPresent, 1);
  CHECK(last_of(bench, "-")->type == "presence.started");
  bench.presence("pir", 62, Presence::kUnknown, 0, "no_motion");
  CHECK(last_of(bench, "pir")->type == "presence.ended");
  CHECK(last_of(bench, "pir")->data["end_reason"] == "no_motion");
  CHECK(last_of(bench, "pir")->data["state"] == "unknown");
  CHECK(last_of(bench, "-")->data["end_reason"] == "left");  // the camera sees that nobody is there
}

TEST_CASE("a zone that is no longer watched twice ends its own presence") {
  Bench bench = two_in_the_hall(sensor("ir", SensorKind::kThermalArray));
  bench.up("cam", 0);
  bench.up("ir", 0);
  bench.presence("cam", 1, Presence::kPresent, 1);
  bench.rules.reconfigure(config({facility("f1", {camera("cam")})}), at(5));
  CHECK(last_of(bench, "-")->type == "presence.started");
  CHECK(last_of(bench, "-")->phase == Phase::kEnd);
  CHECK(last_of(bench, "-")->data["end_reason"] == "config_changed");
  CHECK(last_of(bench, "-")->data["state"] == "unknown");
}

TEST_CASE("an open door is an incident until it is closed") {
  Bench bench(config({facility("f1", {sensor("door", SensorKind::kContact)})}));
  bench.up("door", 0);
  bench.see("door", 1, ContactObservation{false});
  bench.see("door", 2, ContactObservation{true});
  bench.see("door", 3, ContactObservation{true});
  bench.see("door", 9, ContactObservation{false});
  CHECK(bench.record.count("contact.opened") == 1);
  CHECK(bench.record.count("contact.closed") == 1);
  CHECK(bench.record.last("contact.closed").subject == bench.record.last("contact.opened").subject);
}

TEST_CASE("a contact that opens a hundred times a second tells sixty changes and that it is unstable, then its state when it is calm") {
  Bench bench(config({facility("f1", {sensor("door", SensorKind::kContact)})}));
  bench.up("door", 0);
  const auto before = bench.record.events.size();
  for (int i = 0; i < 6000; ++i) {
    bench.see("door", 1 + i * 0.01, ContactObservation{i % 2 == 0});
    if (i % 100 == 0) bench.rules.advance(at(1 + i * 0.01));
  }
  CHECK(bench.record.count("contact.opened") == 30);
  CHECK(bench.record.count("contact.closed") == 30);
  REQUIRE(bench.record.count("contact.unstable") == 1);
  CHECK(bench.record.last("contact.unstable").data["count"] == 31);
  CHECK(bench.record.events.size() == before + 61);
  bool open = true;
  SECTION("it is left open") { bench.see("door", 61.5, ContactObservation{true}); }
  SECTION("it is left closed") { open = false; }
  bench.run_until({"door"}, 62, 130);
  REQUIRE(bench.record.count("contact.unstable") == 2);
  CHECK(bench.record.last("contact.unstable").phase == Phase::kEnd);
  CHECK(bench.record.last("contact.unstable").data["end_reason"] == "stable");
  CHECK(bench.record.count("contact.opened") == (open ? 31 : 30));
  bench.see("door", 131, ContactObservation{!open});
  CHECK(bench.record.count("contact.opened") == 31);
  CHECK(bench.record.count("contact.closed") == (open ? 31 : 30));
}

TEST_CASE("a contact of a busy door may open as often as its configuration says") {
  CameraConfig door = sensor("door", SensorKind::kContact);
  door.sensor->openings_per_minute = 120;
  Bench bench(config({facility("f1", {door})}));
  bench.up("door", 0);
  for (int i = 0; i < 240; ++i) bench.see("door", 1 + i * 0.2, ContactObservation{i % 2 == 0});
  CHECK(bench.record.count("contact.opened") == 120);
  CHECK(bench.record.count("contact.unstable") == 0);
}

TEST_CASE("neither a lost sensor nor a clock set back lets a contact that flaps tell more") {
  Bench bench(config({facility("f1", {sensor("door", SensorKind::kContact)})}));
  int opened = 0;
  for (int i = 0; i < 40; ++i) {
    // The gateway's clock goes back by a minute each second, and the connection comes anew.
    bench.rules.steady(at(i));
    bench.runs["door"] = "run-" + std::to_string(i);
    bench.up("door", i - i * 60.0);
    bench.see("door", i - i * 60.0, ContactObservation{true});
    bench.down("door", i - i * 60.0 + 0.1);
  }
  for (const EventDraft& each : bench.record.events) opened += each.type == "contact.opened" && each.phase == Phase::kStart ? 1 : 0;
  CHECK(opened == 30);
}

TEST_CASE("occupancy is sampled: how full a zone was, and how much of that was seen") {
  auto one = facility("f1", {sensor("ir", SensorKind::kThermalArray)});
  one.occupancy_every = seconds(60);
  Bench bench(config({one}));
  const double start = 60 - static_cast<double>(to_microseconds(at(0)) % 60'000'000) / 1e6;  // the next full minute
  bench.up("ir", start);
  bench.rules.advance(at(start));
  bench.presence("ir", start, Presence::kAbsent);
  bench.run_until({"ir"}, start + 1, start + 10);
  bench.presence("ir", start + 10, Presence::kPresent, 2);
  bench.run_until({"ir"}, start + 11, start + 40);
  bench.presence("ir", start + 40, Presence::kUnknown, 0, "too_warm");
  bench.run_until({"ir"}, start + 41, start + 60);
  REQUIRE(bench.record.count("occupancy.sampled") == 1);
  const Json& data = bench.record.last("occupancy.sampled").data;
  CHECK(data["zone"] == "hall");
  CHECK(data["state"] == "unknown");
  CHECK(data["occupancy"]["most"] == 2);
  CHECK(data["occupancy"]["present_s"].get<double>() == Approx(30).margin(1.1));
  CHECK(data["occupancy"]["person_s"].get<double>() == Approx(60).margin(2.2));
  CHECK(data["coverage"].get<double>() == Approx(40.0 / 60).margin(0.02));
  CHECK(data["occupancy"]["mean"].get<double>() == Approx(1.5).margin(0.06));
}

}  // namespace kanhu::rules::test
