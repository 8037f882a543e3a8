// SPDX-License-Identifier: MIT
// The faces of people whose names do not matter, as embeddings.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bench/faces/degrade.hpp"
#include "bench/faces/detection.hpp"
#include "bench/faces/set.hpp"
#include "models/detector.hpp"
#include "models/faces/drawn.hpp"
#include "models/faces/embedder.hpp"

namespace kanhu::bench {

struct Shot {
  std::string path;
  std::size_t person = 0;  // number within the set; pictures of pairs.csv have none
  bool found = false;      // a face was, and it could be embedded
  std::vector<float> embedding;
  double quality = 0;  // FaceQuality::total
};

// The shots of one set under one condition, in order of person and picture.
struct ShotSet {
  std::string set;
  Degradation degradation = Degradation::kNone;
  std::vector<Shot> shots;
  bool has_people = false;
  std::vector<Pair> pairs;
  std::size_t framed = 0;  // faces that were found with a frame around their picture
};

struct ShotReport {
  std::vector<ShotSet> sets;
  std::vector<std::string> left_out;
  std::vector<double> embed_milliseconds;
  std::vector<double> embed_instructions;
  std::string no_instructions;  // why there are none
};

// Finds the face a picture is about and embeds it, as a camera does, at the detector's usual threshold: in the picture as it is;
// when there is none or it fills the picture, with a frame as wide as the picture around, because no camera sees a face that
// ends with the picture. Of several faces the one nearest to the middle, of those at least half
// as wide as the widest.
// Thread: confined.
class FaceReader {
 public:
  FaceReader(std::unique_ptr<models::Detector> detector, std::unique_ptr<models::FaceEmbedder> embedder)
      : detector_(std::move(detector)), embedder_(std::move(embedder)) {}

  const models::EmbedderInfo& embedder() const { return embedder_->info(); }
  Result<models::DrawingCheck> drawings() { return models::DrawingCheck::make(*embedder_); }
  // Leaves `shot.found` false when there is no face. `framed` is counted up, times are added to the report.
  void read(const Picture& picture, Shot& shot, std::size_t& framed, ShotReport& report, const class InstructionCounter& counter);

 private:
  std::unique_ptr<models::Detector> detector_;
  std::unique_ptr<models::FaceEmbedder> embedder_;
};

// `detector`: a row of the registry that gives landmarks.
Result<FaceReader> make_face_reader(const std::string& detector, const std::string& embedder, const std::string& models_dir,
                                    double smallest_px);

ShotReport take_shots(const std::vector<FaceSet>& sets, FaceReader& reader, const std::vector<Degradation>& degradations, std::size_t most,
                      const Progress& progress);

}  // namespace kanhu::bench
