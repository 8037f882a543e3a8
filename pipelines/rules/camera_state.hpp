// SPDX-License-Identifier: MIT
// What the rules know about one camera and one facility.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/json.hpp"
#include "config/config.hpp"
#include "pipelines/observation.hpp"
#include "pipelines/rules/announcer.hpp"
#include "pipelines/rules/change_rate.hpp"

namespace kanhu::rules {

struct FaceTrack {
  std::string subject;
  double told_score = 0;    // last said; a better one counts from 0.05 above it
  double told_quality = 0;  // of its best shot; from 0.1 above it
  bool is_static = false;
  Json person;  // data.person as decided last; null before
};

struct ZonePresence {
  Presence state = Presence::kUnknown;
  std::string reason = "starting";
  int count = 0;
  WallTime since{};     // of the state
  std::string subject;  // of the open incident, or empty
  PresenceObservation seen;
  // What was said about a camera that counts as lost: it takes effect when the camera is back.
  std::optional<Observation> withheld;
  // What was said last, and how often it was something else. While that is too often the state is unknown, told once.
  Presence said = Presence::kUnknown;
  ChangeRate changes;
  std::optional<Observation> unsettled;
};

// Changes of presence in a minute, of a source or of a zone. Who comes and goes every other second is told; more often nothing real does.
inline constexpr std::size_t kMostPresenceChanges = 30;
// What a zone is unknown for then.
inline constexpr const char* kUnstable = "unstable";

struct ThermalSample {
  WallTime time{};
  ThermalObservation seen;
};

struct CameraState {
  const FacilityConfig* facility = nullptr;
  const CameraConfig* config = nullptr;
  Place place;

  std::string run;
  std::string dead_run;  // of a lost worker: what is still in flight from it is not heard
  std::uint64_t ordinal = 0;
  WallTime time{};     // of the newest observation, in the camera's clock
  WallTime seen_at{};  // the gateway's time then
  bool heard = false;

  HealthObservation health;
  bool up = false;    // connected, packets and decodable were all true
  bool lost = false;  // one of them is false, or a worker has not come back in time
  bool ever_up = false;
  std::string cause;  // of the loss: an error kind, or worker_lost
  std::string words;
  WallTime lost_at{};                                  // by Context::waited
  std::deque<WallTime> losses;                         // likewise, of the last 10 min
  std::string offline, unstable, frozen, dark, unfit;  // subjects of open incidents, or empty
  std::optional<WallTime> worker_lost_at;              // likewise; until the source is heard again
  std::string worker_words;

  std::map<std::uint64_t, FaceTrack> faces;
  std::deque<double> inter_pupil_px;  // best shot of each of the last faces that came and went
  std::map<std::string, ZonePresence> zones;
  std::deque<ThermalSample> thermal;       // newest last
  std::optional<WallTime> degraded_since;  // by Context::waited
  std::string degraded, contact;           // subjects of open incidents, or empty
  bool contact_is_open = false;
  ChangeRate openings;            // of the contact
  std::string contact_unstable;   // subject of the open incident, or empty
  ChangeRate freezes, darknings;  // how often its picture stood still, or went dark

  Place place_in(const std::string& zone) const { return {place.facility, place.source, zone}; }

  // The camera's own time when the gateway's is `now`.
  WallTime now(WallTime gateway_now) const {
    return heard ? time + std::max(gateway_now - seen_at, WallTime::duration::zero()) : gateway_now;
  }
};

struct SiteState {
  std::string subject;  // of the open site.offline, or empty
  std::set<std::string> members;
};

}  // namespace kanhu::rules
