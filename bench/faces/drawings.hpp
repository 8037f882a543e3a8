// SPDX-License-Identifier: MIT
// How often people are taken for drawings at enrolment (models/faces/drawn.hpp).
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "bench/faces/shots.hpp"
#include "bench/matching.hpp"
#include "models/faces/drawn.hpp"

namespace kanhu::bench {

inline constexpr std::size_t kFewestEnrolled = 3, kMostEnrolled = 5;  // shots of a person, as at enrolment

struct DrawingResult {
  std::string set;
  Degradation degradation = Degradation::kNone;
  Share refused;        // of the people with enough shots
  double highest = -1;  // likeness to a drawing among them
};

// Everybody's first kMostEnrolled faces together. Nothing when the set names nobody with as many as kFewestEnrolled.
std::optional<DrawingResult> count_drawings(const ShotSet& shots, const models::DrawingCheck& check, double threshold);

}  // namespace kanhu::bench
