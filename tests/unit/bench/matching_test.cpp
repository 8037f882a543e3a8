// SPDX-License-Identifier: MIT
#include "bench/matching.hpp"

#include <catch2/catch.hpp>

using namespace kanhu::bench;

namespace {

Label face(double left, double width = 40) { return {left, 0, width, width, {}, false}; }
Found box(double left, double score) { return {left, 0, 40, 40, score}; }

}  // namespace

TEST_CASE("each label is found once, by the best box on it; the second box there is false") {
  const std::vector<Label> labels{face(0), face(100)};
  Tally tally;
  tally.add(labels, {box(2, 0.5), box(0, 0.9), box(300, 0.7), box(104, 0.6)});
  const Operation all = tally.at(0);
  CHECK(all.recall.hits == 2);
  CHECK(all.recall.of == 2);
  CHECK(all.false_positives == 2);
  CHECK(tally.at(0.65).recall.hits == 1);
  CHECK(tally.at(0.65).false_positives == 1);
}

TEST_CASE("a box that overlaps less than three tenths is no match") {
  Tally tally;
  tally.add(std::vector<Label>{face(0)}, {box(22, 0.9)});  // 18 * 40 of 62 * 40: 0.29
  CHECK(tally.at(0).recall.hits == 0);
  CHECK(tally.at(0).false_positives == 1);
  Tally nearer;
  nearer.add(std::vector<Label>{face(0)}, {box(21, 0.9)});  // 19 of 61: 0.31
  CHECK(nearer.at(0).recall.hits == 1);
}

TEST_CASE("ignored labels neither have to be found nor make what finds them false") {
  std::vector<Label> labels{face(0), face(100)};
  labels[1].ignore = true;
  Tally tally;
  tally.add(labels, {box(0, 0.9), box(100, 0.8), box(101, 0.7)});
  CHECK(tally.labels() == 1);
  CHECK(tally.at(0).recall.hits == 1);
  CHECK(tally.at(0).false_positives == 0);
}

TEST_CASE("the threshold is the lowest that keeps the false positives allowed") {
  Tally tally;
  for (int i = 0; i < 40; ++i)  // 40 pictures: 2 are allowed
    tally.add(std::vector<Label>{face(0)},
              i < 4 ? std::vector<Found>{box(0, 0.5 + 0.1 * i), box(200, 0.45 + 0.1 * i)} : std::vector<Found>{});
  const Operation operation = tally.within_allowance();  // found at .5 .6 .7 .8, false at .45 .55 .65 .75
  CHECK(operation.within);
  CHECK(operation.false_positives == 2);
  CHECK(operation.threshold == Approx(0.6));
  CHECK(operation.recall.hits == 3);
  CHECK(tally.within(0).recall.hits == 1);
  CHECK(tally.within(99).recall.hits == 4);
}

TEST_CASE("a detector without scores is taken as it is, and that is said") {
  Tally tally;
  tally.add(std::vector<Label>{face(0)}, {box(0, 1), box(200, 1)});
  const Operation operation = tally.within_allowance();
  CHECK_FALSE(operation.within);
  CHECK(operation.recall.hits == 1);
  CHECK(operation.false_positives == 1);
}

TEST_CASE("misses are compared at equal false positives") {
  const std::vector<Label> labels{face(0), face(100), face(200), face(300)};
  Tally two_missed, one_missed, none_missed;
  two_missed.add(labels, {box(0, 0.9), box(100, 0.8)});
  one_missed.add(labels, {box(0, 0.9), box(100, 0.8), box(200, 0.7)});
  none_missed.add(labels, {box(0, 0.9), box(100, 0.8), box(200, 0.7), box(300, 0.6)});
  CHECK(miss_ratio(one_missed, two_missed) == Approx(0.5));
  CHECK(miss_ratio(none_missed, none_missed) == 1);
  CHECK(miss_ratio(none_missed, one_missed) == 0);
  CHECK(miss_ratio(two_missed, none_missed) == 3);

  // The peer has no scores and one false box: as many are allowed to us.
  Tally unscored, ours;
  unscored.add(labels, {box(0, 1), box(100, 1), box(600, 1)});
  ours.add(labels, {box(0, 0.9), box(600, 0.8), box(100, 0.7), box(200, 0.6), box(700, 0.5), box(300, 0.4)});
  CHECK(miss_ratio(ours, unscored) == Approx(0.5));
}

TEST_CASE("recall is told by the distance between the pupils") {
  std::vector<Label> labels{face(0, 20), face(100, 40), face(200, 40), face(300, 120)};
  labels[1].eyes = Eyes{{110, 10}, {121, 10}};
  Tally tally;
  tally.add(labels, {{0, 0, 20, 20, 0.9}, {100, 0, 40, 40, 0.9}});
  const Operation operation = tally.at(0);
  CHECK(operation.by_size[0].hits == 1);  // 7.7 px, estimated from the width
  CHECK(operation.by_size[1].hits == 1);  // 11 px
  CHECK(operation.by_size[2].of == 1);    // 15.4 px
  CHECK(operation.by_size[2].hits == 0);
  CHECK(operation.by_size[4].of == 1);  // 46 px
}

TEST_CASE("intervals are the exact ones of Clopper and Pearson") {
  const Share none{0, 10}, some{8, 10}, all{43, 43};
  CHECK(none.interval().low == 0);
  CHECK(none.interval().high == Approx(0.3085).margin(1e-4));
  CHECK(some.interval().low == Approx(0.4439).margin(1e-4));
  CHECK(some.interval().high == Approx(0.9748).margin(1e-4));
  CHECK(all.interval().low == Approx(0.9178).margin(1e-4));
  CHECK(all.interval().high == 1);
}
