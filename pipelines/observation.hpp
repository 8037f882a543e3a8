// SPDX-License-Identifier: MIT
// What one source saw, or failed to see: the only thing that travels from workers to the rules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "media/detection.hpp"
#include "media/frame.hpp"
#include "media/thermal_frame.hpp"
#include "pipelines/face_observation.hpp"

namespace kanhu {

enum class Phase { kStart, kUpdate, kEnd, kPoint };
const char* to_string(Phase phase);

// Five separate health facts (invariant 4).
enum class HealthFact { kConnected, kPacketsArriving, kPictureChanging, kDecodable, kAnalysed };
inline constexpr std::size_t kHealthFacts = 5;
const char* to_string(HealthFact fact);  // connected, packets, picture, decodable, analysed

enum class Truth { kTrue, kFalse, kUnknown };
const char* to_string(Truth truth);

// A person followed by one camera. `id` counts tracks of a run from 1.
struct TrackObservation {
  Phase phase = Phase::kStart;
  std::uint64_t id = 0;
  std::string label;
  Box box;
  double score = 0;      // best score so far
  double threshold = 0;  // the score a detection had to reach
  std::string zone;      // first declared zone that holds the box's foot point, or empty
  MediaTime start_pts{};
  WallTime start_time{};
  std::string end_reason;              // "left", "camera_lost", "camera_frozen", ...; only at the end
  std::optional<FaceQuality> quality;  // of the best shot so far, when the detector gives landmarks
  bool is_static = false;              // it never moved: a portrait, a poster, a face on a screen
};

// A change of what is known about people in one zone, as one source sees it.
struct PresenceObservation {
  std::string zone;
  Presence state = Presence::kUnknown;
  std::string reason;  // why unknown: camera_offline, warm_up, frozen, dark, not_analysed, starting, low_contrast
  int count = 0;       // people seen now
  double score = 0;    // best score of the deciding frame, 0 when not present
  double threshold = 0;
  double coverage = 0;      // share of the last minute in which the source could see, 0..1
  std::string track_label;  // what was seen: "face", "person"
};

// The five facts whenever one of them changes, with the cause in words a person understands.
struct HealthObservation {
  std::array<Truth, kHealthFacts> facts{Truth::kUnknown, Truth::kUnknown, Truth::kUnknown, Truth::kUnknown, Truth::kUnknown};
  bool dark = false;               // the picture is black or covered
  std::optional<ErrorKind> error;  // when the run ended
  std::string cause;               // "wrong user or password", "no packets for 8 s"; empty when all is well
  std::optional<WallTime> last_packet;

  Truth fact(HealthFact which) const { return facts[static_cast<std::size_t>(which)]; }
  void set(HealthFact which, Truth value) { facts[static_cast<std::size_t>(which)] = value; }
  bool operator==(const HealthObservation&) const = default;
};

// Time has passed at this source although nothing else is to be said.
struct TickObservation {};

struct Observation {
  std::string source;  // camera id
  std::string run;
  WallTime time{};  // capture time of the deciding frame or tick
  ClockSource clock = ClockSource::kArrival;
  std::chrono::microseconds clock_offset{0};  // capture clock minus arrival, when the source has both
  std::chrono::microseconds clock_uncertainty{0};
  std::optional<WallTime> arrived;  // on this machine (of a recording: as recorded), whatever clock `time` is by
  MediaTime pts{};
  std::uint64_t ordinal = 0;  // counts a source's observations within a run from 0
  MonoTime arrival{};         // of the deciding packet on this machine; for latency figures only, 0 in replay
  std::string models;         // digest of the models that were asked; empty for health and ticks
  std::variant<TickObservation, HealthObservation, TrackObservation, PresenceObservation, FaceShotObservation, IdentityObservation,
               ThermalObservation, ContactObservation>
      body;
};

// The seam between what watches and what judges: in one process the gateway itself, otherwise the relay.
// Thread: `observe` may be called from any thread; calls for one source come in order of (run, ordinal).
class ObservationSink {
 public:
  virtual ~ObservationSink() = default;
  virtual void observe(Observation observation) = 0;
};

}  // namespace kanhu
