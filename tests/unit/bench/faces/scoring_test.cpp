// SPDX-License-Identifier: MIT
#include "bench/faces/scoring.hpp"

#include <cmath>
#include <set>

#include <catch2/catch.hpp>

using namespace kanhu;
using namespace kanhu::bench;

namespace {

// `people` of them, `each` shots, each person along an axis of its own with noise of `spread` on all axes.
ShotSet crowd(std::size_t people, std::size_t each, double spread) {
  Noise noise(11);
  ShotSet set;
  set.set = "crowd";
  set.has_people = true;
  for (std::size_t person = 0; person < people; ++person) {
    for (std::size_t i = 0; i < each; ++i) {
      std::vector<float> embedding(people);
      double square = 0;
      for (std::size_t k = 0; k < people; ++k) {
        const double value = (k == person ? 1 : 0) + spread * noise.normal();
        embedding[k] = static_cast<float>(value);
        square += value * value;
      }
      for (float& value : embedding) value = static_cast<float>(value / std::sqrt(square));
      set.shots.push_back({"", person, true, std::move(embedding), 0.5});
    }
  }
  return set;
}

}  // namespace

TEST_CASE("every way to score is compared on the same splits, for three and five templates") {
  const auto results = compare_scoring(crowd(12, 8, 0.05), "dlib-resnet-29");
  REQUIRE(results.size() == 8);
  std::set<std::string_view> rules;
  for (const auto& one : results) {
    rules.insert(one.rule);
    CHECK(one.people == 12);
    CHECK(one.strangers == kSplits * 12 * 11);
    CHECK(one.missed.of == kSplits * 12);
    CHECK(one.reached[0] < one.reached[1]);
    CHECK(one.reached[1] > 0);
    CHECK(one.reached[2] == 0);  // 6,600 comparisons have no one in ten thousand
    CHECK(one.missed.hits == 0);
    for (const auto& share : one.missed_by_default) CHECK(share.hits == 0);
  }
  CHECK(rules.size() == 4);
}

TEST_CASE("people who are not told apart miss their own threshold") {
  for (const auto& one : compare_scoring(crowd(12, 8, 1), "dlib-resnet-29")) {
    CHECK(one.missed.value() > 0.3);
    CHECK(one.missed_by_default[2].hits >= one.missed_by_default[0].hits);
  }
}

TEST_CASE("the best template alone scores highest with strangers") {
  const auto results = compare_scoring(crowd(20, 10, 0.3), "dlib-resnet-29");
  const auto reached_by = [&](std::string_view rule) {
    for (const auto& one : results) {
      if (one.rule == rule && one.templates == 5) return one.reached[1];
    }
    return 0.0;
  };
  CHECK(reached_by("best") > reached_by("best two"));
  CHECK(reached_by("best two") > reached_by("mean of all"));
}

TEST_CASE("too few people, too few shots and faces that were not found are left out of scoring") {
  CHECK(compare_scoring(crowd(9, 8, 0.05), "dlib-resnet-29").empty());
  CHECK(compare_scoring(crowd(12, 5, 0.05), "dlib-resnet-29").empty());
  CHECK(compare_scoring(crowd(12, 6, 0.05), "dlib-resnet-29").size() == 4);  // three templates only
  ShotSet unnamed = crowd(12, 8, 0.05);
  unnamed.has_people = false;
  CHECK(compare_scoring(unnamed, "dlib-resnet-29").empty());
  ShotSet hidden = crowd(12, 8, 0.05);
  for (std::size_t i = 0; i < 3; ++i) hidden.shots[i].found = false;
  for (const auto& one : compare_scoring(hidden, "dlib-resnet-29")) CHECK(one.people == 11);
}
