// Presence: what the zones of a camera mean.
#include <algorithm>

#include "pipelines/rules/camera_state.hpp"

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

// `state` has been set in `zone`; says what is to be said.
void tell_own(Context& context, CameraState& camera, const std::string& id, ZonePresence& zone, Presence before, const Stamp& stamp) {
  const Place place = camera.place_in(id);
  Json details = presence_details(zone);
  if (zone.state != before) {
    if (Json series = series_of(context, camera, id, stamp.time); !series.is_null()) details["series"] = std::move(series);
  }
  if (is_pir(*camera.config) && zone.state == Presence::kUnknown && zone.reason == kNoMotion) {
    if (!zone.subject.empty()) context.ledger.end(std::exchange(zone.subject, ""), stamp, std::move(details), kNoMotion);
    return;
  }
  if (!zone.subject.empty()) {
    if (zone.state == Presence::kAbsent) {
      context.ledger.end(std::exchange(zone.subject, ""), stamp, std::move(details), "left");
    } else {
      context.ledger.update(zone.subject, stamp, std::move(details), presence_material(zone), zone.state != before);
    }
    return;
  }
  if (zone.state == Presence::kPresent) {
    zone.subject =
        context.ledger.open("presence.started", place, camera.config, stamp, context.now, std::move(details), presence_material(zone))
            .subject;
    return;
  }
  if (zone.state == before) return;
  const std::string_view type = zone.state == Presence::kAbsent ? "presence.absent" : "presence.unknown";
  const std::string subject = subject_of(type, place, stamp);
  if (Json clip = context.clips.flag(*camera.config, camera.place.facility, type, subject, stamp, false, context.now); !clip.is_null()) {
    details["clip"] = std::move(clip);
  }
  context.announcer.say(type, Phase::kPoint, subject, place, stamp, stamp.time, std::move(details));
  context.clips.send_requests();
}

void tell_presence(Context& context, CameraState& camera, const std::string& id, ZonePresence& zone, Presence before, const Stamp& stamp) {
  tell_own(context, camera, id, zone, before, stamp);
  if (!id.empty()) fuse(context, camera.place.facility, id, stamp);
  judge_sight(context, camera, stamp);
}

}  // namespace

void observe_presence(Context& context, CameraState& camera, const Observation& observation) {
  const auto& seen = std::get<PresenceObservation>(observation.body);
  ZonePresence& zone = camera.zones[seen.zone];
  if (camera.lost && seen.state != Presence::kUnknown) {
    zone.withheld = observation;
    return;
  }
  zone.withheld.reset();
  if (camera.lost && zone.state == Presence::kUnknown && zone.reason == "camera_offline") return;  // the loss is the reason
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
    if (zone.state == Presence::kUnknown && zone.reason == reason) continue;
    const Presence before = zone.state;
    zone.state = Presence::kUnknown;
    zone.reason = reason;
    zone.count = 0;
    if (before != zone.state) zone.since = stamp.time;
    tell_presence(context, camera, id, zone, before, stamp);
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
