// What one source sees of somebody's face, and whose the gateway takes it for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipelines/frame.hpp"

namespace kanhu {

// How good one shot of a face is: figures, not verdicts (the properties are those of ISO/IEC 29794-5).
struct FaceQuality {
  double inter_pupil_px = 0;  // between the centres of the eyes, in pixels of the analysed picture
  double sharpness = 0;       // 0..1, see models/face_quality.hpp
  double yaw_degrees = 0;     // 0: frontal; positive: turned to the picture's right
  double pitch_degrees = 0;   // 0: level; positive: looking up
  double roll_degrees = 0;    // of the line between the eyes; positive: clockwise in the picture
  double brightness = 0;      // mean luma over the face, 0..255
  double contrast = 0;        // standard deviation of the same
  double occlusion = 0;       // 0..1, how little of a mouth the lower face shows
  double total = 0;           // 0..1, all of them together: orders the shots of one track
  bool operator==(const FaceQuality&) const = default;
};

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
