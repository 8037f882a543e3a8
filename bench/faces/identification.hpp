// SPDX-License-Identifier: MIT
// Who is this, if anybody: tracks of several shots against a gallery, as the gateway compares them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/faces/shots.hpp"
#include "bench/matching.hpp"
#include "gallery/gallery.hpp"
#include "models/faces/embedder.hpp"

namespace kanhu::bench {

inline constexpr double kFalsePositiveRate = 0.003;  // false positive identification rate asked for
inline constexpr std::size_t kGallerySizes[] = {10, 40, 300};
inline constexpr std::size_t kShotsOfATrack = 3;
inline constexpr std::size_t kMostTemplates = 5;
inline constexpr std::size_t kDraws = 20;  // galleries drawn of each size

// A person of some set: the first half of the pictures (as they are, five at most) are templates, tracks are made of the others,
// under the condition that is measured.
struct Subject {
  std::vector<std::vector<float>> templates;
  std::vector<std::vector<float>> tracks;  // combined embeddings
};

// Of all sets that name people. `plain` and `probes` are the same pictures; somebody needs two templates and three more shots.
std::vector<Subject> subjects_of(const std::vector<const ShotSet*>& plain, const std::vector<const ShotSet*>& probes);

// The mean of unit vectors, weighted by quality, of unit length: as pipelines/identify combines the shots of a track.
std::vector<float> combined(const std::vector<const Shot*>& shots);

// People who do not exist: centres from the normal distribution fitted to the centres of all subjects (a mixture of all of them
// with random weights), templates around them as far off as those of a subject drawn at random.
std::vector<Subject> made_up(const std::vector<Subject>& subjects, std::size_t count, std::uint64_t seed);

struct Identification {
  Degradation degradation = Degradation::kNone;
  std::size_t people = 0, real = 0, made_up = 0;  // of each gallery
  std::size_t strangers = 0;                      // people outside it
  std::size_t draws = 0;
  // At the threshold that gives strangers' tracks kFalsePositiveRate.
  double threshold = 0;
  Share false_negative, false_positive;
  // At the threshold a gallery has that was never calibrated, and with the lead over the second candidate that the gateway asks for.
  double default_threshold = 0;
  Share default_false_negative, default_false_positive;
  double search_milliseconds = 0;  // median
};

// Empty when there are fewer than 4 subjects.
std::vector<Identification> identify(const std::vector<Subject>& subjects, const models::EmbedderInfo& embedder, Degradation degradation);

}  // namespace kanhu::bench
