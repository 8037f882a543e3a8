// SPDX-License-Identifier: MIT
// One followed face and what its shots say together.
#pragma once

#include <vector>

#include "config/config.hpp"
#include "gallery/matcher.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::identify {

// A shot that is kept, with who it alone is most like (for the ledger).
struct KeptShot {
  MediaTime pts{};
  WallTime time{};
  Box box;
  FaceQuality quality;
  std::vector<float> embedding;
  std::vector<gallery::Candidate> nearest;
};

// What is decided, and what it rests on.
struct Verdict {
  IdentityDecision decision = IdentityDecision::kUncertain;
  std::string reason;                          // of an uncertain one
  std::vector<gallery::Candidate> candidates;  // of the combined shots, best first
  double threshold = 0;
  double margin = 0;
};

// The shots of one track and the decision they lead to.
//  - The best five by quality are combined into one embedding: their mean, weighted by quality, of unit length.
//  - recognized: the best candidate's score reaches the gallery's threshold and leads the second by `margin_min`.
//  - unknown: no candidate comes near the threshold, and three shots or more say so (fewer, when the track is over).
//  - uncertain: anything else, with the reason.
// Whoever was recognized stays the only one this track can be: shots that speak for another person, or no longer for
// this one, make it uncertain (conflicting) for good. So a track never flaps between two people, and one that passed from
// one person to another (an occlusion) names nobody.
// Thread: confined to the identifier.
class FaceTrack {
 public:
  // Scores within this below the threshold are near it: neither the person nor a third party.
  static constexpr double kNear = 0.02;
  static constexpr std::size_t kMostShots = 5;
  static constexpr std::size_t kMostCandidates = 5;

  // False when five better ones are kept.
  bool add(KeptShot shot);
  // What the shots say now. `over`: no more will come.
  Verdict decide(const gallery::Matcher& matcher, const FacesConfig& config, bool over);

  const std::vector<KeptShot>& shots() const { return shots_; }  // best first

 private:
  std::vector<float> combined() const;

  std::vector<KeptShot> shots_;
  std::string recognized_;  // ref of the person once it was said
  bool conflicting_ = false;
};

}  // namespace kanhu::identify
