// The arithmetic around the BlazeFace network: which parts of the picture it is shown, and what its numbers mean.
// Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "pipelines/observation.hpp"

namespace kanhu::models {

inline constexpr int kBlazeFaceInput = 256;    // px, square
inline constexpr int kBlazeFaceAnchors = 896;  // 16x16 cells x 2 and 8x8 cells x 6
inline constexpr int kBlazeFaceValues = 16;    // a box (centre, size), then 6 points

// A part of the picture shown to the network: scaled to fit, centred, black around.
struct Patch {
  int x = 0, y = 0, width = 0, height = 0;  // px of the picture
  double scale() const { return static_cast<double>(kBlazeFaceInput) / std::max(width, height); }
  int scaled_width() const { return std::max(1, static_cast<int>(width * scale() + 0.5)); }
  int scaled_height() const { return std::max(1, static_cast<int>(height * scale() + 0.5)); }
  int left() const { return (kBlazeFaceInput - scaled_width()) / 2; }  // px of the network's input
  int top() const { return (kBlazeFaceInput - scaled_height()) / 2; }
};

// The whole picture first; then, when faces of `smallest_px` would come out smaller than the network can see, square
// tiles that overlap, at most `most_passes` patches together.
std::vector<Patch> plan_patches(int width, int height, double smallest_px, int most_passes);

// A face before suppression, in fractions of the picture, not yet cut at its border.
struct FaceCandidate {
  double score = 0;
  Box box;
  std::array<Point, 6> points;
};

// One network answer -> candidates with score >= score_min. `scores` holds 896 logits, `values` 896 x 16 numbers,
// those of the 16x16 grid first.
void decode_blazeface(std::span<const float> scores, std::span<const float> values, const Patch& patch, int width, int height,
                      double score_min, std::vector<FaceCandidate>& into);

// Weighted suppression (section 3.4 of the paper): candidates that overlap the best one are not thrown away but
// averaged into it with their scores as weights, which steadies the box from frame to frame. Two candidates overlap
// when their IoU reaches 0.3, or when 0.6 of the smaller one lies in the other (a face cut by a tile's border).
std::vector<FaceCandidate> suppress_weighted(std::vector<FaceCandidate> candidates);

}  // namespace kanhu::models
