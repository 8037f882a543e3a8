// What the rules know about one camera and one facility.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "config/config.hpp"
#include "pipelines/observation.hpp"
#include "pipelines/rules/clip_desk.hpp"
#include "pipelines/rules/ledger.hpp"
#include "pipelines/rules/zone_state.hpp"

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
};

// A PIR sensor sees motion, not people: when it sees none it knows nothing. Its presence incident ends so.
inline constexpr const char* kNoMotion = "no_motion";
inline bool is_pir(const CameraConfig& camera) { return camera.sensor && camera.sensor->kind == SensorKind::kPir; }

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
  WallTime lost_at{};                                  // gateway time
  std::deque<WallTime> losses;                         // gateway times, of the last 10 min
  std::string offline, unstable, frozen, dark, unfit;  // subjects of open incidents, or empty
  std::optional<WallTime> worker_lost_at;              // gateway time; until the source is heard again
  std::string worker_words;

  std::map<std::uint64_t, FaceTrack> faces;
  std::deque<double> inter_pupil_px;  // best shot of each of the last faces that came and went
  std::map<std::string, ZonePresence> zones;
  std::deque<ThermalSample> thermal;       // newest last
  std::optional<WallTime> degraded_since;  // in the camera's clock
  std::string degraded, contact;           // subjects of open incidents, or empty

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

// What all rules share.
struct Context {
  explicit Context(RulesSink& sink) : announcer(sink), clips(sink), ledger(announcer, clips) {}

  ConfigPtr config;
  Announcer announcer;
  ClipDesk clips;
  Ledger ledger;
  WallTime now{};  // of the gateway: the newest `advance`, or a little ahead of it
  std::map<std::string, CameraState, std::less<>> cameras;
  std::map<std::string, SiteState, std::less<>> sites;
  std::map<std::pair<std::string, std::string>, ZoneState> zones;  // by facility and zone
};

// A decision about a camera that a timer made, not an observation.
Stamp timer_stamp(const CameraState& camera, WallTime gateway_now);

// The five facts, losses and what follows from them (health.cpp).
void observe_health(Context& context, CameraState& camera, const Observation& observation);
void worker_lost(Context& context, CameraState& camera, const std::string& words);
void advance_health(Context& context, CameraState& camera);

// Common causes of a facility's losses (site.cpp). `cause_of`: subject of the site.offline that a camera belongs to.
void site_lost(Context& context, CameraState& camera, const Stamp& stamp);
void site_back(Context& context, const std::string& facility, WallTime time);
std::string cause_of(const Context& context, const CameraState& camera);
void tell_offline(Context& context, CameraState& camera, const Stamp& stamp);

// Faces (faces.cpp).
void observe_track(Context& context, CameraState& camera, const Observation& observation);
void observe_identity(Context& context, CameraState& camera, const Observation& observation);
void end_tracks(Context& context, CameraState& camera, const Stamp& stamp, const std::string& end_reason);

// Infrared (infrared.cpp). `series_of`: data.series of what led to a decision about `zone`, which has been handed to be kept; null when
// the source shows no warmth.
void observe_thermal(CameraState& camera, const Observation& observation);
Json series_of(Context& context, const CameraState& camera, const std::string& zone, WallTime decided);
void judge_sight(Context& context, CameraState& camera, const Stamp& stamp);
void observe_contact(Context& context, CameraState& camera, const Observation& observation);

// Presence (presence.cpp).
void observe_presence(Context& context, CameraState& camera, const Observation& observation);
void presence_unknown(Context& context, CameraState& camera, const Stamp& stamp, const std::string& reason);
void release_withheld(Context& context, CameraState& camera);

}  // namespace kanhu::rules
