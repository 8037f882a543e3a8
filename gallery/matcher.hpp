// SPDX-License-Identifier: MIT
// Who in a gallery a face is most like.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gallery/gallery.hpp"

namespace kanhu::gallery {

struct Candidate {
  std::string person_ref;
  double score = 0;  // 1 - distance / 2 of unit vectors: 1 the same, 0.2929 orthogonal, 0 opposite
};

// The score of two embeddings of unit length whose scalar product is `cosine`.
double score_of(double cosine);
// In a fixed order of additions, so that it has the same bits wherever the same build runs.
float scalar_product(std::span<const float> a, std::span<const float> b);
// The score of a face against one person, from the scalar products with the person's templates: the mean of the best two
// scores. 0 without templates. `kanhu bench faces` compares ways to score: on ORL impostors reach less than with the best alone, and at
// the default thresholds fewer own probes are missed than with the mean of all (docs/benchmarks.md, "Faces").
double person_score(std::span<const float> cosines);

// One version of one gallery, laid out for comparing; immutable. 300 people with 5 templates each are compared in under 1 ms.
// Thread: any.
class Matcher {
 public:
  // People whose consent has expired at `now` are left out. Without a calibration the threshold is that of
  // gallery/calibration.hpp for the embedder and the number of people.
  static std::shared_ptr<const Matcher> make(const Gallery& gallery, WallTime now);

  // Best first, at most `most`; equals by ref. `embedding` has unit length and the gallery's dimension, otherwise nothing is
  // returned.
  std::vector<Candidate> nearest(std::span<const float> embedding, std::size_t most) const;

  const std::string& facility() const { return facility_; }
  const std::string& digest() const { return digest_; }
  std::uint64_t version() const { return version_; }
  const std::string& embedder_digest() const { return embedder_digest_; }
  double threshold() const { return threshold_; }
  bool calibrated() const { return calibrated_; }  // false: the threshold is the embedder's default
  std::size_t people() const { return refs_.size(); }

 private:
  Matcher() = default;
  std::string facility_;
  std::string digest_;
  std::uint64_t version_ = 0;
  std::string embedder_digest_;
  double threshold_ = 1;
  bool calibrated_ = false;
  std::size_t dimension_ = 0;
  std::vector<std::string> refs_;   // by person
  std::vector<std::size_t> first_;  // person -> first row; one more than people
  std::vector<float> rows_;         // one after the other
};

using MatcherPtr = std::shared_ptr<const Matcher>;

}  // namespace kanhu::gallery
