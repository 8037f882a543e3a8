// SPDX-License-Identifier: MIT
#include "pipelines/analyze/presence.hpp"

#include <catch2/catch.hpp>

#include "pipelines/analyze/time_line.hpp"
#include "tests/support/scripted_detector.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using std::chrono::milliseconds;
using test::media;

namespace {

const PresenceConfig kConfig{milliseconds(400), milliseconds(4000), milliseconds(0)};
const ZoneEvidence kSomebody{true, 1, 0.9, "person"};
const Sight kSees{};
constexpr SourceSilence kTellsNobody{Silence::kNobody, ""};
constexpr SourceSilence kTellsNothing{Silence::kNothing, kNoFace};

Presence state_after(ZonePresence& zone, std::int64_t ms, const ZoneEvidence& evidence, Presence before) {
  zone.see(media(ms), evidence);
  const auto report = zone.report(media(ms), kSees);
  return report ? report->state : before;
}

}  // namespace

TEST_CASE("presence enters after the configured time and not before") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  CHECK(state_after(zone, 0, kSomebody, Presence::kUnknown) == Presence::kUnknown);
  CHECK(state_after(zone, 399, kSomebody, Presence::kUnknown) == Presence::kUnknown);
  CHECK(state_after(zone, 400, kSomebody, Presence::kUnknown) == Presence::kPresent);
}

TEST_CASE("presence needs somebody followed, a flicker is not enough") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  const ZoneEvidence flicker{true, 0, 0.9, "person"};
  for (int i = 0; i < 10; ++i) CHECK(state_after(zone, 200 * i, flicker, Presence::kUnknown) == Presence::kUnknown);
}

TEST_CASE("a gap of more than a second starts the wait for presence again") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  state_after(zone, 0, kSomebody, Presence::kUnknown);
  CHECK(state_after(zone, 1100, kSomebody, Presence::kUnknown) == Presence::kUnknown);
  CHECK(state_after(zone, 1500, kSomebody, Presence::kUnknown) == Presence::kPresent);
}

TEST_CASE("presence leaves after the configured time of empty frames") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  state_after(zone, 0, kSomebody, Presence::kUnknown);
  REQUIRE(state_after(zone, 400, kSomebody, Presence::kUnknown) == Presence::kPresent);
  CHECK(state_after(zone, 600, {}, Presence::kPresent) == Presence::kPresent);
  CHECK(state_after(zone, 4599, {}, Presence::kPresent) == Presence::kPresent);
  CHECK(state_after(zone, 4600, {}, Presence::kPresent) == Presence::kAbsent);
}

TEST_CASE("one sighting within the wait keeps somebody present") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  state_after(zone, 0, kSomebody, Presence::kUnknown);
  state_after(zone, 400, kSomebody, Presence::kUnknown);
  state_after(zone, 600, {}, Presence::kPresent);
  state_after(zone, 4500, kSomebody, Presence::kPresent);
  CHECK(state_after(zone, 4700, {}, Presence::kPresent) == Presence::kPresent);
  CHECK(state_after(zone, 8600, {}, Presence::kPresent) == Presence::kPresent);
  CHECK(state_after(zone, 8700, {}, Presence::kPresent) == Presence::kAbsent);
}

TEST_CASE("a source whose silence means nothing is unknown after its hold, for the reason of that silence, and never absent") {
  ZonePresence zone("canteen", kConfig, 5, kTellsNothing);
  zone.see(media(0), {});
  const auto first = zone.report(media(0), kSees);
  REQUIRE(first);
  CHECK(first->reason == "starting");
  zone.see(media(4000), {});
  const auto quiet = zone.report(media(4000), kSees);
  REQUIRE(quiet);
  CHECK(quiet->state == Presence::kUnknown);
  CHECK(quiet->reason == "no_face");
  CHECK(quiet->count == 0);
  state_after(zone, 5000, kSomebody, Presence::kUnknown);
  CHECK(state_after(zone, 5400, kSomebody, Presence::kUnknown) == Presence::kPresent);
  CHECK(state_after(zone, 5600, {}, Presence::kPresent) == Presence::kPresent);
  CHECK(state_after(zone, 9599, {}, Presence::kPresent) == Presence::kPresent);
  zone.see(media(9600), {});
  const auto gone = zone.report(media(9600), kSees);
  REQUIRE(gone);
  CHECK(gone->state == Presence::kUnknown);
  CHECK(gone->reason == "no_face");
}

TEST_CASE("frames that cannot be judged never make anybody absent") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  state_after(zone, 0, kSomebody, Presence::kUnknown);
  state_after(zone, 400, kSomebody, Presence::kUnknown);
  state_after(zone, 600, {}, Presence::kPresent);
  zone.hold();
  CHECK(state_after(zone, 9000, {}, Presence::kPresent) == Presence::kPresent);
}

TEST_CASE("what was known is forgotten when the source cannot see") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  state_after(zone, 0, kSomebody, Presence::kUnknown);
  state_after(zone, 400, kSomebody, Presence::kUnknown);
  const auto lost = zone.report(media(500), {"frozen", false});
  REQUIRE(lost);
  CHECK(lost->state == Presence::kUnknown);
  CHECK(lost->reason == "frozen");
  CHECK(lost->count == 0);
  CHECK_FALSE(zone.report(media(600), {"frozen", false}));
  CHECK_FALSE(zone.report(media(700), kSees));  // undecided: unknown as it was
  CHECK(state_after(zone, 800, {}, Presence::kUnknown) == Presence::kUnknown);
  CHECK(state_after(zone, 4800, {}, Presence::kUnknown) == Presence::kAbsent);
}

TEST_CASE("the count changes at most once a second") {
  ZonePresence zone("hall", kConfig, 5, kTellsNobody);
  zone.see(media(0), kSomebody);
  zone.report(media(0), kSees);
  zone.see(media(400), kSomebody);
  REQUIRE(zone.report(media(400), kSees));
  const ZoneEvidence two{true, 2, 0.9, "person"};
  zone.see(media(600), two);
  CHECK_FALSE(zone.report(media(600), kSees));
  zone.see(media(1400), two);
  const auto report = zone.report(media(1400), kSees);
  REQUIRE(report);
  CHECK(report->count == 2);
}

TEST_CASE("coverage is the seen share of the last minute") {
  Coverage coverage;
  coverage.add(std::chrono::seconds(30), true);
  CHECK(coverage.share() == Approx(0.5));
  coverage.add(std::chrono::seconds(30), true);
  CHECK(coverage.share() == Approx(1.0).margin(0.02));
  coverage.add(std::chrono::seconds(15), false);
  CHECK(coverage.share() == Approx(0.75).margin(0.02));
  coverage.add(std::chrono::hours(5), false);
  CHECK(coverage.share() == 0.0);
}

TEST_CASE("the clock changes only between incidents and time never goes back") {
  TimeLine line;
  line.begin_run();
  CaptureTime captured;
  captured.arrival = test::wall_at(1000);
  line.observe(captured, true);
  CHECK(line.clock() == ClockSource::kArrival);
  CHECK(line.now() == test::wall_at(1000));

  captured.arrival = test::wall_at(1200);
  captured.rtcp = test::wall_at(900);
  line.observe(captured, true);
  CHECK(line.clock() == ClockSource::kArrival);
  CHECK(line.now() == test::wall_at(1200));
  CHECK(line.offset() == milliseconds(-300));

  captured.arrival = test::wall_at(1400);
  captured.rtcp = test::wall_at(1100);
  line.observe(captured, false);
  CHECK(line.clock() == ClockSource::kRtcp);
  CHECK(line.now() == test::wall_at(1200));

  captured.arrival = test::wall_at(2000);
  captured.rtcp.reset();
  line.observe(captured, true);
  CHECK(line.clock() == ClockSource::kRtcp);
  CHECK(line.now() == test::wall_at(1700));
}

TEST_CASE("a camera whose clock is years off is timed by arrival") {
  TimeLine line;
  line.begin_run();
  CaptureTime captured;
  captured.arrival = test::wall_at(1000);
  captured.rtcp = test::wall_at(0) - std::chrono::hours(24 * 365);
  line.observe(captured, false);
  CHECK(line.clock() == ClockSource::kArrival);
  CHECK(line.now() == test::wall_at(1000));
  CHECK(line.offset() < std::chrono::hours(-24));
}

TEST_CASE("a recording's own time line is called so") {
  TimeLine line;
  line.begin_run();
  CaptureTime captured;
  captured.arrival = test::wall_at(1000);
  captured.from_file = true;
  line.observe(captured, false);
  CHECK(line.clock() == ClockSource::kFile);
  CHECK(line.uncertainty() == std::chrono::microseconds(0));
}
