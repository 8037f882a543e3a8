// SPDX-License-Identifier: MIT
// Faces between a network's numbers and an answer.
#pragma once

#include <array>
#include <vector>

#include "media/detection.hpp"
#include "models/images/sampling.hpp"

namespace kanhu::models {

// A part of the picture as a network sees it: sides in px of its input, multiples of 32.
struct Look {
  Similarity to_picture;  // px of the input -> px of the picture
  int width = 0, height = 0;
};

// A face in fractions of the picture, not yet cut at its border. Points: the person's right eye, left eye, nose tip, mouth
// centre, and two more that the network states.
struct FaceCandidate {
  double score = 0;
  Box box;
  std::array<Point, 6> points;
  double seen_px = 0;  // width in the input of the look that found it
};

// A box (centre and size) and points in px of the input -> fractions of a picture of width x height px. A turned box stays upright
// around its centre.
FaceCandidate to_candidate(double score, const Point& centre, double box_width, double box_height, const std::array<Point, 6>& points,
                           const Look& look, int width, int height);

// IoU of 0.3, or 0.6 of the smaller one inside the other (half a face at the border of a look).
bool same_face(const Box& a, const Box& b);

// Weighted suppression (BlazeFace paper, section 3.4): candidates that are the same face as the best one are averaged into it with
// their scores as weights, which steadies the box from frame to frame. In order of falling score.
std::vector<FaceCandidate> suppress_weighted(std::vector<FaceCandidate> candidates);

}  // namespace kanhu::models
