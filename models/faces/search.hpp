// SPDX-License-Identifier: MIT
// How a picture of any size is searched for faces with a network that likes them neither too small nor too large.
#pragma once

#include <memory>
#include <vector>

#include "models/detector.hpp"
#include "models/faces/candidate.hpp"

namespace kanhu::models {

// A network that finds faces in one look.
class FaceNetwork {
 public:
  virtual ~FaceNetwork() = default;
  // Adds what it finds with score >= score_min. `pixels`: 8-bit RGB, look.width x look.height. Throws std::exception.
  virtual void find(const cv::Mat& pixels, const Look& look, int width, int height, double score_min, std::vector<FaceCandidate>& into) = 0;
};

// What a network needs of its input.
struct FaceSearchOptions {
  double score_min = 0.6;
  double smallest_px = 20;         // of the picture; boxes narrower than 0.8 of it do not count
  double smallest_input_px = 12;   // face width in its input from which on the network finds it as a rule
  double most_pixels = 3 * 65536;  // of the input of a full look; beyond, small faces are given up
  double coarse_px = 96;           // longer side of the picture in the coarse look, 0: none
  int second_px = 96;              // side of a second look, 0: none
  int points = 6;                  // landmarks of the network
};

// The plan: a fine look in which the smallest face has `smallest_input_px`, and, when the picture is large in that, a coarse one for faces
// that fill it.
Look look_at(double x, double y, double width, double height, double scale);
std::vector<Look> full_looks(int width, int height, const FaceSearchOptions& options);
// A face upright by its own eyes and in the size the network was trained on.
Look second_look(const FaceCandidate& face, int width, int height, int side_px);

// Full looks once a second and after another scene, in between looks at what changed; then a second look at every candidate,
// also weak ones, which decides, and whose points are the better ones. A face that was found stays found while its place does not
// change (it is looked at again each time). At most 16 second looks a picture, the strongest candidates first.
std::unique_ptr<Detector> make_face_search(std::unique_ptr<FaceNetwork> network, DetectorInfo info, const FaceSearchOptions& options);

}  // namespace kanhu::models
