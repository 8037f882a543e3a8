// SPDX-License-Identifier: MIT
// How a probe's likeness to each of a person's templates becomes one score: the ways there are, compared; and the tail of
// strangers' scores that a threshold without calibration comes from (gallery/calibration.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "bench/faces/identification.hpp"
#include "bench/faces/shots.hpp"
#include "bench/matching.hpp"

namespace kanhu::bench {

inline constexpr std::size_t kSplits = 50;
inline constexpr std::size_t kTemplateCounts[] = {3, 5};
inline constexpr double kStrangerRates[] = {1e-2, 1e-3, 1e-4};
inline constexpr std::size_t kFewestScored = 10;  // people; fewer pairs of people make no tail

struct ScoringResult {
  std::string set;
  std::size_t templates = 0;  // of each person
  std::string_view rule;      // "best two" is what the gateway does
  std::size_t people = 0;
  std::size_t strangers = 0;                                        // comparisons of a probe with somebody else
  std::array<double, std::size(kStrangerRates)> reached{};          // the score that this share of them reaches; 0 where there are too few
  Share missed;                                                     // own probes below the last of `reached` that is not 0
  std::array<Share, std::size(kGallerySizes)> missed_by_default{};  // below default_threshold for so many people
};

// Of a set that names people, as it is: `kSplits` times everybody's shots are dealt at random, `templates` of them into the gallery and
// three others into a probe, combined as the gateway does; every probe is compared with everybody. Who has fewer shots is left
// out. Empty with fewer than kFewestScored people. The splits repeat the same people: real intervals are wider.
std::vector<ScoringResult> compare_scoring(const ShotSet& shots, std::string_view embedder);

}  // namespace kanhu::bench
