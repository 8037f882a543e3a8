// SPDX-License-Identifier: MIT
#include "pipelines/sense/reading_age.hpp"

#include <catch2/catch.hpp>

namespace kanhu::sense {
namespace {

using namespace std::chrono_literals;

const WallTime kToday = wall_from_microseconds(1'795'662'000'000'000);
const MonoTime kMono(std::chrono::hours(1));

SensorConfig sensor_of_kind(SensorKind kind) {
  SensorConfig sensor;
  sensor.kind = kind;
  sensor.hold = 60s;
  sensor.silent_after = kind == SensorKind::kThermalArray ? std::chrono::milliseconds(10s) : std::chrono::milliseconds(2h);
  return sensor;
}

bool counts(SensorKind kind, std::optional<WallTime> measured, bool retained) {
  return ReadingAge(sensor_of_kind(kind)).judge(measured, kToday, kMono, retained).counts;
}

}  // namespace

TEST_CASE("a reading of three days ago counts for nothing, of every kind of sensor, retained or live") {
  for (const SensorKind kind : {SensorKind::kPir, SensorKind::kContact, SensorKind::kThermalArray}) {
    for (const bool retained : {true, false}) {
      CHECK_FALSE(counts(kind, kToday - 72h, retained));
      CHECK_FALSE(counts(kind, kToday + 72h, retained));
      CHECK_FALSE(counts(kind, wall_from_microseconds(0), retained));
      CHECK_FALSE(counts(kind, wall_from_microseconds(4'291'747'200'000'000), retained));  // 2106
      CHECK(counts(kind, kToday - 1s, retained));
    }
  }
}

TEST_CASE("a reading counts while it is younger than its hold") {
  CHECK(counts(SensorKind::kPir, kToday - 59s, true));
  CHECK_FALSE(counts(SensorKind::kPir, kToday - 60s, true));
  CHECK_FALSE(counts(SensorKind::kPir, kToday - 60s, false));
  CHECK(counts(SensorKind::kContact, kToday - 119min, true));
  CHECK_FALSE(counts(SensorKind::kContact, kToday - 2h, true));
  CHECK(ReadingAge(sensor_of_kind(SensorKind::kPir)).judge(kToday - 40s, kToday, kMono, true).age == 40s);
  CHECK(ReadingAge(sensor_of_kind(SensorKind::kPir)).judge(kToday + 3s, kToday, kMono, false).age == 0s);
}

TEST_CASE("without a time a retained reading counts for nothing, a live one is new") {
  for (const SensorKind kind : {SensorKind::kPir, SensorKind::kContact, SensorKind::kThermalArray}) {
    CHECK_FALSE(counts(kind, std::nullopt, true));
    CHECK(counts(kind, std::nullopt, false));
  }
}

TEST_CASE("a retained reading of a clock that is ahead has no age that is known") {
  CHECK_FALSE(counts(SensorKind::kPir, kToday + 30s, true));
  CHECK(counts(SensorKind::kPir, kToday + 30s, false));
}

TEST_CASE("an array whose readings keep pace with their arrival is here and has a wrong clock") {
  ReadingAge age(sensor_of_kind(SensorKind::kThermalArray));
  int counted = 0;
  for (int i = 0; i < 80; ++i) {  // 10 s
    const std::chrono::milliseconds at(125 * i);
    const bool counts = age.judge(kToday - 8h + at, kToday + at, kMono + at, false).counts;
    CHECK(counts == (at >= 5s));
    CHECK(age.fault().empty() == counts);
    counted += counts ? 1 : 0;
  }
  CHECK(counted == 40);
  // Set right while it runs: not one reading is lost.
  for (int i = 80; i < 160; ++i) {
    const std::chrono::milliseconds at(125 * i);
    CHECK(age.judge(kToday + at, kToday + at, kMono + at, false).counts);
  }
}

TEST_CASE("what a bridge had queued for an hour and hands on at once is old, and so is a clock that stands still") {
  ReadingAge queued(sensor_of_kind(SensorKind::kThermalArray));
  for (int i = 0; i < 400; ++i) {
    const std::chrono::milliseconds at(25 * i);
    CHECK_FALSE(queued.judge(kToday - 1h + std::chrono::milliseconds(250 * i), kToday + at, kMono + at, false).counts);
  }
  ReadingAge still(sensor_of_kind(SensorKind::kThermalArray));
  for (int i = 0; i < 400; ++i) {
    const std::chrono::milliseconds at(125 * i);
    CHECK_FALSE(still.judge(kToday - 1h, kToday + at, kMono + at, false).counts);
  }
  CHECK(still.fault().find("older than they may be") != std::string::npos);
}

TEST_CASE("a motion detector of a wrong clock is unknown, and its words say why") {
  ReadingAge age(sensor_of_kind(SensorKind::kPir));
  for (int i = 0; i < 100; ++i) {
    const std::chrono::seconds at(i);
    CHECK_FALSE(age.judge(kToday + 8h + at, kToday + at, kMono + at, false).counts);
  }
  CHECK(age.fault().find("from the future") != std::string::npos);
  CHECK(age.judge(kToday + 100s, kToday + 100s, kMono + 100s, false).counts);
  CHECK(age.fault().empty());
}

}  // namespace kanhu::sense
