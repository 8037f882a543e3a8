// SPDX-License-Identifier: MIT
// What all rules share, and what each of them decides.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/detectors.hpp"
#include "pipelines/observation.hpp"
#include "pipelines/rules/announcer.hpp"
#include "pipelines/rules/camera_state.hpp"
#include "pipelines/rules/clip_requests.hpp"
#include "pipelines/rules/incidents.hpp"
#include "pipelines/rules/zone_state.hpp"

namespace kanhu::rules {

// What all rules share.
struct Context {
  explicit Context(RulesSink& sink) : announcer(sink), clips(sink), incidents(announcer, clips) {}

  ConfigPtr config;
  Announcer announcer;
  ClipRequests clips;
  Incidents incidents;
  WallTime now{};       // of the gateway: the newest `advance`, or a little ahead of it
  WallTime advanced{};  // the newest `advance`
  std::optional<WallTime> steady;
  // What patience is counted by: clocks that are set do not move it.
  WallTime waited() const { return steady ? *steady : now; }
  std::map<std::string, CameraState, std::less<>> cameras;
  std::map<std::string, SiteState, std::less<>> sites;
  std::map<std::pair<std::string, std::string>, ZoneState> zones;  // by facility and zone
};

// A decision about a camera that a timer made, not an observation.
Stamp timer_stamp(const CameraState& camera, WallTime gateway_now);

// The five facts, losses and what follows from them (health.cpp).
void observe_health(Context& context, CameraState& camera, const Observation& observation);
void worker_lost(Context& context, CameraState& camera, const std::string& words);
void quarantined(Context& context, CameraState& camera, const std::string& words);
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
void advance_contact(Context& context, CameraState& camera);

// Presence (presence.cpp).
void observe_presence(Context& context, CameraState& camera, const Observation& observation);
void presence_unknown(Context& context, CameraState& camera, const Stamp& stamp, const std::string& reason);
void release_withheld(Context& context, CameraState& camera);
// Tells what is so of zones that changed too often and are calm again.
void advance_presence(Context& context, CameraState& camera);
// Nobody looks for people there any more: what was open ends with config_changed.
void presence_unwatched(Context& context, CameraState& camera, const Stamp& stamp);

}  // namespace kanhu::rules
