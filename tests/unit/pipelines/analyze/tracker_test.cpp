// SPDX-License-Identifier: MIT
#include "pipelines/analyze/tracker.hpp"

#include <set>

#include <catch2/catch.hpp>

#include "models/assignment/assignment.hpp"
#include "tests/support/scripted_detector.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using test::detection;
using test::media;

namespace {

std::uint64_t mark(Tracker& tracker) {  // gives each track a lasting name, as the analyzer does
  static std::uint64_t next = 1;
  for (Track& track : tracker.tracks())
    if (track.id == 0) track.id = next++;
  return next;
}

std::uint64_t id_at(const Tracker& tracker, double x) {
  for (const Track& track : tracker.tracks())
    if (track.seen && std::abs(track.box.x - x) < 1e-9) return track.id;
  return 0;
}

}  // namespace

TEST_CASE("the assignment takes the best sum, not the best first pair") {
  CHECK(models::assign_best({9, 8, 8, 1}, 2, 2) == std::vector<int>{1, 0});
  CHECK(models::assign_best({5, 0, 0, 0}, 2, 2) == std::vector<int>{0, -1});
  CHECK(models::assign_best({1, 7, 3}, 1, 3) == std::vector<int>{1});
  CHECK(models::assign_best({1, 7, 3}, 3, 1) == std::vector<int>{-1, 0, -1});
  CHECK(models::assign_best({}, 0, 4).empty());
  CHECK(models::assign_best({1}, 2, 2) == std::vector<int>{-1, -1});
}

TEST_CASE("two people who cross keep their ids") {
  Tracker tracker;
  std::uint64_t left = 0, right = 0;
  for (int i = 0; i <= 20; ++i) {
    const double a = 0.1 + 0.03 * i;
    const double b = 0.7 - 0.03 * i;
    tracker.update({detection(a, 0.4), detection(b, 0.42)}, media(200 * i), test::wall_at(200 * i));
    mark(tracker);
    if (i == 1) {
      left = id_at(tracker, a);
      right = id_at(tracker, b);
    }
    if (i == 20) {
      CHECK(id_at(tracker, a) == left);
      CHECK(id_at(tracker, b) == right);
    }
  }
  CHECK(left != right);
  CHECK(tracker.tracks().size() == 2);
}

TEST_CASE("a person hidden behind another for a second is the same person afterwards") {
  Tracker tracker;
  std::uint64_t walker = 0;
  for (int i = 0; i <= 20; ++i) {
    const double a = 0.1 + 0.03 * i;
    std::vector<Detection> found{detection(0.4, 0.4)};
    if (i < 8 || i > 12) found.push_back(detection(a, 0.4));
    tracker.update(found, media(200 * i), test::wall_at(200 * i));
    mark(tracker);
    if (i == 2) walker = id_at(tracker, a);
    if (i == 20) CHECK(id_at(tracker, a) == walker);
  }
  CHECK(tracker.tracks().size() == 2);
}

TEST_CASE("one sighting is no person, two within a second are") {
  Tracker tracker;
  tracker.update({detection(0.4, 0.4)}, media(0), {});
  CHECK_FALSE(tracker.tracks().at(0).confirmed);
  SECTION("within a second") {
    tracker.update({detection(0.41, 0.4)}, media(1000), {});
    REQUIRE(tracker.tracks().size() == 1);
    CHECK(tracker.tracks()[0].confirmed);
    CHECK(tracker.tracks()[0].first_pts == media(0));
  }
  SECTION("later") {
    const auto dead = tracker.update({detection(0.41, 0.4)}, media(1001), {});
    CHECK(dead.size() == 1);
    REQUIRE(tracker.tracks().size() == 1);
    CHECK_FALSE(tracker.tracks()[0].confirmed);
  }
}

TEST_CASE("a track dies two seconds after it was last seen") {
  Tracker tracker;
  tracker.update({detection(0.4, 0.4)}, media(0), {});
  tracker.update({detection(0.4, 0.4)}, media(200), {});
  CHECK(tracker.update({}, media(2199), {}).empty());
  const auto dead = tracker.update({}, media(2200), {});
  REQUIRE(dead.size() == 1);
  CHECK(dead[0].last_pts == media(200));
  CHECK(tracker.tracks().empty());
}

TEST_CASE("a slow camera's people are followed all the same") {
  Tracker tracker(0.5);
  tracker.update({detection(0.4, 0.4)}, media(0), {});
  tracker.update({detection(0.41, 0.4)}, media(2000), {});
  tracker.update({detection(0.42, 0.4)}, media(4000), {});
  REQUIRE(tracker.tracks().size() == 1);
  CHECK(tracker.tracks()[0].confirmed);
}

TEST_CASE("a face and a person at the same place are two tracks") {
  Tracker tracker;
  for (int i = 0; i < 3; ++i) tracker.update({detection(0.4, 0.4), detection(0.4, 0.4, 0.1, 0.2, 0.8, "face")}, media(200 * i), {});
  CHECK(tracker.tracks().size() == 2);
}
