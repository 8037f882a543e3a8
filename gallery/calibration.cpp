// SPDX-License-Identifier: MIT
#include "gallery/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <fmt/format.h>

#include "gallery/matcher.hpp"

namespace kanhu::gallery {
namespace {

// Regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22, modified Lentz).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  constexpr double kTiny = 1e-300;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x)) / a;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), fraction = d;
  for (int m = 1; m < 10'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1) < 1e-14) break;
  }
  return front * fraction;
}

// The x in 0..1 at which the rising function reaches `wanted`.
double where(const std::function<double(double)>& rising, double wanted) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (rising(middle) < wanted ? low : high) = middle;
  }
  return (low + high) / 2;
}

// Exceedances over `start`: P(score > t) = share * (1 + shape * (t - start) / scale)^(-1 / shape).
struct Tail {
  double start = 0, share = 0, scale = 0, shape = 0;

  double score_at(double rate) const {
    const double ratio = share / rate;  // >= 1 beyond the start
    return std::abs(shape) < 1e-6 ? start + scale * std::log(ratio) : start + scale / shape * (std::pow(ratio, shape) - 1);
  }
};

// A negative shape promises a score that no third party ever reaches, and a handful of numbers often gives one; the limit errs towards
// higher thresholds. Normal scores, 2,000 of them, asked for 1e-4: without it (-0.25) one fit in three lets through over 3e-4, with it
// none in a hundred. Above the other limit the variance that the method of moments needs does not exist.
constexpr double kLowestShape = -0.05, kHighestShape = 0.25;

// `falling`: scores, highest first.
Tail fit_tail(std::span<const double> falling) {
  const std::size_t count = std::max<std::size_t>(falling.size() / 10, 20);
  Tail tail;
  tail.start = falling[count];
  tail.share = static_cast<double>(count) / static_cast<double>(falling.size());
  double sum = 0, square = 0;
  for (const double score : falling.first(count)) {
    sum += score - tail.start;
    square += (score - tail.start) * (score - tail.start);
  }
  const double n = static_cast<double>(count), mean = sum / n, variance = square / n - mean * mean;
  if (!(mean > 0) || !(variance > 0)) return tail;
  tail.shape = std::clamp(0.5 * (1 - mean * mean / variance), kLowestShape, kHighestShape);
  tail.scale = mean * (1 - tail.shape);
  return tail;
}

// The mean of all templates but one, of unit length; the only one when there is no other. Empty when they cancel out.
std::vector<float> mean_without(const Person& person, std::size_t left_out) {
  if (person.templates.size() == 1) return person.templates.front().embedding;
  std::vector<float> mean(person.templates.front().embedding.size());
  for (std::size_t i = 0; i < person.templates.size(); ++i) {
    if (i == left_out) continue;
    for (std::size_t k = 0; k < mean.size(); ++k) mean[k] += person.templates[i].embedding[k];
  }
  double square = 0;
  for (const float value : mean) square += static_cast<double>(value) * value;
  if (square < 1e-6) return {};
  for (float& value : mean) value = static_cast<float>(value / std::sqrt(square));
  return mean;
}

}  // namespace

Interval proportion_interval(std::uint64_t hits, std::uint64_t trials) {
  if (trials == 0) return {};
  const double x = static_cast<double>(std::min(hits, trials)), n = static_cast<double>(trials);
  Interval interval;
  if (x > 0) interval.low = where([&](double p) { return incomplete_beta(x, n - x + 1, p); }, 0.025);
  if (x < n) interval.high = where([&](double p) { return incomplete_beta(x + 1, n - x, p); }, 0.975);
  return interval;
}

Verification verify(std::span<const double> genuine, std::span<const double> impostor) {
  Verification found;
  if (genuine.empty() || impostor.empty()) return found;
  std::vector<double> own(genuine.begin(), genuine.end()), others(impostor.begin(), impostor.end());
  std::sort(own.begin(), own.end());
  std::sort(others.begin(), others.end());
  std::vector<double> cuts(own);
  cuts.insert(cuts.end(), others.begin(), others.end());
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  cuts.push_back(std::nextafter(cuts.back(), std::numeric_limits<double>::max()));

  const auto below = [](const std::vector<double>& sorted, double cut) {
    return static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), cut) - sorted.begin()) / static_cast<double>(sorted.size());
  };
  double last_miss = 0, last_match = 1, last_cut = cuts.front();
  bool crossed = false;
  for (const double cut : cuts) {
    const double miss = below(own, cut), match = 1 - below(others, cut);
    found.best_accuracy = std::max(found.best_accuracy, 1 - (miss + match) / 2);
    if (!crossed && miss >= match) {
      // Between the last cut and this one the two rates cross; both are taken as straight lines.
      const double before = last_match - last_miss, after = miss - match;
      const double share = before + after > 0 ? before / (before + after) : 0;
      found.equal_error_rate = last_miss + share * (miss - last_miss);
      found.threshold = last_cut + share * (cut - last_cut);
      crossed = true;
    }
    last_miss = miss;
    last_match = match;
    last_cut = cut;
  }
  return found;
}

Result<Calibration> threshold_for(std::span<const double> impostor, double false_match_rate) {
  if (!(false_match_rate > 0) || false_match_rate > 0.1)
    return fail(ErrorKind::kInvalidArgument, "a false-match rate is above 0 and at most 0.1; 1e-4 is a common one");
  if (impostor.size() < kFewestComparisons) {
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("{} comparisons between different people, at least {} needed", impostor.size(), kFewestComparisons));
  }
  std::vector<double> falling(impostor.begin(), impostor.end());
  std::sort(falling.begin(), falling.end(), std::greater<>());
  const double n = static_cast<double>(falling.size());
  const auto allowed = static_cast<std::size_t>(std::floor(false_match_rate * n));
  // Just above the first score that is one too many.
  double threshold = std::nextafter(falling[allowed], 2.0);
  if (n * false_match_rate < 3) threshold = std::max(threshold, fit_tail(falling).score_at(false_match_rate));
  threshold = std::min(threshold, 1.0);
  const auto hits =
      static_cast<std::uint64_t>(std::upper_bound(falling.begin(), falling.end(), threshold, std::greater<>()) - falling.begin());
  const Interval interval = proportion_interval(hits, falling.size());
  Calibration made;
  made.threshold = threshold;
  made.false_match_rate = false_match_rate;
  made.interval_low = interval.low;
  made.interval_high = interval.high;
  made.comparisons = falling.size();
  return made;
}

std::vector<double> impostor_scores(const Gallery& gallery) {
  std::vector<double> scores;
  std::vector<float> cosines;
  for (const Person& probe : gallery.people) {
    for (std::size_t left_out = 0; left_out < probe.templates.size(); ++left_out) {
      const std::vector<float> combined = mean_without(probe, left_out);
      if (combined.empty()) continue;
      for (const Person& other : gallery.people) {
        if (&probe == &other) continue;
        cosines.clear();
        for (const Template& theirs : other.templates) cosines.push_back(scalar_product(combined, theirs.embedding));
        scores.push_back(person_score(cosines));
      }
    }
  }
  return scores;
}

std::vector<double> genuine_scores(const Gallery& gallery) {
  std::vector<double> scores;
  std::vector<float> cosines;
  for (const Person& person : gallery.people) {
    if (person.templates.size() < 2) continue;
    for (const Template& shot : person.templates) {
      cosines.clear();
      for (const Template& other : person.templates) {
        if (&other != &shot) cosines.push_back(scalar_product(shot.embedding, other.embedding));
      }
      scores.push_back(person_score(cosines));
    }
  }
  return scores;
}

std::size_t people_needed(std::size_t templates) {
  std::size_t people = 2;
  while (people * (people - 1) * std::max<std::size_t>(templates, 1) < kFewestComparisons) ++people;
  return people;
}

double default_threshold(std::string_view embedder, std::size_t people) {
  if (embedder != "dlib-resnet-29") return 1;
  constexpr double kImpostorMatchesAnybody = 0.003;
  const double rate = 1 - std::pow(1 - kImpostorMatchesAnybody, 1 / static_cast<double>(std::max<std::size_t>(people, 1)));
  // ORL: 40 people, 5 templates each, probes of three other shots combined, fitted when impostors reached 0.8134, 0.8343 and 0.8500 by
  // 1e-2, 1e-3 and 1e-4. The detector has become better since, and they reach less (`kanhu bench faces`; docs/benchmarks.md, "Faces"):
  // the thresholds for 10, 40 and 300 people (0.8428, 0.8528, 0.8660) err towards naming nobody.
  // Grey pictures of young people in even light: another population can lie higher, which is what calibrating is for.
  const Tail tail{.start = 0.8134, .share = 0.01, .scale = 0.0093, .shape = -0.06};
  return std::min(1.0, tail.score_at(rate));
}

}  // namespace kanhu::gallery
