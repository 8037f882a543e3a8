// SPDX-License-Identifier: MIT
#include "models/thermal/still.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace kanhu::models {
namespace {

constexpr std::size_t kMostRelativePixels = 80 * 64;
constexpr double kLeastNoise = 0.5;  // grey levels
constexpr double kHottestPersonC = 40;

// Fitted; first the constant. `bench_thermal_still` prints them with the held-out figures.
constexpr std::array<double, kStillFeatures + 1> kRadiometric{3.0601, 10.9231, 8.4156, -6.5834, -4.4632};
constexpr std::array<double, kStillFeatures + 1> kRelative{12.6188, -5.6816, -1.2989, 1.7788, 0};

struct Field {
  int width = 0, height = 0;
  std::vector<double> values;
  double at(int x, int y) const {
    return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
  double& at(int x, int y) { return values[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }
};

double quantile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Mirrored at the border, the border pixel twice.
int inside(int i, int size) {
  while (i < 0 || i >= size) i = i < 0 ? -i - 1 : 2 * size - 1 - i;
  return i;
}

Field blurred(const Field& field, double sigma) {
  const int reach = static_cast<int>(std::ceil(3 * sigma));
  std::vector<double> weights;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(std::exp(-0.5 * (i / sigma) * (i / sigma)));
    sum += weights.back();
  }
  const auto pass = [&](const Field& from, bool rows) {
    Field to = from;
    for (int y = 0; y < from.height; ++y) {
      for (int x = 0; x < from.width; ++x) {
        double value = 0;
        for (int i = -reach; i <= reach; ++i) {
          const int tap = i + reach;
          value += weights[static_cast<std::size_t>(tap)] *
                   (rows ? from.at(inside(x + i, from.width), y) : from.at(x, inside(y + i, from.height)));
        }
        to.at(x, y) = value / sum;
      }
    }
    return to;
  };
  return pass(pass(field, true), false);
}

// Half of each pixel, half of its four neighbours: an MLX90640 measures like the black and the white fields of a chess board, one after the
// other, and what moves or drifts between leaves the board in the picture.
Field without_chess(const Field& field) {
  Field to = field;
  for (int y = 0; y < field.height; ++y) {
    for (int x = 0; x < field.width; ++x) {
      const double around = field.at(inside(x - 1, field.width), y) + field.at(inside(x + 1, field.width), y) +
                            field.at(x, inside(y - 1, field.height)) + field.at(x, inside(y + 1, field.height));
      to.at(x, y) = 0.5 * field.at(x, y) + 0.125 * around;
    }
  }
  return to;
}

// Standard deviation of the noise of one pixel, from the median distance to the mean of the four diagonal neighbours: those of the
// same field of the chess board.
double noise_of(const Field& field) {
  std::vector<double> distances;
  for (int y = 1; y + 1 < field.height; ++y) {
    for (int x = 1; x + 1 < field.width; ++x) {
      const double mean = (field.at(x - 1, y - 1) + field.at(x + 1, y + 1) + field.at(x + 1, y - 1) + field.at(x - 1, y + 1)) / 4;
      distances.push_back(std::abs(field.at(x, y) - mean));
    }
  }
  return distances.empty() ? 0 : quantile(std::move(distances), 0.5) / 0.6745 / std::sqrt(1.25);
}

double steepest(const Field& field, double sigma) {
  const Field soft = blurred(field, sigma);
  double most = 0;
  for (int y = 1; y + 1 < soft.height; ++y) {
    for (int x = 1; x + 1 < soft.width; ++x)
      most = std::max(most, std::hypot(soft.at(x + 1, y) - soft.at(x - 1, y), soft.at(x, y + 1) - soft.at(x, y - 1)) / 2);
  }
  return most * sigma;
}

Field field_of(const ThermalFrame& frame, double scale) {
  Field field{frame.width, frame.height, {}};
  field.values.reserve(frame.values.size());
  for (const auto value : frame.values) field.values.push_back(scale * value);
  return field;
}

std::vector<StillCandidate> relative_candidate(const ThermalFrame& frame) {
  if (frame.values.size() > kMostRelativePixels) return {};
  const Field field = field_of(frame, 0.1);  // grey levels
  const double noise = noise_of(field);
  if (noise < kLeastNoise) return {};
  const Field smooth = without_chess(field);
  const double range = quantile(smooth.values, 0.98) - quantile(smooth.values, 0.02);
  const auto above_noise = [noise](double value) { return std::log((value + 0.1) / noise); };
  return {{{above_noise(range), above_noise(steepest(smooth, 1.5)), above_noise(steepest(smooth, 4)), 0}, 0, {}}};
}

struct WarmPlace {
  double heat_k = 0, warmest_k = 0;  // sum and most above the room
  int pixels = 0, left = 0, top = 0, right = 0, bottom = 0;
};

// Neighbours (8) that are at least `least_k` above the room.
std::vector<WarmPlace> warm_places(const Field& above, double least_k) {
  std::vector<WarmPlace> places;
  std::vector<bool> seen(above.values.size());
  std::vector<int> open;
  for (int start = 0; start < above.width * above.height; ++start) {
    if (seen[static_cast<std::size_t>(start)] || above.values[static_cast<std::size_t>(start)] < least_k) continue;
    WarmPlace place{0, 0, 0, above.width, above.height, 0, 0};
    open.assign(1, start);
    seen[static_cast<std::size_t>(start)] = true;
    while (!open.empty()) {
      const int x = open.back() % above.width, y = open.back() / above.width;
      open.pop_back();
      place.heat_k += above.at(x, y);
      place.warmest_k = std::max(place.warmest_k, above.at(x, y));
      ++place.pixels;
      place.left = std::min(place.left, x);
      place.right = std::max(place.right, x + 1);
      place.top = std::min(place.top, y);
      place.bottom = std::max(place.bottom, y + 1);
      for (int v = std::max(0, y - 1); v <= std::min(above.height - 1, y + 1); ++v) {
        for (int u = std::max(0, x - 1); u <= std::min(above.width - 1, x + 1); ++u) {
          const auto next = static_cast<std::size_t>(v) * static_cast<std::size_t>(above.width) + static_cast<std::size_t>(u);
          if (seen[next] || above.values[next] < least_k) continue;
          seen[next] = true;
          open.push_back(v * above.width + u);
        }
      }
    }
    places.push_back(place);
  }
  return places;
}

StillFeatures features_of(const WarmPlace& place, double pixel_m2) {
  const double area = std::log(place.pixels * pixel_m2), warmth = std::log(place.warmest_k);
  return {std::log(place.heat_k * pixel_m2), warmth, warmth * warmth, area};
}

// What is hotter than people is a thing, and so is its blurred edge: set back to `middle`, the room.
void without_things(Field& field, double middle) {
  std::vector<int> hot;
  for (int i = 0; i < field.width * field.height; ++i) {
    if (field.values[static_cast<std::size_t>(i)] > kHottestPersonC) hot.push_back(i);
  }
  for (const int i : hot) {
    const int x = i % field.width, y = i / field.width;
    for (int v = std::max(0, y - 1); v <= std::min(field.height - 1, y + 1); ++v) {
      for (int u = std::max(0, x - 1); u <= std::min(field.width - 1, x + 1); ++u) field.at(u, v) = middle;
    }
  }
}

// Above the room: the median of the picture. A place is warm from three times the noise on, and from half a degree.
std::vector<WarmPlace> warm_places(const ThermalFrame& frame) {
  Field field = field_of(frame, 0.01);
  const double middle = quantile(field.values, 0.5), noise = noise_of(field);
  without_things(field, middle);
  for (double& value : field.values) value -= middle;
  return warm_places(field, std::max(0.5, 3 * noise));
}

double logistic(const std::array<double, kStillFeatures + 1>& weights, const StillFeatures& features) {
  double sum = weights[0];
  for (std::size_t i = 0; i < kStillFeatures; ++i) sum += weights[i + 1] * features[i];
  return 1 / (1 + std::exp(-std::clamp(sum, -30.0, 30.0)));
}

}  // namespace

double still_probability(ThermalKind kind, const StillFeatures& features) {
  return logistic(kind == ThermalKind::kRadiometric ? kRadiometric : kRelative, features);
}

std::vector<StillCandidate> still_candidates(const ThermalFrame& frame, double pixel_pitch_m) {
  if (frame.kind == ThermalKind::kRelative) return relative_candidate(frame);
  const double pixel_m2 = pixel_pitch_m * pixel_pitch_m;
  std::vector<StillCandidate> candidates;
  for (const WarmPlace& place : warm_places(frame)) {
    candidates.push_back(
        {features_of(place, pixel_m2), place.heat_k * pixel_m2,
         Box{static_cast<double>(place.left) / frame.width, static_cast<double>(place.top) / frame.height,
             static_cast<double>(place.right - place.left) / frame.width, static_cast<double>(place.bottom - place.top) / frame.height}});
  }
  return candidates;
}

ThermalStill look_once(const ThermalFrame& frame, double pixel_pitch_m) {
  ThermalStill still;
  const bool whole = frame.width > 0 && frame.height > 0 &&
                     frame.values.size() == static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height);
  if (!whole || !frame.blind.empty()) return still;
  const auto candidates = still_candidates(frame, pixel_pitch_m);
  const bool radiometric = frame.kind == ThermalKind::kRadiometric;
  if (candidates.empty() && !radiometric) return still;
  still.somebody = 0;
  for (const auto& candidate : candidates) {
    const double probability = still_probability(frame.kind, candidate.features);
    if (probability < still.somebody) continue;
    still.somebody = probability;
    still.heat_k_m2 = candidate.heat_k_m2;
    still.box = candidate.box;
  }
  if (!radiometric) return still;
  still.state = still.somebody >= kSomebody ? Presence::kPresent : still.somebody <= kNobody ? Presence::kAbsent : Presence::kUnknown;
  return still;
}

}  // namespace kanhu::models
