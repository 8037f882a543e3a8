// SPDX-License-Identifier: MIT
// Fits the coefficients of models/thermal/still.cpp and prints how good they are on what they were not fitted on.
//   bench_thermal_still DIR [LABELS.json]   recordings or pictures in a layout of docs/bench-thermal.md
//   bench_thermal_still DIR LABELS.json scenes   radiometric ones together with the scenes of tests/support/thermal_scene
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/thermal/set.hpp"
#include "models/thermal/still.hpp"
#include "tests/support/thermal_scene/scene.hpp"

namespace {

using namespace kanhu;

constexpr std::size_t kWeights = models::kStillFeatures + 1;
using Weights = std::array<double, kWeights>;

struct Sample {
  std::vector<models::StillCandidate> candidates;
  bool somebody = false;
  std::size_t unit = 0;    // what must not be divided between fitting and judging: a recording, a scene, a picture
  std::size_t source = 0;  // all sources weigh the same
};

double score(const Weights& weights, const models::StillFeatures& features) {
  double sum = weights[0];
  for (std::size_t i = 1; i < kWeights; ++i) sum += weights[i] * features[i - 1];
  return sum;
}

const models::StillCandidate* best_of(const Sample& sample, const Weights& weights, bool by_heat) {
  const models::StillCandidate* best = nullptr;
  for (const auto& one : sample.candidates) {
    if (best == nullptr || (by_heat ? one.heat_k_m2 > best->heat_k_m2 : score(weights, one.features) > score(weights, best->features)))
      best = &one;
  }
  return best;
}

// Gauss and Jordan with pivots.
Weights solved(std::array<std::array<double, kWeights + 1>, kWeights> rows) {
  for (std::size_t i = 0; i < kWeights; ++i) {
    std::size_t pivot = i;
    for (std::size_t k = i; k < kWeights; ++k) {
      if (std::abs(rows[k][i]) > std::abs(rows[pivot][i])) pivot = k;
    }
    std::swap(rows[i], rows[pivot]);
    for (std::size_t k = 0; k < kWeights; ++k) {
      if (k == i) continue;
      const double factor = rows[k][i] / rows[i][i];
      for (std::size_t j = i; j <= kWeights; ++j) rows[k][j] -= factor * rows[i][j];
    }
  }
  Weights result{};
  for (std::size_t i = 0; i < kWeights; ++i) result[i] = rows[i][kWeights] / rows[i][i];
  return result;
}

// Logistic regression by Newton's steps with a ridge of 1 (Le Cessie and van Houwelingen, 1992); sources and both answers weigh alike. The
// place of a picture that is judged is that most like somebody under the weights before (as MI-SVM; Andrews, Tsochantaridis and Hofmann,
// 2003).
Weights fitted(const std::vector<const Sample*>& samples) {
  std::array<std::array<double, 2>, 16> count{};
  for (const auto* sample : samples) count[sample->source][sample->somebody ? 1 : 0] += 1;
  Weights weights{};
  for (int round = 0; round < 8; ++round) {
    const Weights before = weights;
    weights = {};
    for (int step = 0; step < 15; ++step) {
      std::array<std::array<double, kWeights + 1>, kWeights> rows{};
      for (std::size_t i = 0; i < kWeights; ++i) {
        rows[i][i] = i == 0 ? 1e-6 : 0.05;
        rows[i][kWeights] = -rows[i][i] * weights[i];
      }
      for (const auto* sample : samples) {
        const auto* place = best_of(*sample, before, round == 0);
        if (place == nullptr) continue;
        const double share = 100 / count[sample->source][sample->somebody ? 1 : 0];
        std::array<double, kWeights> x{1};
        std::copy(place->features.begin(), place->features.end(), x.begin() + 1);
        const double p = 1 / (1 + std::exp(-std::clamp(score(weights, place->features), -30.0, 30.0)));
        for (std::size_t i = 0; i < kWeights; ++i) {
          rows[i][kWeights] += share * ((sample->somebody ? 1 : 0) - p) * x[i];
          for (std::size_t j = 0; j < kWeights; ++j) rows[i][j] += share * p * (1 - p) * x[i] * x[j];
        }
      }
      const Weights change = solved(rows);
      for (std::size_t i = 0; i < kWeights; ++i) weights[i] += change[i];
    }
  }
  return weights;
}

struct Figures {
  int hits = 0, missed = 0, false_present = 0, right_absent = 0;
  void count(const Sample& sample, const Weights& weights) {
    const auto* place = best_of(sample, weights, false);
    const bool present = place != nullptr && score(weights, place->features) > 0;
    ++(sample.somebody ? (present ? hits : missed) : (present ? false_present : right_absent));
  }
  double f1() const { return 2.0 * hits / std::max(1, 2 * hits + missed + false_present); }
};

void judge(const char* what, const std::vector<Sample>& samples, std::size_t folds, bool alternate, std::size_t units) {
  Figures all;
  std::array<Figures, 16> by_source{};
  std::size_t sources = 0;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    const auto fold_of = [&](const Sample& sample) { return alternate ? sample.unit % folds : sample.unit * folds / units; };
    std::vector<const Sample*> others;
    for (const auto& sample : samples) {
      if (fold_of(sample) != fold) others.push_back(&sample);
    }
    const Weights weights = fitted(others);
    for (const auto& sample : samples) {
      if (fold_of(sample) != fold) continue;
      all.count(sample, weights);
      by_source[sample.source].count(sample, weights);
      sources = std::max(sources, sample.source + 1);
    }
  }
  fmt::print("{:<44} F1 {:.3f}  hits {} missed {} false {} right absent {}\n", what, all.f1(), all.hits, all.missed, all.false_present,
             all.right_absent);
  for (std::size_t i = 0; sources > 1 && i < sources; ++i)
    fmt::print("  source {}: F1 {:.3f}  hits {} missed {} false {} right absent {}\n", i, by_source[i].f1(), by_source[i].hits,
               by_source[i].missed, by_source[i].false_present, by_source[i].right_absent);
}

// Where it errs on what it was fitted on.
void tell_units(const std::vector<Sample>& samples, const Weights& weights, const std::vector<std::string>& names) {
  std::vector<Figures> by_unit(names.size());
  for (const auto& sample : samples) by_unit[sample.unit].count(sample, weights);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Figures& one = by_unit[i];
    if (one.missed + one.false_present > 0)
      fmt::print("  {:<60} hits {} missed {} false {} right absent {}\n", names[i], one.hits, one.missed, one.false_present,
                 one.right_absent);
  }
}

void add_scenes(std::vector<Sample>& samples, std::vector<std::string>& names) {
  std::size_t source = 1;
  for (const auto& sensor : {thermal_scene::grid_eye(), thermal_scene::mlx90640()}) {
    for (const auto& scene : thermal_scene::scenes(sensor)) {
      if (scene.seconds > 2000) continue;
      thermal_scene::Camera camera(scene, 7);
      for (int number = 0; const auto picture = camera.next(); ++number) {
        if (number % 40 != 0 || picture->truth.shutter || (picture->truth.unknown_is_honest && scene.name == "hot-room")) continue;
        const ThermalFrame frame{ThermalKind::kRadiometric, scene.sensor.width, scene.sensor.height, picture->centi_c, false, ""};
        samples.push_back({models::still_candidates(frame, scene.sensor.pixel_pitch_m()), picture->truth.people > 0, names.size(), source});
      }
      names.push_back(fmt::format("{} {}x{}", scene.name, sensor.width, sensor.height));
    }
    ++source;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "bench_thermal_still DIR [LABELS.json [scenes]]\n");
    return 2;
  }
  const auto set = bench::find_thermal_set(argv[1], argc > 2 ? argv[2] : "", {});
  if (!set) {
    fmt::print(stderr, "{}\n", set.error().message);
    return 1;
  }
  std::vector<Sample> samples;
  std::vector<std::string> names;
  for (const auto& item : set->items) {
    const auto recording = bench::read_thermal_item(item);
    if (!recording) {
      fmt::print(stderr, "{}\n", recording.error().message);
      continue;
    }
    for (std::size_t i = 0; i < recording->frames.size(); ++i) {
      if (recording->truths[i].people == bench::ThermalTruth::kNotLabelled) continue;
      // The pictures of both kinds in turn, so that halves have as many of each; those of a kind stay in their order.
      const std::size_t unit = recording->stills ? i : names.size();
      samples.push_back({models::still_candidates(recording->frames[i], recording->pitch_m > 0 ? recording->pitch_m : 0.2),
                         recording->truths[i].people > 0, unit, 0});
    }
    if (!recording->stills) {
      names.push_back(recording->name);
    } else {
      for (std::size_t i = names.size(); i < recording->frames.size(); ++i) names.push_back(fmt::format("pictures {}", i + 1));
    }
  }
  if (argc > 3) add_scenes(samples, names);
  const std::size_t units = names.size();
  fmt::print("{} samples of {} units\n", samples.size(), units);
  judge("first half against second, both ways", samples, 2, false, units);
  judge("every other one, both ways", samples, 2, true, units);
  judge("six blocks, each judged by the other five", samples, 6, false, units);
  judge("ten folds, every tenth", samples, 10, true, units);
  std::vector<const Sample*> everything;
  for (const auto& sample : samples) everything.push_back(&sample);
  const Weights weights = fitted(everything);
  fmt::print("fitted on everything: {{{:.4f}, {:.4f}, {:.4f}, {:.4f}, {:.4f}}}\n", weights[0], weights[1], weights[2], weights[3],
             weights[4]);
  Figures own;
  for (const auto& sample : samples) own.count(sample, weights);
  fmt::print("  on what it was fitted on: F1 {:.3f}  hits {} missed {} false {} right absent {}\n", own.f1(), own.hits, own.missed,
             own.false_present, own.right_absent);
  tell_units(samples, weights, names);
}
