// SPDX-License-Identifier: MIT
#include "daemon/supervise/worker_grant.hpp"

#include <fmt/format.h>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "config/detectors.hpp"

namespace kanhu {
namespace {

constexpr const char* kFace = "face";
constexpr const char* kPerson = "person";

std::set<StreamRole> roles_of(const CameraConfig& camera) {
  std::set<StreamRole> sessions{session_role(camera, camera.analyze)};
  if (camera.record) sessions.insert(session_role(camera, *camera.record));
  return sessions;
}

// What its detector may find; a detector without a row may find anything.
std::set<std::string> labels_of(const CameraConfig& camera) {
  if (camera.sensor && camera.sensor->kind != SensorKind::kThermalArray) return {};
  const DetectorTraits* row = find_detector(camera.detector.name);
  if (row == nullptr) return {kFace, kPerson};
  switch (row->family) {
    case DetectorTraits::Family::kFaces:
      return {kFace};
    case DetectorTraits::Family::kPeople:
      return {kPerson};
    case DetectorTraits::Family::kNone:
      break;
  }
  return {};
}

bool shows_warmth(const CameraConfig& camera) {
  if (camera.sensor && camera.sensor->kind != SensorKind::kThermalArray) return false;
  return is_warmth_detector(camera.detector.name);
}

std::string refuses_zone(const std::set<std::string>& zones, const std::string& zone) {
  return zones.contains(zone) ? "" : fmt::format("zone {} is none of its zones", kanhu::quoted(zone, 40));
}

}  // namespace

WorkerGrant grant_of(const relay::Assign& assign) {
  const CameraConfig& camera = assign.camera;
  WorkerGrant grant;
  grant.given = true;
  grant.facilities.insert(assign.facility);
  for (const ZoneView& view : camera.zones) grant.zones.insert(view.zone);
  if (grant.zones.empty()) grant.zones.insert("");
  for (StreamRole role : roles_of(camera)) grant.roles[static_cast<std::size_t>(role)] = true;
  grant.labels = labels_of(camera);
  grant.sensor = camera.sensor.has_value();
  grant.contact = camera.sensor && camera.sensor->kind == SensorKind::kContact;
  grant.presence = tells_presence(camera);
  grant.absence = grant.presence && silence_of(camera).means == Silence::kNobody;
  grant.sightless = !grant.presence && !grant.contact;
  grant.faces = camera.faces.recognize && grant.labels.contains(kFace);
  grant.thermal = shows_warmth(camera);
  return grant;
}

void WorkerGrant::add(const WorkerGrant& more) {
  facilities.insert(more.facilities.begin(), more.facilities.end());
  zones.insert(more.zones.begin(), more.zones.end());
  labels.insert(more.labels.begin(), more.labels.end());
  for (std::size_t i = 0; i < roles.size(); ++i) roles[i] = roles[i] || more.roles[i];
  given = given || more.given;
  sensor = sensor || more.sensor;
  presence = presence || more.presence;
  absence = absence || more.absence;
  sightless = sightless || more.sightless;
  faces = faces || more.faces;
  thermal = thermal || more.thermal;
  contact = contact || more.contact;
}

std::string WorkerGrant::refuses(const Observation& observation) const {
  if (!given) return "it is not its own";
  using Words = std::string;
  return std::visit(Overloaded{
                        [&](const TrackObservation& track) -> Words {
                          if (labels.empty()) return "it follows nobody";
                          if (!labels.contains(track.label)) return fmt::format("it does not look for {}", kanhu::quoted(track.label, 40));
                          // Whoever stands in none of the zones is followed, too.
                          return track.zone.empty() ? "" : refuses_zone(zones, track.zone);
                        },
                        [&](const PresenceObservation& said) -> Words {
                          if (!presence && !(sightless && said.state == Presence::kUnknown)) return "it tells nothing of people";
                          if (said.state == Presence::kAbsent && !absence) return "it cannot know that nobody is there";
                          return refuses_zone(zones, said.zone);
                        },
                        [&](const FaceShotObservation&) -> Words { return faces ? "" : "its faces are not to be compared"; },
                        [&](const ThermalObservation&) -> Words { return thermal ? "" : "it shows no warmth"; },
                        [&](const ContactObservation&) -> Words { return contact  ? ""
                                                                         : sensor ? "it is no contact"
                                                                                  : "it is no sensor"; },
                        [](const IdentityObservation&) -> Words { return "the gateway alone decides whose a face is"; },
                        [](const OneOf<TickObservation, HealthObservation> auto&) -> Words { return ""; },
                    },
                    observation.body);
}

}  // namespace kanhu
