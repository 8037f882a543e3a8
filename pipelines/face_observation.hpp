// SPDX-License-Identifier: MIT
// What one source sees of somebody's face, and whose the gateway takes it for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "media/face_quality.hpp"
#include "media/frame.hpp"

namespace kanhu {

// One shot of a followed face, worth comparing with a gallery.
struct FaceShotObservation {
  std::uint64_t track = 0;  // TrackObservation::id
  Box box;
  FaceQuality quality;
  std::vector<float> embedding;
  std::string embedder;  // digest of the network that made it
};

// Whose face a track shows, as far as its shots allow to say. Never made by a worker: the gallery lives in the gateway.
enum class IdentityDecision { kUncertain, kUnknown, kRecognized };
const char* to_string(IdentityDecision decision);  // uncertain, unknown, recognized

struct IdentityObservation {
  std::uint64_t track = 0;
  IdentityDecision decision = IdentityDecision::kUncertain;
  std::string reason;      // why uncertain: too_few_shots, too_small, near_threshold, ambiguous, conflicting; else empty
  std::string person_ref;  // only when recognized
  double score = 0;        // of the best candidate, 0..1; 0 without one
  double threshold = 0;    // in force
  double margin = 0;       // to the second candidate
  int shots = 0;           // that were combined
  std::uint64_t gallery_version = 0;
  std::string gallery;  // digest of that version
  std::string ledger;   // SHA-256 (hex) of the ledger's entry about this decision
};

}  // namespace kanhu
