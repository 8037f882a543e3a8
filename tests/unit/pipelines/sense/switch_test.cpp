// SPDX-License-Identifier: MIT
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "pipelines/sense/switch_watch.hpp"

namespace kanhu::sense {
namespace {

using namespace std::chrono_literals;

const WallTime kStart = wall_from_microseconds(1'795'662'000'000'000);

struct Bench final : ObservationSink {
  explicit Bench(SensorKind kind) : watch(source_of(kind), *this) {}

  static CameraConfig source_of(SensorKind kind) {
    CameraConfig source;
    source.id = "s";
    source.sensor.emplace();
    source.sensor->kind = kind;
    source.sensor->hold = 60s;
    source.zones = {{"hall", {}}};
    return source;
  }

  void observe(Observation observation) override { all.push_back(std::move(observation)); }

  static CaptureTime at(std::chrono::seconds s) {
    CaptureTime time;
    time.arrival = kStart + s;
    return time;
  }
  void begin() { watch.begin_run("r", at(0s)); }
  void state(bool active, std::chrono::seconds s) { watch.state(active, at(s), MediaTime(s), MonoTime(s)); }
  void tick(std::chrono::seconds s) { watch.tick({MediaTime(s), at(s)}); }

  template <typename Body>
  std::vector<Body> of() const {
    std::vector<Body> found;
    for (const Observation& one : all)
      if (const auto* body = std::get_if<Body>(&one.body)) found.push_back(*body);
    return found;
  }
  PresenceObservation presence() const { return of<PresenceObservation>().back(); }

  std::vector<Observation> all;
  SwitchWatch watch;
};

}  // namespace

TEST_CASE("motion is presence for the hold, then unknown, and never absence") {
  Bench bench(SensorKind::kPir);
  bench.begin();
  CHECK(bench.presence().state == Presence::kUnknown);
  CHECK(bench.presence().reason == "no_motion");
  bench.state(true, 10s);
  CHECK(bench.presence().state == Presence::kPresent);
  CHECK(bench.presence().zone == "hall");
  CHECK(bench.presence().count == 1);
  CHECK(bench.presence().track_label == "motion");
  bench.state(false, 20s);
  bench.tick(69s);
  CHECK(bench.presence().state == Presence::kPresent);
  bench.tick(70s);
  CHECK(bench.presence().state == Presence::kUnknown);
  for (int s = 71; s < 4000; s += 60) bench.tick(std::chrono::seconds(s));
  for (const PresenceObservation& one : bench.of<PresenceObservation>()) CHECK(one.state != Presence::kAbsent);
}

TEST_CASE("motion of a while ago is presence for the rest of its hold, and none when the hold is over") {
  Bench bench(SensorKind::kPir);
  bench.begin();
  bench.watch.state(true, Bench::at(10s), MediaTime(10s), MonoTime(10s), 60s);
  CHECK(bench.presence().state == Presence::kUnknown);
  bench.watch.state(true, Bench::at(10s), MediaTime(10s), MonoTime(10s), 40s);
  CHECK(bench.presence().state == Presence::kPresent);
  bench.tick(29s);
  CHECK(bench.presence().state == Presence::kPresent);
  bench.tick(30s);
  CHECK(bench.presence().state == Presence::kUnknown);
}

TEST_CASE("motion again renews the hold without another word") {
  Bench bench(SensorKind::kPir);
  bench.begin();
  for (int s = 10; s <= 200; s += 10) bench.state(true, std::chrono::seconds(s));
  bench.tick(259s);
  CHECK(bench.presence().state == Presence::kPresent);
  CHECK(bench.of<PresenceObservation>().size() == 2);
}

TEST_CASE("a motion detector that is lost is unknown because of that") {
  Bench bench(SensorKind::kPir);
  bench.begin();
  bench.state(true, 10s);
  bench.watch.end_run({ErrorKind::kStalled, "no message for 7200 s"});
  CHECK(bench.presence().state == Presence::kUnknown);
  CHECK(bench.presence().reason == "camera_offline");
  const HealthObservation health = bench.of<HealthObservation>().back();
  CHECK(health.fact(HealthFact::kConnected) == Truth::kTrue);
  CHECK(health.fact(HealthFact::kPacketsArriving) == Truth::kFalse);
  CHECK(health.cause == "no message for 7200 s");
  const std::size_t said = bench.all.size();
  bench.tick(20s);
  bench.state(true, 20s);
  CHECK(bench.all.size() == said);
}

TEST_CASE("a contact says its state once a run and at every change, and nothing about people") {
  Bench bench(SensorKind::kContact);
  bench.begin();
  for (const bool open : {false, false, true, true, false}) bench.state(open, 1s);
  const auto said = bench.of<ContactObservation>();
  REQUIRE(said.size() == 3);
  CHECK_FALSE(said[0].open);
  CHECK(said[1].open);
  CHECK(bench.of<PresenceObservation>().empty());
  bench.watch.end_run({ErrorKind::kEndOfStream, "gone"});
  bench.begin();
  bench.state(false, 2s);
  CHECK(bench.of<ContactObservation>().size() == 4);
}

TEST_CASE("observations of a run are numbered, and their time never goes back") {
  Bench bench(SensorKind::kContact);
  bench.begin();
  bench.state(true, 10s);
  CaptureTime early = Bench::at(11s);
  early.rtcp = kStart + 8s;
  bench.watch.state(false, early, MediaTime(11s), MonoTime(11s));
  bench.tick(12s);
  for (std::size_t i = 0; i < bench.all.size(); ++i) {
    CHECK(bench.all[i].ordinal == i);
    if (i > 0) CHECK(bench.all[i].time >= bench.all[i - 1].time);
  }
  CHECK(bench.all.back().clock == ClockSource::kRtcp);
}

}  // namespace kanhu::sense
