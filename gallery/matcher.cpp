// SPDX-License-Identifier: MIT
#include "gallery/matcher.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "gallery/calibration.hpp"

namespace kanhu::gallery {

double score_of(double cosine) { return 1 - std::sqrt(std::max(0.0, (1 - cosine) / 2)); }

float scalar_product(std::span<const float> a, std::span<const float> b) {
  // Sixteen sums side by side: the compiler may not reorder additions of floats, but these it can keep in vector registers.
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> sums{};
  const std::size_t size = std::min(a.size(), b.size());
  std::size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < size; ++i) sums[i % kLanes] += a[i] * b[i];
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

double person_score(std::span<const float> cosines) {
  if (cosines.empty()) return 0;
  float best = -1, second = -1;
  for (const float cosine : cosines) {
    if (cosine > best) {
      second = best;
      best = cosine;
    } else if (cosine > second) {
      second = cosine;
    }
  }
  return cosines.size() == 1 ? score_of(best) : (score_of(best) + score_of(second)) / 2;
}

std::shared_ptr<const Matcher> Matcher::make(const Gallery& gallery, WallTime now) {
  const std::shared_ptr<Matcher> made(new Matcher());
  made->facility_ = gallery.facility;
  made->digest_ = digest_of(gallery);
  made->version_ = gallery.version;
  made->embedder_digest_ = gallery.embedder_digest;
  made->dimension_ = static_cast<std::size_t>(std::max(0, gallery.dimension));
  made->first_.push_back(0);
  std::size_t rows = 0;
  for (const Person& person : gallery.people) {
    if (!may_be_compared(person, now)) continue;
    for (const Template& shot : person.templates) {
      if (shot.embedding.size() != made->dimension_) continue;
      made->rows_.insert(made->rows_.end(), shot.embedding.begin(), shot.embedding.end());
      ++rows;
    }
    made->refs_.push_back(person.ref);
    made->first_.push_back(rows);
  }
  made->calibrated_ = gallery.calibration.has_value();
  made->threshold_ = made->calibrated_ ? gallery.calibration->threshold : default_threshold(gallery.embedder, made->refs_.size());
  return made;
}

std::vector<Candidate> Matcher::nearest(std::span<const float> embedding, std::size_t most) const {
  if (dimension_ == 0 || embedding.size() != dimension_) return {};
  double square = 0;
  for (const float value : embedding) square += static_cast<double>(value) * value;
  if (!(std::abs(square - 1) < 1e-3)) return {};

  std::vector<float> cosines(first_.back());
  for (std::size_t row = 0; row < cosines.size(); ++row)
    cosines[row] = scalar_product(embedding, std::span(rows_).subspan(row * dimension_, dimension_));
  std::vector<std::pair<double, std::size_t>> scores(refs_.size());
  for (std::size_t person = 0; person < refs_.size(); ++person)
    scores[person] = {person_score(std::span(cosines).subspan(first_[person], first_[person + 1] - first_[person])), person};
  const std::size_t wanted = std::min(most, scores.size());
  std::partial_sort(scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(wanted), scores.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;  // people stand in order of ref
  });
  std::vector<Candidate> best;
  for (std::size_t i = 0; i < wanted; ++i) best.push_back({refs_[scores[i].second], scores[i].first});
  return best;
}

}  // namespace kanhu::gallery
