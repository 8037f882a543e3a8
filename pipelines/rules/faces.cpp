// SPDX-License-Identifier: MIT
// Faces: what the tracks of a camera mean, whose they are, and whether the camera can tell at all.
#include <algorithm>
#include <vector>

#include "media/face_quality.hpp"
#include "pipelines/rules/context.hpp"

namespace kanhu::rules {

namespace {

constexpr double kBetterScore = 0.05;
constexpr double kBetterQuality = 0.1;
// Faces that came and went before a camera is called unfit, and how many of the last ones are looked at.
constexpr std::size_t kFacesForFitness = 10;
constexpr std::size_t kMostFacesForFitness = 50;
// Of the faces that come, one in ten at most is large enough: nobody can be identified there except by chance.
constexpr double kFitShare = 0.1;

Json box_of(const Box& box) {
  return Json{{"x", round4(box.x)}, {"y", round4(box.y)}, {"width", round4(box.width)}, {"height", round4(box.height)}};
}

// The total is the event's `quality`.
Json figures_of(const FaceQuality& quality) {
  Json figures = shown_figures(quality);
  figures["quality"] = std::move(figures["total"]);
  figures.erase("total");
  return figures;
}

Json person_of(const IdentityObservation& identity) {
  Json person{{"decision", to_string(identity.decision)},
              {"score", round4(identity.score)},
              {"threshold", round4(identity.threshold)},
              {"margin", round4(identity.margin)},
              {"shots", identity.shots},
              {"gallery", {{"version", identity.gallery_version}, {"digest", identity.gallery}}},
              {"ledger", identity.ledger}};
  if (!identity.person_ref.empty()) person["person_ref"] = identity.person_ref;
  if (!identity.reason.empty()) person["reason"] = identity.reason;
  return person;
}

Json track_details(const TrackObservation& track, const FaceTrack* face) {
  Json details{{"track", track.id},
               {"label", track.label},
               {"box", box_of(track.box)},
               {"score", round4(track.score)},
               {"threshold", round4(track.threshold)}};
  if (track.quality) details["face"] = figures_of(*track.quality);
  if (track.is_static) details["static"] = true;
  if (face != nullptr && !face->person.is_null()) details["person"] = face->person;
  return details;
}

// What makes an update worth saying. A static face has gone quiet: only the change itself is.
Json material_of(const FaceTrack& face, const std::string& zone) {
  Json material{{"zone", zone}, {"score", face.told_score}, {"quality", face.told_quality}, {"static", face.is_static}};
  if (!face.person.is_null()) {
    material["decision"] = face.person["decision"];
    material["person_ref"] = face.person.value("person_ref", "");
    material["reason"] = face.person.value("reason", "");
  }
  return material;
}

void start_face(Context& context, CameraState& camera, const Observation& observation, const TrackObservation& track) {
  Stamp name = stamp_of(observation);
  name.pts = track.start_pts;
  FaceTrack face;
  face.told_score = round4(track.score);
  face.told_quality = track.quality ? round4(track.quality->total) : 0;
  face.is_static = track.is_static;
  Incident& incident = context.incidents.open("face.appeared", camera.place_in(track.zone), camera.config, name, context.waited(),
                                              track_details(track, nullptr), material_of(face, track.zone));
  face.subject = incident.subject;
  camera.faces[track.id] = std::move(face);
}

// camera.unfit_for_faces: the geometry, not one far face, decides; so the best shot of each face that came and went counts.
void judge_fitness(Context& context, CameraState& camera, const Observation& observation, const TrackObservation& track) {
  if (!camera.config->faces.recognize || track.is_static || !track.quality) return;
  auto& seen = camera.inter_pupil_px;
  seen.push_back(track.quality->inter_pupil_px);
  if (seen.size() > kMostFacesForFitness) seen.pop_front();
  if (seen.size() < kFacesForFitness) return;
  const double needed = camera.config->faces.inter_pupil_min_px;
  const auto large = std::count_if(seen.begin(), seen.end(), [&](double px) { return px >= needed; });
  const bool fit = static_cast<double>(large) > kFitShare * static_cast<double>(seen.size());
  std::vector<double> sorted(seen.begin(), seen.end());
  std::sort(sorted.begin(), sorted.end());
  Json details{{"faces", seen.size()},
               {"inter_pupil_px", {{"median", round4(sorted[sorted.size() / 2])}, {"largest", round4(sorted.back())}, {"needed", needed}}}};
  Stamp stamp = stamp_of(observation);
  stamp.captured = false;
  if (!fit && camera.unfit.empty()) {
    camera.unfit =
        context.incidents
            .open("camera.unfit_for_faces", camera.place, camera.config, stamp, context.waited(), std::move(details), Json::object())
            .subject;
  } else if (fit && !camera.unfit.empty()) {
    context.incidents.end(std::exchange(camera.unfit, ""), stamp, std::move(details), "recovered");
  }
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
    Json details = track_details(track, &face);
    const std::string subject = face.subject;
    camera.faces.erase(found);
    context.incidents.end(subject, stamp, std::move(details), track.end_reason.empty() ? "left" : track.end_reason);
    judge_fitness(context, camera, observation, track);
    return;
  }
  Incident* incident = context.incidents.find(face.subject);
  if (incident == nullptr) return;
  const bool turned = track.is_static != face.is_static;
  face.is_static = track.is_static;
  if (!face.is_static || turned) {
    incident->place.zone = track.zone;
    const double score = round4(track.score);
    if (score >= round4(face.told_score + kBetterScore)) face.told_score = score;
    const double quality = track.quality ? round4(track.quality->total) : 0;
    if (quality >= round4(face.told_quality + kBetterQuality)) face.told_quality = quality;
  }
  context.incidents.update(face.subject, stamp, track_details(track, &face), material_of(face, incident->place.zone), turned);
}

void observe_identity(Context& context, CameraState& camera, const Observation& observation) {
  const auto& identity = std::get<IdentityObservation>(observation.body);
  const auto found = camera.faces.find(identity.track);
  if (found == camera.faces.end()) return;
  FaceTrack& face = found->second;
  Incident* incident = context.incidents.find(face.subject);
  if (incident == nullptr) return;
  face.person = person_of(identity);
  Json details = incident->details;
  details["person"] = face.person;
  context.incidents.update(face.subject, stamp_of(observation), std::move(details), material_of(face, incident->place.zone), true);
}

void end_tracks(Context& context, CameraState& camera, const Stamp& stamp, const std::string& end_reason) {
  for (const auto& [id, face] : std::exchange(camera.faces, {})) {
    const Incident* incident = context.incidents.find(face.subject);
    if (incident == nullptr) continue;
    Stamp last = stamp;
    last.captured = false;
    context.incidents.end(face.subject, last, Json(incident->details), end_reason);
  }
}

}  // namespace kanhu::rules
