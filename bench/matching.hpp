// SPDX-License-Identifier: MIT
// Detections against labels: what was found, what was not, at what price.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bench/faces/labels.hpp"
#include "gallery/calibration.hpp"

namespace kanhu::bench {

using gallery::Interval;

// Labels and detectors draw a face differently (dlib's square from brow to chin, BlazeFace's larger): the usual overlap of 0.5
// would count drawing style; at 0.3 it still is the same face.
inline constexpr double kSameFace = 0.3;
inline constexpr double kFalsePositivesAllowed = 0.05;  // a picture

struct Found {
  double left = 0, top = 0, width = 0, height = 0;  // px
  double score = 0;                                 // its detector's own scale
};

// By inter-pupil distance in px: below 8, 8..12, 12..20, 20..40, above 40.
inline constexpr std::size_t kSizeClasses = 5;
const char* size_class_name(std::size_t size_class);
std::size_t size_class_of(const Label& label);

// One label with the score at which it is found, or one detection of nothing.
struct Outcome {
  double score = 0;
  bool is_label = false;
  bool found = false;  // a label only
  std::size_t size_class = 0;
};

// Best score first, each detection takes the label it overlaps most, of those that no better one has taken. What is left over
// is false, also a second box on one face: it would be followed as a second person. Detections on ignored labels count as
// nothing.
std::vector<Outcome> outcomes_of(std::span<const Label> labels, std::vector<Found> found);

struct Share {
  std::size_t hits = 0, of = 0;
  double value() const { return of == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(of); }
  Interval interval() const { return gallery::proportion_interval(hits, of); }
};

struct Operation {
  double threshold = 0;  // detections with this score and better count
  Share recall;
  Share by_size[kSizeClasses];
  std::size_t false_positives = 0;
  std::size_t pictures = 0;
  bool within = true;  // false: no threshold keeps the allowance; then it is the strictest one

  double false_positives_per_picture() const {
    return pictures == 0 ? 0 : static_cast<double>(false_positives) / static_cast<double>(pictures);
  }
  std::size_t misses() const { return recall.of - recall.hits; }
};

// Everything one detector said about some pictures.
class Tally {
 public:
  void add(std::span<const Label> labels, std::vector<Found> found);
  void add(const Tally& other);
  std::size_t pictures() const { return pictures_; }
  std::size_t labels() const { return labels_; }

  Operation at(double threshold) const;
  // The lowest threshold with at most so many false positives.
  Operation within(std::size_t false_positives) const;
  // The same, for `kFalsePositivesAllowed` a picture.
  Operation within_allowance() const;

 private:
  std::vector<Outcome> outcomes_;
  std::size_t pictures_ = 0, labels_ = 0;
};

// Our misses over the peer's at equal false positives: the allowance, or what the peer's strictest threshold makes when that is
// more. 1 when neither misses any; when only the peer misses none, our misses + 1.
double miss_ratio(const Tally& ours, const Tally& peer);

}  // namespace kanhu::bench
