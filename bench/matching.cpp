// SPDX-License-Identifier: MIT
#include "bench/matching.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kanhu::bench {

const char* size_class_name(std::size_t size_class) {
  constexpr const char* kNames[kSizeClasses] = {"< 8", "8-12", "12-20", "20-40", "> 40"};
  return kNames[size_class];
}

std::size_t size_class_of(const Label& label) {
  const double px = label.inter_pupil_px();
  return px < 8 ? 0 : px < 12 ? 1 : px < 20 ? 2 : px <= 40 ? 3 : 4;
}

std::vector<Outcome> outcomes_of(std::span<const Label> labels, std::vector<Found> found) {
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.score > b.score; });
  std::vector<Outcome> outcomes;
  std::vector<bool> taken(labels.size(), false);
  for (const Found& one : found) {
    const Label box{one.left, one.top, one.width, one.height, {}, false};
    std::size_t best = labels.size();
    double best_overlap = 0;
    bool on_ignored = false;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const double shared = overlap(box, labels[i]);
      if (shared < kSameFace) continue;
      if (labels[i].ignore) {
        on_ignored = true;
      } else if (!taken[i] && shared > best_overlap) {
        best = i;
        best_overlap = shared;
      }
    }
    if (best < labels.size()) {
      taken[best] = true;
      outcomes.push_back({one.score, true, true, size_class_of(labels[best])});
    } else if (!on_ignored) {
      outcomes.push_back({one.score, false, false, 0});
    }
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!taken[i] && !labels[i].ignore) outcomes.push_back({0, true, false, size_class_of(labels[i])});
  }
  return outcomes;
}

void Tally::add(std::span<const Label> labels, std::vector<Found> found) {
  const auto more = outcomes_of(labels, std::move(found));
  outcomes_.insert(outcomes_.end(), more.begin(), more.end());
  ++pictures_;
  labels_ += static_cast<std::size_t>(std::count_if(labels.begin(), labels.end(), [](const Label& one) { return !one.ignore; }));
}

void Tally::add(const Tally& other) {
  outcomes_.insert(outcomes_.end(), other.outcomes_.begin(), other.outcomes_.end());
  pictures_ += other.pictures_;
  labels_ += other.labels_;
}

Operation Tally::at(double threshold) const {
  Operation operation;
  operation.threshold = threshold;
  operation.pictures = pictures_;
  operation.recall.of = labels_;
  for (const Outcome& one : outcomes_) {
    const bool counts = one.score >= threshold;
    if (!one.is_label) {
      operation.false_positives += counts ? 1 : 0;
      continue;
    }
    ++operation.by_size[one.size_class].of;
    if (one.found && counts) {
      ++operation.recall.hits;
      ++operation.by_size[one.size_class].hits;
    }
  }
  return operation;
}

Operation Tally::within(std::size_t false_positives) const {
  std::vector<double> mistaken, said;
  for (const Outcome& one : outcomes_) {
    if (one.is_label && !one.found) continue;
    said.push_back(one.score);
    if (!one.is_label) mistaken.push_back(one.score);
  }
  if (said.empty()) return at(0);
  std::sort(mistaken.begin(), mistaken.end(), std::greater<>());
  std::sort(said.begin(), said.end());
  if (mistaken.size() <= false_positives) return at(said.front());
  // The lowest score said above the first mistake that is one too many.
  const auto lowest = std::upper_bound(said.begin(), said.end(), mistaken[false_positives]);
  if (lowest != said.end()) return at(*lowest);
  Operation strictest = at(said.back());
  strictest.within = false;
  return strictest;
}

Operation Tally::within_allowance() const {
  return within(static_cast<std::size_t>(std::floor(kFalsePositivesAllowed * static_cast<double>(pictures_) + 1e-9)));
}

double miss_ratio(const Tally& ours, const Tally& peer) {
  const Operation theirs = peer.within_allowance();
  const Operation own = theirs.within ? ours.within_allowance() : ours.within(theirs.false_positives);
  if (theirs.misses() == 0) return own.misses() == 0 ? 1 : static_cast<double>(own.misses()) + 1;
  return static_cast<double>(own.misses()) / static_cast<double>(theirs.misses());
}

}  // namespace kanhu::bench
