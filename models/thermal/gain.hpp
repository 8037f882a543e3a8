// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

namespace kanhu::models {

// picture = gain * reference + offset, for most places.
struct ThermalGain {
  double gain = 1, offset = 0;
  double noise = 1;      // standard deviation of the places it explains, in levels of the picture
  double explained = 0;  // share of the places
  double tolerance = 4;  // levels within which a place counts as explained
  double spread = 0;     // standard deviation of the reference over the places it explains
};

// Robust illumination compensation: candidates from the gain before and from random pairs (Fischler and Bolles, "Random sample
// consensus", 1981), the best improved by iteratively reweighted least squares with Tukey's biweight (Holland and Welsch, 1977);
// noise by the median of absolute residuals. `reference` and `picture` are levels of the same places; half of them may show
// something else. Where the reference has no contrast the gain stays as it was.
// Thread: any; a pure function.
ThermalGain fit_gain(const std::vector<float>& reference, const std::vector<float>& picture, const ThermalGain& before,
                     bool by_colour = false);

}  // namespace kanhu::models
