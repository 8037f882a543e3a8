// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {

TEST_CASE("a camera's first connection is a point, its loss one offline, its return the end of it") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.down("c1", 20);
  bench.down("c1", 21);
  bench.down("c1", 40);
  bench.up("c1", 60);
  CHECK(bench.record.types() == Types{"camera.online/point", "camera.offline/start", "camera.online/end"});
  const EventDraft& start = bench.record.events[1];
  const EventDraft& end = bench.record.events[2];
  CHECK(start.subject == end.subject);
  CHECK(start.data["cause"] == "stalled");
  CHECK(start.data["last_packet"] == format_utc(at(12)));
  CHECK(end.data["end_reason"] == "recovered");
  CHECK(end.time >= start.time);
}

TEST_CASE("a camera that was never reached opens camera.offline, and a changed cause is one update 5 s apart") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.down("c1", 0, ErrorKind::kRefused, "nobody listens there");
  bench.down("c1", 1, ErrorKind::kUnauthorized, "wrong user or password");
  bench.down("c1", 2, ErrorKind::kRefused, "nobody listens there");
  bench.down("c1", 3, ErrorKind::kUnauthorized, "wrong user or password");
  bench.down("c1", 3.5, ErrorKind::kTimeout, "no answer");
  CHECK(bench.record.types() == Types{"camera.offline/start", "camera.offline/update"});
  bench.run_until({"c1"}, 4, 9);
  REQUIRE(bench.record.types() == Types{"camera.offline/start", "camera.offline/update", "camera.offline/update"});
  CHECK(bench.record.events[2].data["cause"] == "timeout");
  CHECK(bench.record.events[2].time == at(3.5));
  CHECK(bench.record.events[2].data["times"]["decided"] == format_utc(at(6)));
}

TEST_CASE("more than three losses in ten minutes are one camera.unstable") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  double s = 10;
  for (int i = 0; i < 6; ++i, s += 30) {
    bench.down("c1", s);
    bench.run_until({"c1"}, s + 1, s + 9);
    bench.up("c1", s + 10);
  }
  CHECK(bench.record.count("camera.offline") == 3);
  CHECK(bench.record.count("camera.online") == 4);
  REQUIRE(bench.record.count("camera.unstable") == 3);
  CHECK(bench.record.last("camera.unstable").data["losses"] == 6);
  CHECK(bench.rules.state()["cameras"]["c1"]["state"] == "unstable");

  // The last loss was at 160 s: quiet until 760 s ends it.
  bench.run_until({"c1"}, 200, 759);
  CHECK(bench.record.last("camera.unstable").phase == Phase::kUpdate);
  bench.run_until({"c1"}, 760, 761);
  CHECK(bench.record.last("camera.unstable").phase == Phase::kEnd);
  CHECK(bench.record.last("camera.unstable").data["end_reason"] == "stable");
  bench.down("c1", 800);
  CHECK(bench.record.count("camera.offline") == 4);
}

TEST_CASE("a camera that ends each session by its own timer is no unstable one") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  double s = 60;
  for (int i = 0; i < 6; ++i, s += 60) {
    bench.down("c1", s, ErrorKind::kSessionTimeout, "the camera ended the session by its own timer");
    bench.up("c1", s + 2);
  }
  CHECK(bench.record.count("camera.unstable") == 0);
  CHECK(bench.record.last("camera.online").data["cause"] == "session_timeout");
}

TEST_CASE("a clock that is set loses no camera, ends no unstable one and folds no loss early or for ever") {
  for (const double step : {86'400.0, -86'400.0}) {
    Bench bench(config({facility("f1", {camera("c1"), camera("c2")})}));
    const auto advance = [&](double from, double to) {
      for (double s = from; s <= to; s += 1) {
        bench.rules.steady(at(s));
        bench.rules.advance(at(s + step));
      }
    };
    for (int i = 0; i < 4; ++i) {
      bench.rules.steady(at(i * 10));
      bench.up("c1", i * 10);
      bench.up("c2", i * 10);
      bench.down("c1", i * 10 + 1);
    }
    REQUIRE(bench.record.last("camera.unstable").phase == Phase::kStart);
    const int offline = bench.record.count("camera.offline");
    bench.rules.worker_lost({"c2"}, at(31), "it was killed");
    advance(31, 34);
    CHECK(bench.record.count("camera.offline") == offline);
    advance(35, 89);
    CHECK(bench.record.count("camera.offline") == offline + 1);
    CHECK(bench.record.last("camera.offline").source == "c2");
    advance(90, 92);
    CHECK(bench.record.count("camera.offline") == offline + 2);
    advance(93, 629);
    CHECK(bench.record.last("camera.unstable").phase != Phase::kEnd);
    advance(630, 632);
    CHECK(bench.record.last("camera.unstable").data["end_reason"] == "stable");
  }
}

TEST_CASE("a loss of more than 60 s opens camera.offline although the camera is unstable") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  for (int i = 0; i < 3; ++i) {
    bench.down("c1", i * 10);
    bench.up("c1", i * 10 + 5);
  }
  bench.down("c1", 30);
  bench.run_until({"c1"}, 31, 90);
  CHECK(bench.record.count("camera.offline") == 3);
  bench.run_until({"c1"}, 91, 92);
  CHECK(bench.record.count("camera.offline") == 4);
  bench.up("c1", 100);
  CHECK(bench.record.last("camera.online").subject == bench.record.last("camera.offline").subject);
}

TEST_CASE("frozen and dark pictures begin and end, and a loss ends them") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.see("c1", 30, Bench::health(Truth::kTrue, Truth::kTrue, Truth::kTrue, Truth::kFalse));
  bench.up("c1", 35);
  HealthObservation dark = Bench::health(Truth::kTrue, Truth::kTrue, Truth::kTrue);
  dark.dark = true;
  bench.see("c1", 40, dark);
  bench.down("c1", 50);
  CHECK(bench.record.types() == Types{"camera.online/point", "camera.frozen/start", "camera.frozen/end", "camera.dark/start",
                                      "camera.offline/start", "camera.dark/end"});
  CHECK(bench.record.last("camera.dark").data["end_reason"] == "camera_lost");
}

TEST_CASE("half a facility lost within ten seconds is a site, and each camera names it") {
  Bench bench(config({facility("f1", {camera("c1"), camera("c2"), camera("c3"), camera("c4")}), facility("f2", {camera("d1")})}));
  for (const char* id : {"c1", "c2", "c3", "c4", "d1"}) bench.up(id, 0);
  bench.record.events.clear();
  bench.rules.advance(at(100));
  bench.down("c1", 100);
  bench.rules.advance(at(104));
  bench.down("c2", 104);
  REQUIRE(bench.record.types() == Types{"camera.offline/start", "site.offline/start", "camera.offline/update", "camera.offline/start"});
  const std::string site = bench.record.events[1].subject;
  CHECK(bench.record.events[1].source == "-");
  CHECK(bench.record.events[1].data["severity"] == "alarm");
  CHECK(bench.record.events[2].data["cause_subject"] == site);
  CHECK(bench.record.events[2].source == "c1");
  CHECK(bench.record.events[3].data["cause_subject"] == site);

  bench.rules.advance(at(130));
  bench.down("c3", 130);
  CHECK(bench.record.last("camera.offline").data["cause_subject"] == site);
  bench.up("c1", 140);
  CHECK(bench.record.count("site.offline") == 1);
  bench.up("c2", 141);
  CHECK(bench.record.last("site.offline").phase == Phase::kEnd);
  bench.run_until({"c3"}, 142, 150);
  CHECK_FALSE(bench.record.last("camera.offline").data.contains("cause_subject"));
}

TEST_CASE("losses far apart are no site") {
  Bench bench(config({facility("f1", {camera("c1"), camera("c2")})}));
  bench.rules.advance(at(0));
  bench.down("c1", 0);
  bench.rules.advance(at(11));
  bench.down("c2", 11);
  CHECK(bench.record.count("site.offline") == 0);
}

TEST_CASE("a worker that comes back within five seconds is not analysed, not offline") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.face("c1", 1, Phase::kStart, 1);
  bench.presence("c1", 2, Presence::kPresent, 1);
  bench.rules.worker_lost({"c1"}, at(10), "killed by signal 9");
  CHECK(bench.record.last("face.appeared").data["end_reason"] == "worker_restarted");
  CHECK(bench.record.last("presence.updated").data["state"] == "unknown");
  CHECK(bench.record.last("presence.updated").data["reason"] == "not_analysed");
  CHECK(bench.rules.state()["cameras"]["c1"]["state"] == "not_analysed");
  CHECK(bench.rules.state()["cameras"]["c1"]["facts"]["analysed"] == "unknown");
  bench.face("c1", 10.5, Phase::kStart, 9);  // still in flight from the dead one
  bench.runs["c1"] = "second";
  bench.rules.advance(at(14));
  bench.up("c1", 14.5);
  bench.run_until({"c1"}, 15, 30);
  CHECK(bench.record.count("camera.offline") == 0);
  CHECK(bench.record.types().at(1) == "face.appeared/start");
  CHECK(bench.record.count("face.appeared") == 2);  // and its end
  CHECK(bench.rules.state()["cameras"]["c1"]["state"] == "up");
}

TEST_CASE("a worker that stays away makes its cameras offline with that cause") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.up("c1", 0);
  bench.rules.worker_lost({"c1"}, at(10), "killed by signal 9");
  for (int s = 11; s <= 20; ++s) bench.rules.advance(at(s));
  REQUIRE(bench.record.types() == Types{"camera.online/point", "camera.offline/start"});
  CHECK(bench.record.events[1].data["cause"] == "worker_lost");
  bench.runs["c1"] = "second";
  bench.up("c1", 25);
  CHECK(bench.record.last("camera.online").subject == bench.record.events[1].subject);
}

TEST_CASE("one source's idea of the time never moves another's events") {
  for (const bool advanced : {true, false}) {
    Bench bench(config({facility("f1", {camera("c1"), camera("c2")})}));
    bench.up("c1", 0);
    bench.up("c2", 0);
    bench.presence("c2", 2, Presence::kPresent, 1);
    if (advanced) bench.rules.advance(at(3));
    // In one leap, and step by step.
    bench.adjust = [&, lead = 0](Observation& observation) mutable {
      lead += 4;
      observation.arrived = observation.ordinal % 2 == 0 ? at(lead) : wall_from_microseconds(7'226'582'400'000'000);
    };
    for (int i = 0; i < 100; ++i) bench.see("c1", 3, TickObservation{});
    bench.adjust = nullptr;
    bench.rules.worker_lost({"c2"}, at(4), "killed by signal 9");
    const auto lost = std::count_if(bench.record.events.begin(), bench.record.events.end(), [](const EventDraft& each) {
      return each.type == "presence.updated" && each.source == "c2" && each.time <= at(10);
    });
    CHECK(lost == 1);
    bench.rules.finish(at(5), "gateway_stopped");
    for (const EventDraft& each : bench.record.events) CHECK(each.time <= at(80));
  }
}

TEST_CASE("a camera that kills workers is offline at once, with what it did, however often it was lost before") {
  for (const int losses : {0, 6}) {
    Bench bench(config({facility("f1", {camera("c1")})}));
    bench.up("c1", 0);
    for (int i = 0; i < losses; ++i) {
      bench.down("c1", 10 + 4 * i);
      bench.up("c1", 12 + 4 * i);
    }
    bench.rules.worker_lost({"c1"}, at(40), "killed by signal 9");
    bench.rules.quarantined("c1", at(40), "set apart: its worker was killed by signal 9");
    const EventDraft offline = bench.record.last("camera.offline");
    CHECK(offline.data["cause"] == "quarantined");
    CHECK(offline.data["words"] == "set apart: its worker was killed by signal 9");
    CHECK(bench.rules.state()["cameras"]["c1"]["cause"] == "quarantined");
    // Tried again later, it is a camera like any other.
    bench.runs["c1"] = "later";
    bench.up("c1", 3700);
    CHECK(bench.record.last("camera.online").subject == offline.subject);
    CHECK(bench.rules.state()["cameras"]["c1"]["facts"]["connected"] == "true");
  }
}

TEST_CASE("a camera's wrong clock moves neither timers nor the order of start and end") {
  Bench bench(config({facility("f1", {camera("c1")})}));
  bench.rules.advance(at(0));
  bench.up("c1", -86400);
  bench.down("c1", -86300);
  bench.rules.advance(at(100));
  bench.up("c1", -90000);  // the camera set its clock back
  const EventDraft& end = bench.record.last("camera.online");
  CHECK(end.phase == Phase::kEnd);
  CHECK(end.time == at(-86300));
}

}  // namespace kanhu::rules::test
