// SPDX-License-Identifier: MIT
// A gallery in eight dimensions: everybody looks along an axis of their own, so that scores can be reckoned by hand.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "gallery/calibration.hpp"
#include "gallery/matcher.hpp"

namespace kanhu::identify::test {

inline constexpr int kDimension = 8;

// `share` of axis `who`, the rest along axis `other`; of unit length.
inline std::vector<float> like(int who, double share = 1, int other = 7) {
  std::vector<float> shape(kDimension, 0);
  shape[static_cast<std::size_t>(other)] = static_cast<float>(std::sqrt(1 - share * share));
  shape[static_cast<std::size_t>(who)] += static_cast<float>(share);
  return shape;
}

inline std::string ref_of(int who) { return std::string(25, 'p') + static_cast<char>('a' + who); }

inline gallery::MatcherPtr matcher(int people, double threshold = 0.75) {
  gallery::Gallery made;
  made.facility = "fuxing";
  made.version = 3;
  made.embedder = "shapes";
  made.embedder_digest = std::string(64, 'e');
  made.dimension = kDimension;
  for (int who = 0; who < people; ++who) {
    gallery::Person person;
    person.ref = ref_of(who);
    person.name = "name of " + std::to_string(who);
    person.consent = {"clerk", WallTime{}, "2026-1", {}};
    for (int shot = 0; shot < 3; ++shot) person.templates.push_back({like(who), {}, {}});
    made.people.push_back(person);
  }
  made.calibration = gallery::Calibration{threshold, 1e-3, 0, 2e-3, 1000, {}};
  return gallery::Matcher::make(made, WallTime{});
}

}  // namespace kanhu::identify::test
