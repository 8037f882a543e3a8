// SPDX-License-Identifier: MIT
#include "daemon/sensors/sensor_source.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace kanhu {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const WallTime kStart = wall_from_microseconds(1'795'662'000'000'000);

struct SourceBench final : ObservationSink {
  explicit SourceBench(SensorKind kind, const std::string& availability = "") : source(source_of(kind, availability), *this, {}) {}

  static CameraConfig source_of(SensorKind kind, const std::string& availability) {
    CameraConfig source;
    source.id = "s";
    source.detector.name = "none";
    source.detector.frames_per_second = 60;
    source.zones = {{"hall", {}}};
    source.sensor.emplace();
    source.sensor->kind = kind;
    source.sensor->width = source.sensor->height = 4;
    source.sensor->availability_topic = availability;
    source.sensor->silent_after = 5s;
    return source;
  }

  void observe(Observation observation) override { all.push_back(std::move(observation)); }

  Moment now() const { return {MonoTime(1h + at), kStart + at}; }
  sense::Delivery delivery(const std::string& payload, bool retained) const {
    return {"b", "t", payload, payload.size(), retained, now().mono, now().wall};
  }
  void hear(const std::string& payload, bool retained = false) { source.reading(delivery(payload, retained)); }
  void is(const std::string& word) { source.availability(delivery(word, true)); }
  // A second a turn.
  void pass(int turns) {
    for (int i = 0; i < turns; ++i) {
      at += 1s;
      source.tick(now());
    }
  }
  // A picture; each another one.
  std::string picture(const std::string& more = "") {
    ++pictures;
    std::string text = R"({"v":1)" + more + R"(,"values":[)";
    for (int i = 0; i < 16; ++i) text += fmt::format("{}{}", i > 0 ? "," : "", 20 + 0.01 * ((i * 7 + pictures * 3) % 11));
    return text + "]}";
  }
  void watch(int turns) {
    for (int i = 0; i < turns * 8; ++i) {
      at += 125ms;
      hear(picture());
      if (i % 8 == 7) source.tick(now());
    }
  }

  template <typename Body>
  std::vector<Body> of() const {
    std::vector<Body> found;
    for (const Observation& one : all)
      if (const auto* body = std::get_if<Body>(&one.body)) found.push_back(*body);
    return found;
  }
  HealthObservation health() const { return of<HealthObservation>().back(); }
  Truth fact(HealthFact which) const { return health().fact(which); }
  int losses() const {
    int count = 0;
    for (const HealthObservation& one : of<HealthObservation>()) count += one.error ? 1 : 0;
    return count;
  }

  milliseconds at{0};
  int pictures = 0;
  std::vector<Observation> all;
  SensorSource source;
};

}  // namespace

TEST_CASE("a sensor's silence is one loss with its words, and it comes back with the next reading") {
  SourceBench bench(SensorKind::kThermalArray);
  bench.source.broker_up(bench.now());
  bench.watch(3);
  CHECK(bench.fact(HealthFact::kConnected) == Truth::kTrue);
  CHECK(bench.fact(HealthFact::kDecodable) == Truth::kTrue);
  bench.pass(60);
  CHECK(bench.losses() == 1);
  CHECK(bench.health().error == ErrorKind::kStalled);
  CHECK(bench.health().cause.find("no reading for 5s") == 0);
  CHECK(bench.fact(HealthFact::kPacketsArriving) == Truth::kFalse);
  CHECK(bench.of<PresenceObservation>().back().reason == "camera_offline");
  bench.watch(1);
  CHECK_FALSE(bench.health().error);
  CHECK(bench.fact(HealthFact::kPacketsArriving) == Truth::kTrue);
}

TEST_CASE("a sensor that is never heard is lost after its silence, and a retained picture is no sign of life") {
  SourceBench bench(SensorKind::kThermalArray);
  bench.source.broker_up(bench.now());
  bench.hear(bench.picture(), true);
  bench.pass(4);
  CHECK(bench.all.empty());
  bench.pass(10);
  CHECK(bench.losses() == 1);
  CHECK(bench.health().error == ErrorKind::kStalled);
}

TEST_CASE("three payloads in a row that cannot be read are a loss that says why, one between good ones is not") {
  SourceBench bench(SensorKind::kThermalArray);
  bench.source.broker_up(bench.now());
  bench.watch(2);
  bench.hear("{}");
  bench.at += 20ms;
  bench.watch(1);
  CHECK(bench.losses() == 0);
  for (int i = 0; i < 30; ++i) {
    bench.at += 100ms;
    bench.hear(R"({"v":1,"values":[1,2,3]})");
  }
  CHECK(bench.losses() == 1);
  CHECK(bench.health().error == ErrorKind::kCorrupt);
  CHECK(bench.health().cause == "the payload has 3 values, 4x4 needs 16");
  CHECK(bench.fact(HealthFact::kDecodable) == Truth::kFalse);
  CHECK(bench.fact(HealthFact::kPacketsArriving) == Truth::kTrue);
  bench.at += 125ms;
  bench.watch(1);
  CHECK_FALSE(bench.health().error);
}

TEST_CASE("who sends another nonsense every time does not get a word for each") {
  SourceBench bench(SensorKind::kThermalArray);
  bench.source.broker_up(bench.now());
  for (int i = 0; i < 60; ++i) {
    bench.at += 100ms;
    bench.hear(std::string(static_cast<std::size_t>(i + 1), 'x') + "\"");
    bench.hear(fmt::format(R"({{"v":1,"values":[{}]}})", i));
  }
  CHECK(bench.losses() == 1);
}

TEST_CASE("readings faster than any sensor measures, and the same one again, are counted and do nothing") {
  SourceBench bench(SensorKind::kThermalArray);
  bench.source.broker_up(bench.now());
  const std::string timed = bench.picture(R"(,"t":"2026-11-26T03:00:00Z")");
  for (int i = 0; i < 100; ++i) {
    bench.at += 1ms;
    bench.hear(timed);
  }
  CHECK(bench.source.stats({}).frames_decoded == 1);
  CHECK(bench.source.stats({}).frames_dropped >= 90);
  bench.at += 1s;
  bench.hear(timed);
  CHECK(bench.source.stats({}).frames_decoded == 1);
  bench.pass(10);
  CHECK(bench.health().error == ErrorKind::kStalled);
}

TEST_CASE("a lost broker and a last will make an array unknown until it is read again") {
  SourceBench bench(SensorKind::kThermalArray, "t/status");
  bench.source.broker_up(bench.now());
  bench.watch(1);
  bench.source.broker_down({ErrorKind::kEndOfStream, "the broker ended the connection"}, bench.now());
  CHECK(bench.fact(HealthFact::kConnected) == Truth::kFalse);
  CHECK(bench.health().cause == "the broker ended the connection");
  bench.hear(bench.picture());
  CHECK(bench.losses() == 1);
  bench.source.broker_up(bench.now());
  bench.at += 1s;
  bench.watch(1);
  CHECK_FALSE(bench.health().error);
  bench.is("offline");
  CHECK(bench.health().cause.find("last will") != std::string::npos);
  bench.pass(60);
  CHECK(bench.health().cause.find("last will") != std::string::npos);
  bench.watch(1);
  CHECK_FALSE(bench.health().error);
}

TEST_CASE("a clock that runs backwards is the cause of an otherwise good health, and goes with it") {
  SourceBench bench(SensorKind::kThermalArray);
  bench.source.broker_up(bench.now());
  bench.watch(1);
  bench.at += 125ms;
  bench.hear(bench.picture(R"(,"t":"2026-11-26T03:00:01Z")"));
  bench.at += 125ms;
  bench.hear(bench.picture(R"(,"t":"2026-11-26T03:00:00Z")"));
  bench.pass(1);
  CHECK_FALSE(bench.health().error);
  CHECK(bench.health().cause.find("ran backwards") != std::string::npos);
  bench.watch(1);
  bench.pass(1);
  CHECK(bench.health().cause.empty());
  WallTime last{};
  std::string run;
  std::uint64_t ordinal = 0;
  for (const Observation& one : bench.all) {
    CHECK(one.time >= last);
    CHECK(one.ordinal == (one.run == run ? ordinal + 1 : 0));
    last = one.time;
    run = one.run;
    ordinal = one.ordinal;
  }
}

TEST_CASE("a motion detector without availability is well with its broker, one with availability when it says so") {
  SourceBench plain(SensorKind::kPir);
  plain.source.broker_up(plain.now());
  CHECK(plain.fact(HealthFact::kConnected) == Truth::kTrue);
  SourceBench careful(SensorKind::kPir, "t/status");
  careful.source.broker_up(careful.now());
  CHECK(careful.all.empty());
  careful.is("online");
  CHECK(careful.fact(HealthFact::kConnected) == Truth::kTrue);
  careful.hear("ON", true);  // of whenever
  CHECK(careful.of<PresenceObservation>().back().state == Presence::kUnknown);
  careful.hear("ON");
  CHECK(careful.of<PresenceObservation>().back().state == Presence::kPresent);
  careful.is("offline");
  CHECK(careful.fact(HealthFact::kConnected) == Truth::kFalse);
  CHECK(careful.of<PresenceObservation>().back().state == Presence::kUnknown);
}

TEST_CASE("a message of three days ago raises nobody and opens no door, and one within its hold does") {
  const auto of_age = [](const char* what, std::chrono::seconds age) {
    return fmt::format(R"({{"v":1,"{}":true,"t":"{}"}})", what, format_utc(kStart - age));
  };
  for (const bool retained : {true, false}) {
    SourceBench motion(SensorKind::kPir);
    motion.source.broker_up(motion.now());
    motion.hear(of_age("motion", 72h), retained);
    motion.pass(2);
    CHECK(motion.of<PresenceObservation>().back().state == Presence::kUnknown);
    motion.hear(of_age("motion", 20s), retained);
    CHECK(motion.of<PresenceObservation>().back().state == Presence::kPresent);
    SourceBench door(SensorKind::kContact);
    door.source.broker_up(door.now());
    door.hear(of_age("open", 72h), retained);
    CHECK(door.of<ContactObservation>().empty());
    door.hear(of_age("open", 2s), retained);
    CHECK(door.of<ContactObservation>().size() == 1);
  }
}

TEST_CASE("an array that hands on readings of an hour ago is silent, and its loss says why") {
  SourceBench bench(SensorKind::kThermalArray);
  bench.source.broker_up(bench.now());
  for (int i = 0; i < 80; ++i) {
    bench.at += 125ms;
    bench.hear(bench.picture(fmt::format(R"(,"t":"{}")", format_utc(kStart - 1h + i * 2s))));
    if (i % 8 == 7) bench.source.tick(bench.now());
  }
  CHECK(bench.of<ThermalObservation>().empty());
  CHECK(bench.health().error == ErrorKind::kStalled);
  CHECK(bench.health().cause.find("older than they may be, by their own time") != std::string::npos);
}

TEST_CASE("a failed beginning claims nothing in between") {
  SourceBench bench(SensorKind::kPir);
  bench.source.broker_down({ErrorKind::kRefused, "nothing listens at the broker's address"}, bench.now());
  bench.source.broker_down({ErrorKind::kRefused, "nothing listens at the broker's address"}, bench.now());
  CHECK(bench.losses() == 1);
  for (const HealthObservation& one : bench.of<HealthObservation>()) CHECK(one.error);
}

}  // namespace kanhu
