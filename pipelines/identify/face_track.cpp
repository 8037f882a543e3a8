// SPDX-License-Identifier: MIT
#include "pipelines/identify/face_track.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kanhu::identify {
namespace {

constexpr int kShotsForUnknown = 3;

}  // namespace

bool FaceTrack::add(KeptShot shot) {
  if (shots_.size() == kMostShots && shot.quality.total <= shots_.back().quality.total) return false;
  shots_.push_back(std::move(shot));
  std::stable_sort(shots_.begin(), shots_.end(), [](const KeptShot& a, const KeptShot& b) { return a.quality.total > b.quality.total; });
  if (shots_.size() > kMostShots) shots_.pop_back();
  return true;
}

std::vector<float> FaceTrack::combined() const {
  std::vector<double> sum(shots_.front().embedding.size(), 0);
  for (const KeptShot& shot : shots_) {
    const double weight = std::max(shot.quality.total, 1e-3);
    for (std::size_t i = 0; i < sum.size() && i < shot.embedding.size(); ++i) sum[i] += weight * static_cast<double>(shot.embedding[i]);
  }
  double length = 0;
  for (const double value : sum) length += value * value;
  length = std::max(std::sqrt(length), 1e-9);
  std::vector<float> unit;
  unit.reserve(sum.size());
  for (const double value : sum) unit.push_back(static_cast<float>(value / length));
  return unit;
}

Verdict FaceTrack::decide(const gallery::Matcher& matcher, const FacesConfig& config, bool over) {
  Verdict verdict;
  verdict.threshold = matcher.threshold();
  if (shots_.empty()) {
    verdict.reason = "too_small";
    return verdict;
  }
  verdict.candidates = matcher.nearest(combined(), kMostCandidates);
  const double best = verdict.candidates.empty() ? 0 : verdict.candidates[0].score;
  verdict.margin = verdict.candidates.size() > 1 ? best - verdict.candidates[1].score : best;
  const bool enough = static_cast<int>(shots_.size()) >= config.shots_needed;
  const bool reaches = enough && best >= verdict.threshold;
  if (!recognized_.empty())
    conflicting_ = conflicting_ || best < verdict.threshold - kNear || verdict.candidates[0].person_ref != recognized_;
  if (conflicting_) {
    verdict.reason = "conflicting";
  } else if (enough && (!recognized_.empty() || (reaches && verdict.margin >= config.margin_min))) {
    verdict.decision = IdentityDecision::kRecognized;
    recognized_ = verdict.candidates[0].person_ref;
  } else if (reaches) {
    verdict.reason = "ambiguous";
  } else if (enough && best >= verdict.threshold - kNear) {
    verdict.reason = "near_threshold";
  } else if (enough && (over || static_cast<int>(shots_.size()) >= kShotsForUnknown)) {
    verdict.decision = IdentityDecision::kUnknown;
  } else {
    verdict.reason = "too_few_shots";
  }
  return verdict;
}

}  // namespace kanhu::identify
