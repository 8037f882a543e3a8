// SPDX-License-Identifier: MIT
#include "gallery/calibration.hpp"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "gallery/matcher.hpp"
#include "tests/unit/gallery/people.hpp"

using namespace kanhu;
using namespace kanhu::gallery;
using namespace kanhu::test;

namespace {

std::vector<double> normal_scores(std::size_t count, double mean, double deviation, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(mean, deviation);
  std::vector<double> scores(count);
  for (double& score : scores) score = normal(random);
  return scores;
}

// Of a normal distribution.
double rate_above(double threshold, double mean, double deviation) {
  return 0.5 * std::erfc((threshold - mean) / deviation / std::sqrt(2.0));
}

}  // namespace

TEST_CASE("the interval of a proportion is that of Clopper and Pearson") {
  // R: binom.test(x, n)$conf.int
  const auto check = [](std::uint64_t hits, std::uint64_t trials, double low, double high) {
    const Interval interval = proportion_interval(hits, trials);
    CHECK(interval.low == Approx(low).margin(5e-7));
    CHECK(interval.high == Approx(high).margin(5e-7));
  };
  check(0, 10, 0, 0.3084971);
  check(1, 10, 0.0025286, 0.4450161);
  check(5, 10, 0.1870860, 0.8129140);
  check(10, 10, 0.6915029, 1);
  check(0, 100'000, 0, 0.0000369);
  CHECK(proportion_interval(0, 0).low == 0);
  CHECK(proportion_interval(0, 0).high == 1);
  // Rule of three, of a one-sided 95 %; the two-sided interval has 3.69.
  CHECK(proportion_interval(0, 1'000'000).high == Approx(3.689e-6).epsilon(0.001));
}

TEST_CASE("the equal error rate of two normal distributions is the one of their overlap") {
  const auto own = normal_scores(50'000, 0.8, 0.05, 1), others = normal_scores(50'000, 0.6, 0.05, 2);
  const Verification found = verify(own, others);
  CHECK(found.equal_error_rate == Approx(rate_above(0.7, 0.6, 0.05)).margin(0.001));
  CHECK(found.threshold == Approx(0.7).margin(0.002));
  CHECK(found.best_accuracy == Approx(1 - rate_above(0.7, 0.6, 0.05)).margin(0.001));
}

TEST_CASE("scores that do not overlap have no error, equal ones are told apart by chance, none say nothing") {
  const std::vector<double> high{0.8, 0.9, 0.85}, low{0.1, 0.2, 0.3};
  CHECK(verify(high, low).equal_error_rate == 0);
  CHECK(verify(high, low).best_accuracy == 1);
  CHECK(verify(low, high).equal_error_rate == 1);
  CHECK(verify(high, high).equal_error_rate == Approx(0.5).margin(0.2));
  CHECK(verify({}, low).best_accuracy == 0);
}

TEST_CASE("with enough scores the threshold lets through no more than the rate asked for") {
  const auto scores = normal_scores(100'000, 0.5, 0.05, 3);
  const auto made = threshold_for(scores, 1e-3);
  REQUIRE(made);
  const auto reached = std::count_if(scores.begin(), scores.end(), [&](double score) { return score >= made->threshold; });
  CHECK(reached == 100);
  CHECK(made->comparisons == 100'000);
  CHECK(made->false_match_rate == 1e-3);
  CHECK(made->interval_low < 1e-3);
  CHECK(made->interval_high > 1e-3);
  CHECK(made->interval_high < 1.3e-3);
  CHECK(rate_above(made->threshold, 0.5, 0.05) == Approx(1e-3).epsilon(0.2));
}

TEST_CASE("equal scores are let through together or not at all") {
  std::vector<double> scores(1000, 0.5);
  std::fill_n(scores.begin(), 20, 0.7);
  const auto made = threshold_for(scores, 0.01);
  REQUIRE(made);
  CHECK(made->threshold > 0.7);
  CHECK(made->interval_low == 0);
  CHECK(threshold_for(scores, 0.02)->threshold <= 0.7);
}

TEST_CASE("with too few scores the tail is extrapolated, on the safe side, and the interval says how little they show") {
  int too_low = 0;
  double least = 1, most = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto scores = normal_scores(2000, 0.5, 0.05, 100 + seed);
    const auto made = threshold_for(scores, 1e-4);
    REQUIRE(made);
    const double rate = rate_above(made->threshold, 0.5, 0.05);
    too_low += rate > 3e-4 ? 1 : 0;
    least = std::min(least, rate);
    most = std::max(most, rate);
    CHECK(made->threshold > *std::max_element(scores.begin(), scores.end()));
    CHECK(made->interval_low == 0);
    CHECK(made->interval_high == Approx(proportion_interval(0, 2000).high));
  }
  INFO("true rates at the thresholds: " << least << " to " << most);
  CHECK(too_low <= 5);
  CHECK(most < 1e-3);
}

TEST_CASE("too few comparisons, and rates that are none, are refused with the numbers") {
  const auto scores = normal_scores(199, 0.5, 0.05, 4);
  const auto few = threshold_for(scores, 1e-3);
  REQUIRE_FALSE(few);
  CHECK(few.error().kind == ErrorKind::kInvalidArgument);
  CHECK(few.error().message.find("199") != std::string::npos);
  CHECK(few.error().message.find("200") != std::string::npos);
  const auto enough = normal_scores(200, 0.5, 0.05, 4);
  CHECK(threshold_for(enough, 1e-3));
  for (const double rate : {0.0, -1.0, 0.2, std::nan("")}) CHECK_FALSE(threshold_for(enough, rate));
}

TEST_CASE("a gallery's own scores keep different people and the same person apart") {
  const Gallery gallery = gallery_of(8, 5);
  const auto others = impostor_scores(gallery), own = genuine_scores(gallery);
  CHECK(others.size() == 8 * 7 * 5);
  CHECK(own.size() == 8 * 5);
  CHECK(verify(own, others).equal_error_rate == 0);
  CHECK(genuine_scores(gallery_of(8, 1)).empty());
  CHECK(people_needed(5) == 7);
  CHECK(people_needed(1) == 15);
  CHECK(people_needed(0) == 15);
  const auto made = threshold_for(others, 1e-3);
  REQUIRE(made);
  CHECK(made->threshold > *std::max_element(others.begin(), others.end()));
}

TEST_CASE("the default threshold rises with the number of people, and an embedder nobody measured recognises nobody") {
  double last = 0;
  for (const std::size_t people : {1u, 10u, 40u, 300u, 2000u}) {
    const double threshold = default_threshold("dlib-resnet-29", people);
    CHECK(threshold > last);
    CHECK(threshold < 0.9);
    last = threshold;
  }
  CHECK(default_threshold("dlib-resnet-29", 0) == default_threshold("dlib-resnet-29", 1));
  CHECK(default_threshold("another", 10) == 1);
}
