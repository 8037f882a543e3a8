// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string_view>

#include "pipelines/rules/rules_state.hpp"

namespace kanhu::rules {

namespace {

// One word for a person; the five facts stand beside it.
constexpr std::string_view kUp = "up";

std::string_view word_for(const CameraState& camera) {
  if (camera.lost) return camera.offline.empty() ? "unstable" : "offline";
  if (!camera.unstable.empty()) return "unstable";
  if (camera.worker_lost_at) return "not_analysed";
  if (!camera.heard) return "unknown";
  if (!camera.up) return "starting";
  if (!analyses(camera.config->detector.name)) return kUp;
  switch (camera.health.fact(HealthFact::kAnalysed)) {
    case Truth::kTrue:
      return kUp;
    case Truth::kFalse:
      return "not_analysed";
    case Truth::kUnknown:
      return "starting";
  }
  return "unknown";
}

Json roster_of(const FacilityConfig& facility) {
  Json zones = Json::array();
  for (const ZoneConfig& zone : facility.zones) {
    zones.push_back(Json{{"id", zone.id}, {"name", zone.name}, {"role", zone.role}, {"private", zone.is_private}});
  }
  Json cameras = Json::array();
  for (const CameraConfig& camera : facility.cameras) {
    Json roles = Json::array();
    if (camera.main) roles.push_back("main");
    if (camera.sub) roles.push_back("sub");
    Json views = Json::array();
    for (const ZoneView& view : camera.zones) views.push_back(view.zone);
    Json listed{{"id", camera.id},
                {"name", camera.name},
                {"enabled", camera.enabled},
                {"roles", std::move(roles)},
                {"detector", camera.detector.name},
                {"silence", to_string(silence_of(camera).means)},
                {"recorded", camera.record.has_value()},
                {"zones", std::move(views)}};
    if (camera.sensor) listed["sensor"] = to_string(camera.sensor->kind);
    cameras.push_back(std::move(listed));
  }
  return Json{
      {"id", facility.id},         {"name", facility.name},        {"class", facility.facility_class}, {"time_zone", facility.time_zone},
      {"zones", std::move(zones)}, {"cameras", std::move(cameras)}};
}

void add_fused(Json& presences, const ZoneState& zone) {
  if (zone.sources.size() < 2) return;
  Json json{{"facility", zone.facility},      {"source", "-"},       {"zone", zone.zone},
            {"state", to_string(zone.state)}, {"count", zone.count}, {"sources", zone.sources}};
  if (zone.state == Presence::kUnknown) json["reason"] = zone.reason;
  if (zone.since != WallTime{}) json["since"] = format_utc(zone.since);
  if (!zone.subject.empty()) json["subject"] = zone.subject;
  presences.push_back(std::move(json));
}

Json camera_json(const Context& context, const std::string& id, const CameraState& camera) {
  Json facts = Json::object();
  for (std::size_t i = 0; i < kHealthFacts; ++i) {
    facts[to_string(static_cast<HealthFact>(i))] = to_string(camera.health.facts[i]);
  }
  Json json{{"facility", camera.place.facility}, {"state", word_for(camera)}, {"facts", std::move(facts)}, {"dark", camera.health.dark}};
  if (camera.lost) {
    json["cause"] = camera.cause;
    if (!camera.words.empty()) json["words"] = camera.words;
  } else if (camera.worker_lost_at) {
    json["cause"] = "worker_lost";
    json["words"] = camera.worker_words;
  } else if (!camera.health.cause.empty()) {
    json["words"] = camera.health.cause;
  }
  if (camera.health.last_packet) json["last_packet"] = format_utc(*camera.health.last_packet);
  if (camera.heard) json["last_heard"] = format_utc(camera.time);
  if (const Announcer::Last* last = context.announcer.last_of(id)) {
    json["last_event"] = Json{{"type", "kanhu." + last->type}, {"time", format_utc(last->time)}};
  }
  return json;
}

void add_presences(Json& presences, const std::string& id, const CameraState& camera) {
  for (const auto& [zone_id, zone] : camera.zones) {
    Json json{
        {"facility", camera.place.facility}, {"source", id}, {"zone", zone_id}, {"state", to_string(zone.state)}, {"count", zone.count}};
    if (zone.state == Presence::kUnknown && !zone.reason.empty()) json["reason"] = zone.reason;
    if (zone.since != WallTime{}) json["since"] = format_utc(zone.since);
    if (!zone.subject.empty()) json["subject"] = zone.subject;
    presences.push_back(std::move(json));
  }
}

}  // namespace

int cameras_up(const Context& context) {
  return static_cast<int>(
      std::count_if(context.cameras.begin(), context.cameras.end(), [](const auto& camera) { return word_for(camera.second) == kUp; }));
}

Json state_json(const Context& context) {
  Json facilities = Json::array();
  for (const FacilityConfig& facility : context.config->facilities) facilities.push_back(roster_of(facility));
  Json cameras = Json::object();
  Json presences = Json::array();
  for (const auto& [id, camera] : context.cameras) {
    cameras[id] = camera_json(context, id, camera);
    add_presences(presences, id, camera);
  }
  for (const auto& [key, zone] : context.zones) add_fused(presences, zone);
  Json incidents = Json::array();
  for (const auto& [subject, incident] : context.incidents.all()) {
    Json json{{"subject", subject},
              {"type", "kanhu." + std::string(incident.kind->start)},
              {"facility", incident.place.facility},
              {"source", incident.place.source},
              {"since", format_utc(incident.started)}};
    if (!incident.place.zone.empty()) json["zone"] = incident.place.zone;
    incidents.push_back(std::move(json));
  }
  return Json{{"facilities", std::move(facilities)},
              {"cameras", std::move(cameras)},
              {"presences", std::move(presences)},
              {"incidents", std::move(incidents)},
              {"clips", context.clips.state(context.waited())}};
}

}  // namespace kanhu::rules
