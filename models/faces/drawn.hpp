// SPDX-License-Identifier: MIT
// Faces that are drawn, not photographed, to tell the one from the other.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "models/faces/embedder.hpp"

namespace kanhu::models {

struct DrawnFace {
  std::vector<std::uint8_t> bgr;  // square, row after row
  int side_px = 0;
  std::array<Point, 4> points{};  // right eye, left eye, nose tip, mouth centre, as fractions of the picture
  ImageView view() const;
};

// Three faces in each of five manners: flat colours, soft ones with noise, lines on paper, shaded, painted (painted_face.hpp). The
// same in every process.
std::vector<std::vector<DrawnFace>> drawn_faces();

// What drawings have in common in the eyes of an embedding network. To it they all look much alike, whoever drew them, and unlike
// anybody: it knows people by what a drawing leaves out.
class DrawingCheck {
 public:
  // kInternal: the network gave no embedding of a drawing.
  static Result<DrawingCheck> make(FaceEmbedder& embedder);

  // How much shots of one face (embeddings of unit length, at least one) taken together are like drawings: the cosine between
  // their mean and that of the nearest manner of drawn_faces(), -1 to 1.
  double likeness(std::span<const std::vector<float>> shots) const;
  // Of the manner that is least like any other one: what a drawing in a manner that is not among them may reach.
  double least_between_manners() const;

 private:
  std::vector<std::vector<float>> means_;  // one a manner
};

// The likeness from which a face counts as drawn; 2, so none does, for a network nobody measured.
double drawing_threshold(std::string_view embedder);

}  // namespace kanhu::models
