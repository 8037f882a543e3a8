// SPDX-License-Identifier: MIT
// From scores to a threshold with a stated error, instead of a number somebody once wrote down.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "gallery/gallery.hpp"

namespace kanhu::gallery {

// 95 % interval of a proportion `hits` of `trials`: Clopper and Pearson 1934 (exact). {0, 1} without trials.
struct Interval {
  double low = 0, high = 1;
};
Interval proportion_interval(std::uint64_t hits, std::uint64_t trials);

// Verification figures of a set: scores of same-person and of different-person comparisons (higher is more alike).
struct Verification {
  double equal_error_rate = 0;  // where false match and false non-match rates cross, interpolated
  double threshold = 0;         // there
  double best_accuracy = 0;     // over all thresholds, both kinds of pairs weighted equally
};
// All 0 when one of them is empty.
Verification verify(std::span<const double> genuine, std::span<const double> impostor);

// Fewer impostor comparisons say nothing about a rate that is worth asking for.
inline constexpr std::size_t kFewestComparisons = 200;

// The threshold at which at most `false_match_rate` of `impostor` scores reach it. Where there are too few scores to see such
// a rate (fewer than 3 / rate, the "rule of 3"), the tail is extrapolated: the top tenth is fitted by a generalised Pareto
// distribution (Pickands 1975; method of moments, Hosking and Wallis 1987). The interval is the exact one of the scores that
// do reach the threshold, whatever the fit says: with few scores it is wide, and that is the truth.
// Comparisons of the same two people are not independent of each other; the interval is right for as many independent ones.
// kInvalidArgument with fewer than kFewestComparisons scores or a rate outside 0..0.1. `made` is left to the caller.
Result<Calibration> threshold_for(std::span<const double> impostor, double false_match_rate);

// Scores as Matcher gives them to tracks: of a person's templates all but one, combined as the shots of a track are, against
// each other person; as many a pair of people as there are templates. Single templates would be too lenient: combined shots of
// impostors look more alike. Half of ORL as the gallery, three combined shots of the other half as impostors, 40 splits: asked
// for 1e-2, 1e-3 and 1e-4, these gave 1.0e-2, 1.0e-3 and 0.9e-4, single templates 2.9e-2, 2.5e-3 and 3.2e-4.
std::vector<double> impostor_scores(const Gallery& gallery);

// Each template against the other templates of the same person.
std::vector<double> genuine_scores(const Gallery& gallery);

// How many people with `templates` each give kFewestComparisons.
std::size_t people_needed(std::size_t templates);

// Of a gallery that is not calibrated: the score that a third party reaches with anybody of `people` with a probability of
// 0.3 % (the rate NIST's tests of identification use), from the measured tail of the embedder's impostor scores
// (calibration.cpp has the figures). An embedder that was never measured gets 1: nobody is recognised until
// `kanhu gallery calibrate` has been run.
double default_threshold(std::string_view embedder, std::size_t people);

}  // namespace kanhu::gallery
