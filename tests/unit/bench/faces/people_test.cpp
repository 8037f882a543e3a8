// SPDX-License-Identifier: MIT
#include <cmath>

#include <catch2/catch.hpp>

#include "bench/faces/identification.hpp"
#include "bench/faces/verification.hpp"

using namespace kanhu;
using namespace kanhu::bench;

namespace {

// Near direction `person` of `dimension`, off by `spread`.
std::vector<float> near(std::size_t person, std::size_t dimension, double spread, Noise& noise) {
  std::vector<double> sum(dimension, 0.5);
  sum[person] += 3;
  double square = 0;
  for (double& one : sum) {
    one += spread * noise.normal();
    square += one * one;
  }
  std::vector<float> unit;
  for (const double one : sum) unit.push_back(static_cast<float>(one / std::sqrt(square)));
  return unit;
}

ShotSet people(std::size_t count, std::size_t pictures, double spread) {
  Noise noise(7);
  ShotSet set;
  set.set = "made";
  set.has_people = true;
  for (std::size_t person = 0; person < count; ++person) {
    for (std::size_t i = 0; i < pictures; ++i)
      set.shots.push_back({std::to_string(person), person, true, near(person, 64, spread, noise), 0.5});
  }
  return set;
}

models::EmbedderInfo embedder() { return {"dlib-resnet-29", "0123", 64}; }

}  // namespace

TEST_CASE("equal-error rate and accuracy of scores whose figures are known") {
  std::vector<Comparison> comparisons;
  // Same: 0.0 .. 0.9 and 1.0 .. 1.9; different: 0.05 below the first ten only. At 0.5: 5 of 20 missed, 5 of 20 matched.
  for (std::size_t i = 0; i < 10; ++i) {
    const double x = static_cast<double>(i) / 10;
    comparisons.push_back({x, true, i, i});
    comparisons.push_back({1 + x, true, i, i});
    comparisons.push_back({x - 0.05, false, i, (i + 1) % 10});
    comparisons.push_back({x - 1.05, false, i, (i + 2) % 10});
  }
  const auto result = figures_of(comparisons);
  CHECK(result.same == 20);
  CHECK(result.different == 20);
  CHECK(result.equal_error_rate == Approx(0.25).margin(0.026));
  CHECK(result.equal_error_interval.low < 0.25);
  CHECK(result.equal_error_interval.high > 0.25);
  CHECK(result.accuracy == Approx(0.775).margin(0.026));
  CHECK(result.accuracy_interval.low < result.accuracy);
  CHECK(result.accuracy_interval.high > result.accuracy);
  CHECK_FALSE(result.calibrated);  // 20 comparisons say nothing about one in a thousand
  CHECK_FALSE(result.why_not_calibrated.empty());
}

TEST_CASE("people who are told apart have no errors; pictures without a face are counted and not compared") {
  ShotSet set = people(12, 6, 0.05);
  set.shots[3].found = false;
  const auto result = verify(set);
  CHECK(result.pictures == 72);
  CHECK(result.found == 71);
  CHECK(result.same == 12 * 15 - 5);
  CHECK(result.different == 71 * 70 / 2 - result.same);
  CHECK(result.equal_error_rate == 0);
  CHECK(result.accuracy == 1);
  REQUIRE(result.calibrated);
  CHECK(result.false_match.of == result.different);
  CHECK(result.false_non_match.of == result.same);
  CHECK(result.false_non_match.hits == 0);
}

TEST_CASE("pairs of a list are compared as listed") {
  Noise noise(1);
  ShotSet set;
  set.shots = {{"a", 0, true, near(0, 8, 0.01, noise), 1},
               {"b", 0, true, near(0, 8, 0.01, noise), 1},
               {"c", 0, true, near(5, 8, 0.01, noise), 1},
               {"d", 0, false, {}, 0}};
  set.pairs = {{"a", "b", true}, {"a", "c", false}, {"a", "d", true}};
  const auto comparisons = comparisons_of(set);
  REQUIRE(comparisons.size() == 2);
  CHECK(comparisons[0].same);
  CHECK(comparisons[0].score > comparisons[1].score);
}

TEST_CASE("templates and tracks are of different pictures, and a track's shots count by their quality") {
  ShotSet plain = people(1, 10, 0.05), probes = plain;
  for (Shot& shot : probes.shots) shot.embedding = std::vector<float>(64, 0.125F);  // not a template's
  const auto subjects = subjects_of({&plain}, {&probes});
  REQUIRE(subjects.size() == 1);
  CHECK(subjects[0].templates.size() == 5);
  CHECK(subjects[0].templates[4] == plain.shots[4].embedding);
  REQUIRE(subjects[0].tracks.size() == 5);
  CHECK(subjects[0].tracks[0][7] == Approx(0.125F));

  const Shot good{"", 0, true, {1, 0}, 0.9}, bad{"", 0, true, {0, 1}, 0.3}, worthless{"", 0, true, {0, 1}, 0};
  const auto weighted = combined({&good, &bad});
  CHECK(weighted[0] == Approx(3 / std::sqrt(10.0)));
  CHECK(weighted[1] == Approx(1 / std::sqrt(10.0)));
  CHECK(combined({&good, &worthless}) == std::vector<float>{1, 0});
}

TEST_CASE("somebody with fewer than two templates and three more shots is no subject") {
  ShotSet four = people(1, 4, 0.05), five = people(1, 5, 0.05), ten = people(1, 10, 0.05);
  CHECK(subjects_of({&four}, {&four}).empty());
  CHECK(subjects_of({&five}, {&five}).at(0).tracks.size() == 1);
  for (std::size_t i = 5; i < 8; ++i) ten.shots[i].found = false;
  CHECK(subjects_of({&ten}, {&ten}).empty());
}

TEST_CASE("people who are told apart are recognised in galleries filled up with made-up ones, the same at every run") {
  const ShotSet set = people(24, 8, 0.05);
  const auto subjects = subjects_of({&set}, {&set});
  REQUIRE(subjects.size() == 24);
  const auto results = identify(subjects, embedder(), Degradation::kNone);
  REQUIRE(results.size() == 3);
  CHECK(results[0].real == 10);
  CHECK(results[0].made_up == 0);
  CHECK(results[0].strangers == 14);
  CHECK(results[2].real == 16);
  CHECK(results[2].made_up == 284);
  for (const auto& one : results) {
    CHECK(one.false_negative.hits == 0);
    CHECK(one.false_negative.of == one.draws * one.real * 4);
    CHECK(one.false_positive.of == one.draws * one.strangers * 4);
    CHECK(one.false_positive.value() <= kFalsePositiveRate);
  }
  const auto again = identify(subjects, embedder(), Degradation::kNone);
  CHECK(again[2].threshold == results[2].threshold);
  CHECK(identify({subjects.begin(), subjects.begin() + 3}, embedder(), Degradation::kNone).empty());
}

TEST_CASE("people who cannot be told apart are missed rather than confused with strangers") {
  const ShotSet set = people(24, 8, 3);
  const auto results = identify(subjects_of({&set}, {&set}), embedder(), Degradation::kNone);
  for (const auto& one : results) {
    CHECK(one.false_negative.value() > 0.5);
    CHECK(one.false_positive.value() <= kFalsePositiveRate);
  }
}
