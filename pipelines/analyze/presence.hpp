// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "config/detectors.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::analyze {

// What one judged frame shows of one zone.
struct ZoneEvidence {
  bool seen = false;  // somebody, also if only for the first time
  int count = 0;      // people followed and seen within the last second
  double score = 0;   // best of this frame
  std::string label;
};

// Whether the source can see at all.
struct Sight {
  std::string unknown;   // not empty: it cannot, and why
  bool warm_up = false;  // it can, but it is too early to say
};

// Presence in one zone of one source, three-valued (invariant 2), with hysteresis.
//  - present: seen for `enter_after`, with no gap over a second, and followed as a track;
//  - absent: frames that could have shown somebody showed nobody for `leave_after`; of a source whose silence does not mean that nobody is
//    there, it is unknown then, for the reason of that silence (no_face);
//  - unknown: from the moment the source cannot see; after it, what was known is forgotten and must be seen again.
// While undecided it stays unknown for the reason it had.
// Thread: confined to the source's claim.
class ZonePresence {
 public:
  ZonePresence(std::string zone, const PresenceConfig& config, double frames_per_second, SourceSilence silence);

  void begin_run();
  // A frame that could be judged.
  void see(MediaTime pts, const ZoneEvidence& evidence);
  // Frames come that cannot be judged: neither presence nor absence grows.
  void hold();
  // What is to be said now, if anything changed since the last report; a mere change of the count at most once a second.
  std::optional<PresenceObservation> report(MediaTime now, const Sight& sight);
  bool present() const { return said_ && said_->state == Presence::kPresent; }

 private:
  std::string zone_;
  PresenceConfig config_;
  SourceSilence silence_;
  std::chrono::nanoseconds gap_;
  Presence settled_ = Presence::kUnknown;
  std::optional<MediaTime> seen_since_;
  std::optional<MediaTime> seen_last_;
  std::optional<MediaTime> unseen_since_;
  ZoneEvidence evidence_;
  std::optional<PresenceObservation> said_;
  std::optional<MediaTime> said_at_;
};

// Share of the last minute of source time in which the source could see.
// Thread: confined to the source's claim.
class Coverage {
 public:
  void add(std::chrono::nanoseconds span, bool seeing);
  double share() const;

 private:
  static constexpr int kSeconds = 60;
  std::array<std::chrono::nanoseconds, kSeconds> seen_{};  // per second, a ring
  std::chrono::nanoseconds position_{0};                   // within the ring's current second
  std::size_t current_ = 0;
};

}  // namespace kanhu::analyze
