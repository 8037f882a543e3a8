// SPDX-License-Identifier: MIT
#include "models/thermal/gain.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace kanhu::models {
namespace {

constexpr double kLeastTolerance = 4;         // levels: coding and rounding
constexpr double kLeastTolerance_colour = 8;  // and what another maker's palette does to levels
constexpr double kMostTolerance = 12;
constexpr double kGoodEnough = 0.85;  // explained by the gain before: no search
constexpr int kPairs = 80;
constexpr std::size_t kPlacesScored = 160;
constexpr double kLeastSpread = 2;       // levels of the reference, below which no gain can be told
constexpr double kLeastCertainty = 0.1;  // standard error of a gain that is believed, as a share of it
constexpr double kMostGain = 20;
constexpr int kRounds = 4;

// Truncated squares (Torr and Zisserman's MSAC), 0..1 a place.
double cost_of(const std::vector<float>& x, const std::vector<float>& y, double gain, double offset, double tolerance) {
  const std::size_t step = std::max<std::size_t>(1, x.size() / kPlacesScored);
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < x.size(); i += step, ++count) {
    const double r = (static_cast<double>(y[i]) - gain * static_cast<double>(x[i]) - offset) / tolerance;
    sum += std::min(1.0, r * r);
  }
  return sum / static_cast<double>(std::max<std::size_t>(1, count));
}

double median_shift(const std::vector<float>& x, const std::vector<float>& y, double gain) {
  std::vector<float> rest;
  rest.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) rest.push_back(y[i] - static_cast<float>(gain) * x[i]);
  const auto middle = rest.begin() + static_cast<std::ptrdiff_t>(rest.size() / 2);
  std::nth_element(rest.begin(), middle, rest.end());
  return static_cast<double>(*middle);
}

void refine(const std::vector<float>& x, const std::vector<float>& y, bool by_colour, ThermalGain& fit) {
  double reach = 2 * fit.tolerance;
  for (int round = 0; round < kRounds; ++round) {
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto a = static_cast<double>(x[i]), b = static_cast<double>(y[i]);
      const double r = (b - fit.gain * a - fit.offset) / reach;
      if (r * r >= 1) continue;
      const double w = (1 - r * r) * (1 - r * r);
      n += w, sx += w * a, sy += w * b, sxx += w * a * a, sxy += w * a * b;
    }
    if (n < 8) return;
    const double variance = sxx / n - sx / n * sx / n;
    fit.spread = std::sqrt(std::max(0.0, variance));
    const double gain = fit.spread > kLeastSpread ? (sxy / n - sx / n * sy / n) / variance : fit.gain;
    const double error = std::max(fit.noise, 0.5) / std::max(fit.spread, 1e-6) / std::sqrt(n);
    if (error < kLeastCertainty * std::max(std::abs(gain), 0.05) && (!by_colour || gain > 0)) fit.gain = gain;
    fit.offset = sy / n - fit.gain * sx / n;
    reach = std::max(fit.tolerance, 0.7 * reach);
  }
}

void measure(const std::vector<float>& x, const std::vector<float>& y, ThermalGain& fit) {
  std::vector<float> away;
  away.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    away.push_back(static_cast<float>(std::abs(static_cast<double>(y[i]) - fit.gain * static_cast<double>(x[i]) - fit.offset)));
  std::size_t good = 0;
  for (const float one : away) good += static_cast<double>(one) <= fit.tolerance ? 1U : 0U;
  fit.explained = static_cast<double>(good) / static_cast<double>(away.size());
  const auto middle = away.begin() + static_cast<std::ptrdiff_t>(away.size() / 2);
  std::nth_element(away.begin(), middle, away.end());
  fit.noise = 1.4826 * static_cast<double>(*middle);
}

}  // namespace

ThermalGain fit_gain(const std::vector<float>& reference, const std::vector<float>& picture, const ThermalGain& before, bool by_colour) {
  ThermalGain fit = before;
  if (reference.size() < 16 || reference.size() != picture.size()) {
    fit.explained = 0;
    return fit;
  }
  fit.tolerance = std::clamp(3 * before.noise, by_colour ? kLeastTolerance_colour : kLeastTolerance, kMostTolerance);
  double cost = cost_of(reference, picture, fit.gain, fit.offset, fit.tolerance);
  if (1 - cost < kGoodEnough) {
    const auto consider = [&](double gain, double offset) {
      const double now = cost_of(reference, picture, gain, offset, fit.tolerance);
      if (now < 0.95 * cost) cost = now, fit.gain = gain, fit.offset = offset;
    };
    consider(before.gain, median_shift(reference, picture, before.gain));
    std::uint32_t random = 12345;  // the same picture, the same answer
    const auto next = [&] {
      random = random * 1664525U + 1013904223U;
      return static_cast<std::size_t>(random >> 8) % reference.size();
    };
    for (int i = 0; i < kPairs; ++i) {
      const std::size_t a = next(), b = next();
      const double apart = static_cast<double>(reference[a]) - static_cast<double>(reference[b]);
      if (std::abs(apart) < 2 * kLeastSpread) continue;
      const double gain = (static_cast<double>(picture[a]) - static_cast<double>(picture[b])) / apart;
      if (std::abs(gain) > kMostGain || (by_colour && gain <= 0)) continue;
      consider(gain, static_cast<double>(picture[a]) - gain * static_cast<double>(reference[a]));
    }
  }
  refine(reference, picture, by_colour, fit);
  measure(reference, picture, fit);
  return fit;
}

}  // namespace kanhu::models
