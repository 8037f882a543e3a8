// SPDX-License-Identifier: MIT
// Whether one infrared picture shows somebody, without any other to compare it with.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "media/detection.hpp"
#include "media/thermal_frame.hpp"

namespace kanhu::models {

// The probability from which somebody is said to be there, and down to which nobody.
inline constexpr double kSomebody = 0.7, kNobody = 0.2;

// What is measured of a picture; natural logarithms. One set of coefficients for each kind, fitted by tests/bench/thermal_still.cpp.
inline constexpr std::size_t kStillFeatures = 4;
using StillFeatures = std::array<double, kStillFeatures>;

struct ThermalStill {
  double somebody = 0.5;                // probability, as in the recordings it was fitted on: half of them show somebody
  Presence state = Presence::kUnknown;  // present from kSomebody, absent to kNobody, and unknown between
  double heat_k_m2 = 0;                 // of the warm place that looks most like somebody; 0 on relative pictures
  Box box;                              // and where it is
};

// Logistic regression on a few measures of the picture.
//
// Radiometric: of the warm place most like a person, warmer than what surrounds it by more than the picture's noise: heat (kelvin
// times square metres), warmth above the room, area. Place by place, and without what is hotter than 40 degrees, so that an urn beside
// somebody does not hide him. A mean of several pictures has less noise and may be given as one. What is as large and as warm as a person
// (a warm chair, a sun patch) is taken for one: a first opinion, to be replaced by what is learnt later.
//
// Relative: how much the picture's contrast, and its steepest edges at two scales, stand above its noise. Fitted on raw pictures of
// a 32x24 array whose levels were stretched to their full range, of people indoors and of places outdoors: it mostly tells a
// contrast that people make from one that is too strong for them. `state` is never present or absent then, and a picture with
// more than 80 x 64 pixels or with hardly any noise (video) says nothing: 0.5.
//
// `pixel_pitch_m`: metres a pixel at the height of people. Thread: any; a pure function.
ThermalStill look_once(const ThermalFrame& frame, double pixel_pitch_m);

// What somebody might be in a picture; for the program that fits the coefficients. Of a radiometric picture its warm places, and when
// there are none, nobody is; of a relative one the picture itself, and when there is none, nothing can be said.
struct StillCandidate {
  StillFeatures features{};
  double heat_k_m2 = 0;
  Box box;
};
// The frame must be whole: width * height values, at least one.
std::vector<StillCandidate> still_candidates(const ThermalFrame& frame, double pixel_pitch_m);
double still_probability(ThermalKind kind, const StillFeatures& features);

}  // namespace kanhu::models
