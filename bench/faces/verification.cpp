// SPDX-License-Identifier: MIT
#include "bench/faces/verification.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "gallery/matcher.hpp"

namespace kanhu::bench {
namespace {

double score_between(const Shot& a, const Shot& b) { return gallery::score_of(gallery::scalar_product(a.embedding, b.embedding)); }

std::size_t below(const std::vector<double>& sorted, double cut) {
  return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), cut) - sorted.begin());
}

// The threshold of the best accuracy.
double best_cut(const std::vector<double>& same, const std::vector<double>& different) {
  double best = 0, cut_there = 0;
  for (const double cut : same) {
    const double kept = 1 - static_cast<double>(below(same, cut)) / static_cast<double>(same.size());
    const double rejected = static_cast<double>(below(different, cut)) / static_cast<double>(different.size());
    if (kept + rejected <= best) continue;
    best = kept + rejected;
    cut_there = cut;
  }
  return cut_there;
}

// Each comparison is tried once, at a threshold that was made from the comparisons of people of other folds.
void calibrate_across_folds(const std::vector<Comparison>& comparisons, VerificationResult& result) {
  std::set<std::size_t> people;
  for (const Comparison& one : comparisons) people.insert({one.first, one.second});
  std::map<std::size_t, std::size_t> fold_of;
  for (const std::size_t person : people) fold_of.emplace(person, fold_of.size() % kFolds);
  const std::size_t folds = std::min(kFolds, people.size());
  double thresholds = 0;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<double> strangers;
    for (const Comparison& one : comparisons) {
      if (!one.same && fold_of[one.first] != fold && fold_of[one.second] != fold) strangers.push_back(one.score);
    }
    const auto calibration = gallery::threshold_for(strangers, kCalibratedRate);
    if (!calibration) {
      result.why_not_calibrated = calibration.error().message;
      result.false_match = result.false_non_match = {};
      return;
    }
    thresholds += calibration->threshold;
    for (const Comparison& one : comparisons) {
      if (fold_of[one.first] != fold) continue;
      Share& share = one.same ? result.false_non_match : result.false_match;
      ++share.of;
      const bool matches = one.score >= calibration->threshold;
      share.hits += matches != one.same ? 1 : 0;
    }
  }
  result.mean_threshold = folds == 0 ? 0 : thresholds / static_cast<double>(folds);
  result.calibrated = folds > 0;
}

}  // namespace

std::vector<Comparison> comparisons_of(const ShotSet& shots) {
  std::vector<Comparison> comparisons;
  if (shots.has_people) {
    for (std::size_t i = 0; i < shots.shots.size(); ++i) {
      const Shot& a = shots.shots[i];
      for (std::size_t j = i + 1; a.found && j < shots.shots.size(); ++j) {
        const Shot& b = shots.shots[j];
        if (b.found) comparisons.push_back({score_between(a, b), a.person == b.person, a.person, b.person});
      }
    }
    return comparisons;
  }
  std::map<std::string, const Shot*> by_path;
  for (const Shot& shot : shots.shots) by_path[shot.path] = &shot;
  for (const Pair& pair : shots.pairs) {
    const Shot *a = by_path[pair.first], *b = by_path[pair.second];
    const std::size_t number = comparisons.size();
    if (a != nullptr && b != nullptr && a->found && b->found) comparisons.push_back({score_between(*a, *b), pair.same, number, number});
  }
  return comparisons;
}

VerificationResult figures_of(const std::vector<Comparison>& comparisons) {
  VerificationResult result;
  std::vector<double> same, different;
  for (const Comparison& one : comparisons) (one.same ? same : different).push_back(one.score);
  result.same = same.size();
  result.different = different.size();
  if (same.empty() || different.empty()) {
    result.why_not_calibrated = "pairs of the same and of different people are needed";
    return result;
  }
  std::sort(same.begin(), same.end());
  std::sort(different.begin(), different.end());
  const auto figures = gallery::verify(same, different);
  result.equal_error_rate = figures.equal_error_rate;
  result.equal_error_threshold = figures.threshold;
  const auto missed_at = [&](double cut) { return gallery::proportion_interval(below(same, cut), same.size()); };
  const auto matched_at = [&](double cut) {
    return gallery::proportion_interval(different.size() - below(different, cut), different.size());
  };
  result.equal_error_interval = missed_at(figures.threshold);
  const double best = best_cut(same, different);
  const Interval missed = missed_at(best), matched = matched_at(best);
  result.accuracy = figures.best_accuracy;
  result.accuracy_interval = {1 - (missed.high + matched.high) / 2, 1 - (missed.low + matched.low) / 2};
  calibrate_across_folds(comparisons, result);
  return result;
}

VerificationResult verify(const ShotSet& shots) {
  VerificationResult result = figures_of(comparisons_of(shots));
  result.set = shots.set;
  result.degradation = shots.degradation;
  result.pictures = shots.shots.size();
  result.framed = shots.framed;
  result.found = static_cast<std::size_t>(std::count_if(shots.shots.begin(), shots.shots.end(), [](const Shot& one) { return one.found; }));
  return result;
}

}  // namespace kanhu::bench
