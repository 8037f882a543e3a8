// SPDX-License-Identifier: MIT
// Presence: what the zones of a camera mean.
#include <algorithm>

#include "pipelines/rules/context.hpp"

namespace kanhu::rules {

namespace {

Json presence_details(const ZonePresence& zone) {
  Json details{{"state", to_string(zone.state)}};
  if (zone.state == Presence::kUnknown) {
    if (!zone.reason.empty()) details["reason"] = zone.reason;
  } else {
    details["count"] = zone.count;
    details["threshold"] = round4(zone.seen.threshold);
    details["coverage"] = round4(zone.seen.coverage);
  }
  if (zone.state == Presence::kPresent) {
    details["score"] = round4(zone.seen.score);
    if (!zone.seen.track_label.empty()) details["label"] = zone.seen.track_label;
  }
  return details;
}

// Why a zone is unknown may change without a word (a return is a warm-up first); `state` has the latest reason.
Json presence_material(const ZonePresence& zone) { return Json{{"state", to_string(zone.state)}, {"count", zone.count}}; }

// The source sees nobody, and that does not mean that nobody is there. Its incident of somebody present ends so.
bool is_silent(const CameraState& camera, Presence state, const std::string& reason) {
  const SourceSilence silence = silence_of(*camera.config);
  return state == Presence::kUnknown && !silence.reason.empty() && reason == silence.reason;
}

// `state` has been set in `zone`; says what is to be said.
void tell_own(Context& context, CameraState& camera, const std::string& id, ZonePresence& zone, Presence before, const Stamp& stamp) {
  const Place place = camera.place_in(id);
  Json details = presence_details(zone);
  if (zone.state != before) {
    if (Json series = series_of(context, camera, id, stamp.time); !series.is_null()) details["series"] = std::move(series);
  }
  if (!zone.subject.empty()) {
    const bool silent = is_silent(camera, zone.state, zone.reason);
    if (silent || zone.state == Presence::kAbsent) {
      context.incidents.end(std::exchange(zone.subject, ""), stamp, std::move(details), silent ? zone.reason : "left");
    } else {
      context.incidents.update(zone.subject, stamp, std::move(details), presence_material(zone), zone.state != before);
    }
    return;
  }
  if (zone.state == Presence::kPresent) {
    zone.subject = context.incidents
                       .open("presence.started", place, camera.config, stamp, context.waited(), std::move(details), presence_material(zone))
                       .subject;
    return;
  }
  if (zone.state == before) return;
  const std::string_view type = zone.state == Presence::kAbsent ? "presence.absent" : "presence.unknown";
  const std::string subject = subject_of(type, place, stamp);
  if (Json clip = context.clips.flag(*camera.config, camera.place.facility, type, subject, stamp, false, context.waited());
      !clip.is_null()) {
    details["clip"] = std::move(clip);
  }
  context.announcer.say(type, Phase::kPoint, subject, place, stamp, stamp.time, std::move(details));
  context.clips.send_requests();
}

// What a source says of a zone from now on. True when it has changed too often for each change to be told.
bool is_unstable(const Context& context, ZonePresence& zone, Presence said) {
  if (std::exchange(zone.said, said) != said) zone.changes.changed(context.waited(), kMostPresenceChanges);
  return zone.changes.restless();
}

void tell_presence(Context& context, CameraState& camera, const std::string& id, ZonePresence& zone, Presence before, const Stamp& stamp) {
  tell_own(context, camera, id, zone, before, stamp);
  if (!id.empty()) fuse(context, camera.place.facility, id, stamp);
  judge_sight(context, camera, stamp);
}

}  // namespace

void observe_presence(Context& context, CameraState& camera, const Observation& observation) {
  PresenceObservation seen = std::get<PresenceObservation>(observation.body);
  const SourceSilence silence = silence_of(*camera.config);
  if (seen.state == Presence::kAbsent && silence.means == Silence::kNothing) {  // whoever says it: nothing behind it could know
    seen.state = Presence::kUnknown;
    seen.reason = silence.reason;
  }
  ZonePresence& zone = camera.zones[seen.zone];
  if (camera.lost && (seen.state != Presence::kUnknown || is_silent(camera, seen.state, seen.reason))) {
    zone.withheld = observation;
    return;
  }
  zone.withheld.reset();
  if (camera.lost && zone.state == Presence::kUnknown && zone.reason == "camera_offline") return;  // the loss is the reason
  zone.unsettled.reset();
  if (is_unstable(context, zone, seen.state)) {
    zone.unsettled = observation;
    if (seen.state != Presence::kUnknown) seen.reason = kUnstable;
    seen.state = Presence::kUnknown;
  }
  const Presence before = zone.state;
  zone.state = seen.state;
  zone.reason = seen.state == Presence::kUnknown ? (seen.reason.empty() ? "not_analysed" : seen.reason) : "";
  zone.count = seen.state == Presence::kPresent ? seen.count : 0;
  zone.seen = seen;
  if (zone.state != before || zone.since == WallTime{}) zone.since = observation.time;
  tell_presence(context, camera, seen.zone, zone, before, stamp_of(observation));
}

void presence_unknown(Context& context, CameraState& camera, const Stamp& stamp, const std::string& reason) {
  for (auto& [id, zone] : camera.zones) {
    zone.withheld.reset();
    zone.unsettled.reset();
    is_unstable(context, zone, Presence::kUnknown);
    if (zone.state == Presence::kUnknown && zone.reason == reason) continue;
    const Presence before = zone.state;
    zone.state = Presence::kUnknown;
    zone.reason = reason;
    zone.count = 0;
    if (before != zone.state) zone.since = stamp.time;
    tell_presence(context, camera, id, zone, before, stamp);
  }
}

void presence_unwatched(Context& context, CameraState& camera, const Stamp& stamp) {
  presence_unknown(context, camera, stamp, "not_analysed");
  for (auto& [id, zone] : camera.zones) {
    const std::string subject = std::exchange(zone.subject, "");
    if (!subject.empty()) context.incidents.end(subject, stamp, presence_details(zone), "config_changed");
  }
}

void advance_presence(Context& context, CameraState& camera) {
  for (auto& [id, zone] : camera.zones) {
    if (!zone.changes.calmed(context.waited(), kMostPresenceChanges) || !zone.unsettled) continue;
    Observation observation = *std::exchange(zone.unsettled, std::nullopt);
    observation.time = std::max(observation.time, camera.now(context.now));
    observe_presence(context, camera, observation);
  }
}

void release_withheld(Context& context, CameraState& camera) {
  for (auto& [id, zone] : camera.zones) {
    if (!zone.withheld) continue;
    const Observation observation = *std::exchange(zone.withheld, std::nullopt);
    observe_presence(context, camera, observation);
  }
}

}  // namespace kanhu::rules
