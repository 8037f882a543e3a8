// Faces and presence: what the tracks and zones of a camera mean.
#include <algorithm>

#include "pipelines/rules/camera_state.hpp"

namespace kanhu::rules {

namespace {

constexpr double kBetterScore = 0.05;

Json box_of(const Box& box) {
  return Json{{"x", round4(box.x)}, {"y", round4(box.y)}, {"width", round4(box.width)}, {"height", round4(box.height)}};
}

Json track_details(const TrackObservation& track) {
  return Json{{"track", track.id},
              {"label", track.label},
              {"box", box_of(track.box)},
              {"score", round4(track.score)},
              {"threshold", round4(track.threshold)}};
}

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

Place place_in(const CameraState& camera, const std::string& zone) {
  Place place = camera.place;
  place.zone = zone;
  return place;
}

void start_face(Context& context, CameraState& camera, const Observation& observation, const TrackObservation& track) {
  Stamp stamp = stamp_of(observation);
  const Place place = place_in(camera, track.zone);
  Stamp name = stamp;
  name.pts = track.start_pts;
  const double score = round4(track.score);
  Incident& incident = context.ledger.open("face.appeared", place, camera.config, name, context.now, track_details(track),
                                           Json{{"zone", track.zone}, {"score", score}});
  camera.faces[track.id] = FaceTrack{incident.subject, score};
}

// `state` has been set in `zone`; says what is to be said.
void tell_presence(Context& context, CameraState& camera, const std::string& id, ZonePresence& zone, Presence before, const Stamp& stamp) {
  const Place place = place_in(camera, id);
  Json details = presence_details(zone);
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

}  // namespace

void observe_track(Context& context, CameraState& camera, const Observation& observation) {
  const auto& track = std::get<TrackObservation>(observation.body);
  if (track.label != "face") return;
  const auto found = camera.faces.find(track.id);
  if (found == camera.faces.end()) {
    // An update of a track that a loss has ended is no new face: only a start begins one.
    if (track.phase == Phase::kStart && !camera.lost) start_face(context, camera, observation, track);
    return;
  }
  FaceTrack& face = found->second;
  const Stamp stamp = stamp_of(observation);
  if (track.phase == Phase::kEnd) {
    Json details = track_details(track);
    const std::string subject = face.subject;
    camera.faces.erase(found);
    context.ledger.end(subject, stamp, std::move(details), track.end_reason.empty() ? "left" : track.end_reason);
    return;
  }
  Incident* incident = context.ledger.find(face.subject);
  if (incident == nullptr) return;
  incident->place.zone = track.zone;
  const double told = incident->told.value("score", 0.0);
  const double score = round4(track.score);
  context.ledger.update(face.subject, stamp, track_details(track),
                        Json{{"zone", track.zone}, {"score", score >= round4(told + kBetterScore) ? score : told}}, false);
}

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

void end_tracks(Context& context, CameraState& camera, const Stamp& stamp, const std::string& end_reason) {
  for (const auto& [id, face] : std::exchange(camera.faces, {})) {
    const Incident* incident = context.ledger.find(face.subject);
    if (incident == nullptr) continue;
    Stamp last = stamp;
    last.captured = false;
    context.ledger.end(face.subject, last, Json(incident->details), end_reason);
  }
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
