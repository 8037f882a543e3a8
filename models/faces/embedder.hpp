// SPDX-License-Identifier: MIT
// A face becomes a point in a space in which the distance between two points says how alike two faces are.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "media/frame.hpp"

namespace kanhu::models {

struct EmbedderInfo {
  std::string name;    // of the manifest's entry: "dlib-resnet-29"
  std::string digest;  // SHA-256 (hex): weights and the way they are used (alignment, size, normalisation)
  int dimension = 0;
};

// Thread: confined; each analysis thread has its own instance (cv::dnn networks are stateful).
class FaceEmbedder {
 public:
  virtual ~FaceEmbedder() = default;
  virtual const EmbedderInfo& info() const = 0;
  // `landmarks` as face_quality takes them. `dimension` numbers of unit length (L2). kInvalidArgument when the points are no
  // face or the picture cannot be read.
  virtual Result<std::vector<float>> embed(const ImageView& image, std::span<const Point> landmarks) = 0;
};

// What make_face_embedder would make, without loading it: its files are found by their digests.
Result<EmbedderInfo> describe_face_embedder(std::string_view name, const std::vector<std::string>& search_path);
// The embedder a manifest entry describes, its weights from the search path (models/registry.hpp).
// kInvalidArgument: no such entry; kNotFound: its weights are not there; kCorrupt.
Result<std::unique_ptr<FaceEmbedder>> make_face_embedder(std::string_view name, const std::vector<std::string>& search_path);

// What a gateway uses that is told nothing else.
std::string_view default_face_embedder();

}  // namespace kanhu::models
