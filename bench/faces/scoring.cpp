// SPDX-License-Identifier: MIT
#include "bench/faces/scoring.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "gallery/calibration.hpp"
#include "gallery/matcher.hpp"

namespace kanhu::bench {
namespace {

struct Rule {
  std::string_view name;
  // From the scalar products with the templates and with the templates' centre (of unit length).
  double (*score)(std::span<const float> cosines, float centre);
};

constexpr Rule kRules[] = {
    {"best two", [](std::span<const float> cosines, float) { return gallery::person_score(cosines); }},
    {"best", [](std::span<const float> cosines, float) { return gallery::score_of(*std::max_element(cosines.begin(), cosines.end())); }},
    {"mean of all",
     [](std::span<const float> cosines, float) {
       double sum = 0;
       for (const float cosine : cosines) sum += gallery::score_of(cosine);
       return sum / static_cast<double>(cosines.size());
     }},
    {"centre", [](std::span<const float>, float centre) { return gallery::score_of(centre); }},
};

using People = std::vector<std::vector<const Shot*>>;

People people_with(const ShotSet& shots, std::size_t fewest) {
  People people;
  for (std::size_t first = 0, end = 0; first < shots.shots.size(); first = end) {
    std::vector<const Shot*> found;
    for (end = first; end < shots.shots.size() && shots.shots[end].person == shots.shots[first].person; ++end) {
      if (shots.shots[end].found) found.push_back(&shots.shots[end]);
    }
    if (found.size() >= fewest) people.push_back(std::move(found));
  }
  return people;
}

struct Scores {
  std::vector<double> own, strangers;
};

struct Dealt {
  std::vector<const Shot*> templates;
  std::vector<float> centre, probe;
};

std::vector<Dealt> deal(People& people, std::size_t templates, Noise& noise) {
  std::vector<Dealt> dealt;
  for (auto& shots : people) {
    for (std::size_t i = shots.size(); i > 1; --i) std::swap(shots[i - 1], shots[noise.next() % i]);
    Dealt one;
    one.templates.assign(shots.begin(), shots.begin() + static_cast<std::ptrdiff_t>(templates));
    const auto probe = shots.begin() + static_cast<std::ptrdiff_t>(templates);
    one.probe = combined({probe, probe + kShotsOfATrack});
    std::vector<Shot> alike;  // a centre does not weigh its templates
    std::vector<const Shot*> equal;
    for (const Shot* shot : one.templates) alike.push_back({"", 0, true, shot->embedding, 1});
    for (const Shot& shot : alike) equal.push_back(&shot);
    one.centre = combined(equal);
    dealt.push_back(std::move(one));
  }
  return dealt;
}

void compare(const std::vector<Dealt>& dealt, std::array<Scores, std::size(kRules)>& scores) {
  std::vector<float> cosines;
  for (std::size_t who = 0; who < dealt.size(); ++who) {
    for (std::size_t whom = 0; whom < dealt.size(); ++whom) {
      cosines.clear();
      for (const Shot* shot : dealt[whom].templates) cosines.push_back(gallery::scalar_product(dealt[who].probe, shot->embedding));
      const float centre = gallery::scalar_product(dealt[who].probe, dealt[whom].centre);
      for (std::size_t rule = 0; rule < std::size(kRules); ++rule)
        (who == whom ? scores[rule].own : scores[rule].strangers).push_back(kRules[rule].score(cosines, centre));
    }
  }
}

Share below(const std::vector<double>& scores, double threshold) {
  return {static_cast<std::size_t>(std::count_if(scores.begin(), scores.end(), [&](double score) { return score < threshold; })),
          scores.size()};
}

void fill(ScoringResult& result, Scores scores, std::string_view embedder) {
  std::sort(scores.strangers.begin(), scores.strangers.end(), std::greater<>());
  result.strangers = scores.strangers.size();
  double last = 0;
  for (std::size_t i = 0; i < std::size(kStrangerRates); ++i) {
    const auto reaching = static_cast<std::size_t>(kStrangerRates[i] * static_cast<double>(scores.strangers.size()));
    if (reaching == 0) continue;
    last = result.reached[i] = scores.strangers[reaching - 1];
  }
  result.missed = below(scores.own, last);
  for (std::size_t i = 0; i < std::size(kGallerySizes); ++i)
    result.missed_by_default[i] = below(scores.own, gallery::default_threshold(embedder, kGallerySizes[i]));
}

}  // namespace

std::vector<ScoringResult> compare_scoring(const ShotSet& shots, std::string_view embedder) {
  std::vector<ScoringResult> results;
  if (!shots.has_people) return results;
  for (const std::size_t templates : kTemplateCounts) {
    People people = people_with(shots, templates + kShotsOfATrack);
    if (people.size() < kFewestScored) continue;
    std::array<Scores, std::size(kRules)> scores;
    Noise noise(templates);
    for (std::size_t split = 0; split < kSplits; ++split) compare(deal(people, templates, noise), scores);
    for (std::size_t rule = 0; rule < std::size(kRules); ++rule) {
      ScoringResult result;
      result.set = shots.set;
      result.templates = templates;
      result.rule = kRules[rule].name;
      result.people = people.size();
      fill(result, std::move(scores[rule]), embedder);
      results.push_back(std::move(result));
    }
  }
  return results;
}

}  // namespace kanhu::bench
