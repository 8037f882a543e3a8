// SPDX-License-Identifier: MIT
#include "bench/faces/identification.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "bench/effort.hpp"
#include "config/config.hpp"
#include "gallery/calibration.hpp"
#include "gallery/matcher.hpp"

namespace kanhu::bench {
namespace {

constexpr std::size_t kFewestTemplates = 2;
constexpr std::size_t kFewestSubjects = 4;
constexpr std::size_t kWantedStrangers = 8;

std::vector<float> unit(std::vector<double> sum) {
  const double length = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
  std::vector<float> result(sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i) result[i] = static_cast<float>(length > 0 ? sum[i] / length : 0);
  return result;
}

std::vector<double> mean_of(const std::vector<std::vector<float>>& vectors) {
  std::vector<double> mean(vectors.front().size(), 0);
  for (const auto& one : vectors) {
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += one[i] / static_cast<double>(vectors.size());
  }
  return mean;
}

void shuffle(std::vector<std::size_t>& order, Noise& noise) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[noise.next() % i]);
}

gallery::Person person_of(const Subject& subject, std::size_t number) {
  gallery::Person person;
  person.ref = fmt::format("{:026}", number);
  for (const auto& embedding : subject.templates) person.templates.push_back({embedding, {}, {}});
  return person;
}

// One search of one track.
struct Ranking {
  bool mated = false;
  bool right = false;  // the best candidate is who it is
  double score = 0, margin = 0;
};

struct Draw {
  const std::vector<Subject>& subjects;
  const std::vector<Subject>& invented;
  std::vector<std::size_t> order;  // the first `real` are in the gallery, the others are strangers
  std::size_t real = 0;
};

void search_all(const Draw& draw, const models::EmbedderInfo& embedder, std::vector<Ranking>& searches, std::vector<double>& took,
                double& default_threshold) {
  gallery::Gallery people;
  people.facility = "bench";
  people.embedder = embedder.name;
  people.embedder_digest = embedder.digest;
  people.dimension = embedder.dimension;
  for (std::size_t i = 0; i < draw.real; ++i) people.people.push_back(person_of(draw.subjects[draw.order[i]], draw.order[i]));
  for (std::size_t i = 0; i < draw.invented.size(); ++i) people.people.push_back(person_of(draw.invented[i], draw.subjects.size() + i));
  std::sort(people.people.begin(), people.people.end(), [](const auto& a, const auto& b) { return a.ref < b.ref; });
  const auto matcher = gallery::Matcher::make(people, WallTime{});
  default_threshold = matcher->threshold();
  for (std::size_t i = 0; i < draw.order.size(); ++i) {
    const Subject& subject = draw.subjects[draw.order[i]];
    for (const auto& track : subject.tracks) {
      const Stopwatch watch;
      const auto nearest = matcher->nearest(track, 2);
      took.push_back(watch.milliseconds());
      Ranking search;
      search.mated = i < draw.real;
      if (nearest.empty()) {
        searches.push_back(search);
        continue;
      }
      search.right = search.mated && nearest.front().person_ref == person_of(subject, draw.order[i]).ref;
      search.score = nearest.front().score;
      search.margin = nearest.size() > 1 ? nearest[0].score - nearest[1].score : 1;
      searches.push_back(search);
    }
  }
}

void count(const std::vector<Ranking>& searches, double threshold, double margin, Share& false_negative, Share& false_positive) {
  for (const Ranking& one : searches) {
    const bool recognized = one.score >= threshold && one.margin >= margin;
    Share& share = one.mated ? false_negative : false_positive;
    ++share.of;
    share.hits += one.mated ? !(recognized && one.right) : recognized;
  }
}

double threshold_of(const std::vector<Ranking>& searches) {
  std::vector<double> strangers;
  for (const Ranking& one : searches) {
    if (!one.mated) strangers.push_back(one.score);
  }
  if (strangers.empty()) return 1;
  std::sort(strangers.begin(), strangers.end(), std::greater<>());
  const auto allowed = static_cast<std::size_t>(kFalsePositiveRate * static_cast<double>(strangers.size()));
  return std::nextafter(strangers[allowed], 2.0);
}

}  // namespace

std::vector<float> combined(const std::vector<const Shot*>& shots) {
  const double qualities = std::accumulate(shots.begin(), shots.end(), 0.0, [](double sum, const Shot* one) { return sum + one->quality; });
  std::vector<double> sum(shots.front()->embedding.size(), 0);
  for (const Shot* shot : shots) {
    const double weight = qualities > 0 ? shot->quality : 1;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * shot->embedding[i];
  }
  return unit(std::move(sum));
}

std::vector<Subject> subjects_of(const std::vector<const ShotSet*>& plain, const std::vector<const ShotSet*>& probes) {
  std::vector<Subject> subjects;
  for (std::size_t set = 0; set < std::min(plain.size(), probes.size()); ++set) {
    const auto &templates = plain[set]->shots, &shots = probes[set]->shots;
    if (!plain[set]->has_people || templates.size() != shots.size()) continue;
    for (std::size_t first = 0, end = 0; first < templates.size(); first = end) {
      while (end < templates.size() && templates[end].person == templates[first].person) ++end;
      const std::size_t middle = first + std::min((end - first) / 2, kMostTemplates);
      Subject subject;
      std::vector<const Shot*> seen;
      for (std::size_t i = first; i < middle; ++i) {
        if (templates[i].found) subject.templates.push_back(templates[i].embedding);
      }
      for (std::size_t i = middle; i < end; ++i) {
        if (shots[i].found) seen.push_back(&shots[i]);
      }
      if (subject.templates.size() < kFewestTemplates || seen.size() < kShotsOfATrack) continue;
      const std::size_t tracks = seen.size() == kShotsOfATrack ? 1 : seen.size();
      for (std::size_t i = 0; i < tracks; ++i) {
        std::vector<const Shot*> track;
        for (std::size_t k = 0; k < kShotsOfATrack; ++k) track.push_back(seen[(i + k) % seen.size()]);
        subject.tracks.push_back(combined(track));
      }
      subjects.push_back(std::move(subject));
    }
  }
  return subjects;
}

std::vector<Subject> made_up(const std::vector<Subject>& subjects, std::size_t count, std::uint64_t seed) {
  std::vector<std::vector<double>> centres;
  for (const Subject& subject : subjects) centres.push_back(mean_of(subject.templates));
  const std::size_t dimension = centres.front().size();
  std::vector<double> middle(dimension, 0);
  for (const auto& centre : centres) {
    for (std::size_t i = 0; i < dimension; ++i) middle[i] += centre[i] / static_cast<double>(centres.size());
  }
  Noise noise(seed);
  const double scale = 1 / std::sqrt(static_cast<double>(centres.size() - 1));
  std::vector<Subject> invented(count);
  for (Subject& one : invented) {
    std::vector<double> centre = middle;
    for (const auto& other : centres) {
      const double weight = noise.normal() * scale;
      for (std::size_t i = 0; i < dimension; ++i) centre[i] += weight * (other[i] - middle[i]);
    }
    const std::size_t like = noise.next() % subjects.size();
    for (const auto& shot : subjects[like].templates) {
      std::vector<double> near = centre;
      for (std::size_t i = 0; i < dimension; ++i) near[i] += shot[i] - centres[like][i];
      one.templates.push_back(unit(std::move(near)));
    }
  }
  return invented;
}

std::vector<Identification> identify(const std::vector<Subject>& subjects, const models::EmbedderInfo& embedder, Degradation degradation) {
  std::vector<Identification> results;
  if (subjects.size() < kFewestSubjects) return results;
  const std::size_t kept_out = std::min(kWantedStrangers, subjects.size() / 3);
  const double margin = FacesConfig{}.margin_min;
  for (const std::size_t size : kGallerySizes) {
    Identification result;
    result.degradation = degradation;
    result.people = size;
    result.real = std::min(size, subjects.size() - kept_out);
    result.made_up = size - result.real;
    result.strangers = subjects.size() - result.real;
    result.draws = kDraws;
    Noise noise(size);
    std::vector<Ranking> searches;
    std::vector<double> took;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const auto invented = made_up(subjects, result.made_up, noise.next());
      Draw draw{subjects, invented, std::vector<std::size_t>(subjects.size()), result.real};
      std::iota(draw.order.begin(), draw.order.end(), std::size_t{0});
      shuffle(draw.order, noise);
      search_all(draw, embedder, searches, took, result.default_threshold);
    }
    result.threshold = threshold_of(searches);
    count(searches, result.threshold, 0, result.false_negative, result.false_positive);
    count(searches, result.default_threshold, margin, result.default_false_negative, result.default_false_positive);
    result.search_milliseconds = median(std::move(took));
    results.push_back(result);
  }
  return results;
}

}  // namespace kanhu::bench
