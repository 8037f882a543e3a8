// SPDX-License-Identifier: MIT
// Cameras of one facility that go together have one cause: the site.
#include <algorithm>

#include "pipelines/rules/context.hpp"

namespace kanhu::rules {

namespace {

constexpr std::chrono::seconds kTogether{10};
constexpr std::size_t kMostNamed = 16;

Json site_details(const SiteState& site, std::size_t enabled) {
  Json cameras = Json::array();
  for (const std::string& id : site.members) {
    if (cameras.size() == kMostNamed) break;
    cameras.push_back(id);
  }
  return Json{{"cameras", std::move(cameras)}, {"count", site.members.size()}, {"of", enabled}};
}

std::size_t enabled_cameras(const FacilityConfig& facility) {
  return static_cast<std::size_t>(
      std::count_if(facility.cameras.begin(), facility.cameras.end(), [](const auto& each) { return each.enabled; }));
}

}  // namespace

std::string cause_of(const Context& context, const CameraState& camera) {
  const auto site = context.sites.find(camera.place.facility);
  if (site == context.sites.end() || site->second.members.count(camera.place.source) == 0) return "";
  return site->second.subject;
}

void site_lost(Context& context, CameraState& camera, const Stamp& stamp) {
  SiteState& site = context.sites[camera.place.facility];
  if (!site.subject.empty()) {
    site.members.insert(camera.place.source);
    return;
  }
  std::vector<CameraState*> together;
  for (auto& [id, each] : context.cameras) {
    if (each.place.facility == camera.place.facility && each.lost && context.waited() - each.lost_at <= kTogether)
      together.push_back(&each);
  }
  const std::size_t enabled = enabled_cameras(*camera.facility);
  if (together.size() < 2 || together.size() * 2 < enabled) return;
  for (const CameraState* each : together) site.members.insert(each->place.source);
  Place place;
  place.facility = camera.place.facility;
  // Named by the loss that made it a site's, so that a replay names it the same.
  site.subject =
      context.incidents.open("site.offline", place, nullptr, stamp, context.waited(), site_details(site, enabled), nullptr).subject;
  for (CameraState* each : together) {
    if (each != &camera) tell_offline(context, *each, each->heard ? timer_stamp(*each, context.now) : stamp);
  }
}

void site_back(Context& context, const std::string& facility, WallTime time) {
  const auto found = context.sites.find(facility);
  if (found == context.sites.end() || found->second.subject.empty()) return;
  SiteState& site = found->second;
  for (auto it = site.members.begin(); it != site.members.end();) {
    it = context.cameras.count(*it) == 0 ? site.members.erase(it) : std::next(it);
  }
  const auto back = static_cast<std::size_t>(std::count_if(site.members.begin(), site.members.end(),
                                                           [&](const std::string& id) { return !context.cameras.find(id)->second.lost; }));
  if (back * 2 <= site.members.size() && !site.members.empty()) return;
  const FacilityConfig* known = context.config->facility(facility);
  Json details = site_details(site, known != nullptr ? enabled_cameras(*known) : 0);
  const std::set<std::string> members = std::exchange(site.members, {});
  const std::string subject = std::exchange(site.subject, "");
  context.incidents.end(subject, stamp_at(time), std::move(details), members.empty() ? "config_changed" : "recovered");
  for (const std::string& id : members) {
    CameraState& camera = context.cameras.find(id)->second;
    if (camera.lost) tell_offline(context, camera, timer_stamp(camera, context.now));
  }
}

}  // namespace kanhu::rules
