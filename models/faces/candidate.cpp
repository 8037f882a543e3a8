// SPDX-License-Identifier: MIT
#include "models/faces/candidate.hpp"

#include <algorithm>
#include <span>
#include <tuple>

namespace kanhu::models {
namespace {

constexpr double kOverlapIou = 0.3;
constexpr double kOverlapOfSmaller = 0.6;

FaceCandidate weighted_mean(std::span<const FaceCandidate> group) {
  if (group.size() == 1) return group.front();
  FaceCandidate mean;
  mean.seen_px = group.front().seen_px;
  double weight = 0;
  for (const auto& one : group) {
    weight += one.score;
    mean.score = std::max(mean.score, one.score);
    mean.box.x += one.score * one.box.x;
    mean.box.y += one.score * one.box.y;
    mean.box.width += one.score * one.box.width;
    mean.box.height += one.score * one.box.height;
    for (std::size_t i = 0; i < mean.points.size(); ++i) {
      mean.points[i].x += one.score * one.points[i].x;
      mean.points[i].y += one.score * one.points[i].y;
    }
  }
  mean.box = {mean.box.x / weight, mean.box.y / weight, mean.box.width / weight, mean.box.height / weight};
  for (auto& point : mean.points) point = {point.x / weight, point.y / weight};
  return mean;
}

}  // namespace

FaceCandidate to_candidate(double score, const Point& centre, double box_width, double box_height, const std::array<Point, 6>& points,
                           const Look& look, int width, int height) {
  const Point middle = look.to_picture(centre);
  const double scale = look.to_picture.scale();
  FaceCandidate face{score, {}, {}, box_width};
  face.box = {(middle.x - box_width * scale / 2) / width, (middle.y - box_height * scale / 2) / height, box_width * scale / width,
              box_height * scale / height};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point point = look.to_picture(points[i]);
    face.points[i] = {point.x / width, point.y / height};
  }
  return face;
}

bool same_face(const Box& a, const Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return false;
  const double common = width * height;
  return common >= kOverlapIou * (a.area() + b.area() - common) || common >= kOverlapOfSmaller * std::min(a.area(), b.area());
}

std::vector<FaceCandidate> suppress_weighted(std::vector<FaceCandidate> candidates) {
  std::stable_sort(candidates.begin(), candidates.end(), [](const FaceCandidate& a, const FaceCandidate& b) {
    return std::tuple(-a.score, a.box.x, a.box.y) < std::tuple(-b.score, b.box.x, b.box.y);
  });
  std::vector<FaceCandidate> kept;
  while (!candidates.empty()) {
    const Box best = candidates.front().box;
    const auto rest =
        std::stable_partition(candidates.begin(), candidates.end(), [&](const FaceCandidate& one) { return same_face(best, one.box); });
    // A degenerate best box does not even overlap itself; it still has to leave the list.
    const auto end = rest == candidates.begin() ? rest + 1 : rest;
    kept.push_back(weighted_mean({candidates.begin(), end}));
    candidates.erase(candidates.begin(), end);
  }
  return kept;
}

}  // namespace kanhu::models
