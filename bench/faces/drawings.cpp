// SPDX-License-Identifier: MIT
#include "bench/faces/drawings.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace kanhu::bench {

std::optional<DrawingResult> count_drawings(const ShotSet& shots, const models::DrawingCheck& check, double threshold) {
  if (!shots.has_people) return std::nullopt;
  std::map<std::size_t, std::vector<std::vector<float>>> people;
  for (const Shot& shot : shots.shots) {
    if (shot.found && people[shot.person].size() < kMostEnrolled) people[shot.person].push_back(shot.embedding);
  }
  DrawingResult result{shots.set, shots.degradation, {}, -1};
  for (const auto& [person, embeddings] : people) {
    if (embeddings.size() < kFewestEnrolled) continue;
    const double likeness = check.likeness(embeddings);
    ++result.refused.of;
    result.refused.hits += likeness >= threshold ? 1 : 0;
    result.highest = std::max(result.highest, likeness);
  }
  if (result.refused.of == 0) return std::nullopt;
  return result;
}

}  // namespace kanhu::bench
