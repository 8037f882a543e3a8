// SPDX-License-Identifier: MIT
#include "pipelines/rules/zone_state.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/rules/context.hpp"

namespace kanhu::rules {
namespace {

constexpr std::size_t kMostSources = 16;

double seconds_between(WallTime from, WallTime to) { return std::max(0.0, std::chrono::duration<double>(to - from).count()); }

Place place_of(const ZoneState& zone) {
  Place place;
  place.facility = zone.facility;
  place.zone = zone.zone;
  return place;
}

// At most 16, as everywhere in events.
Json sources_of(const ZoneState& zone) {
  Json sources = Json::array();
  for (const std::string& id : zone.sources) {
    if (sources.size() == kMostSources) break;
    sources.push_back(id);
  }
  return sources;
}

Json details_of(const ZoneState& zone) {
  Json details{{"state", to_string(zone.state)}, {"sources", sources_of(zone)}};
  if (zone.state == Presence::kUnknown)
    details["reason"] = zone.reason;
  else
    details["count"] = zone.count;
  return details;
}

Json material_of(const ZoneState& zone) { return Json{{"state", to_string(zone.state)}, {"count", zone.count}}; }

void judge(const Context& context, ZoneState& zone) {
  bool somebody = false, all_see = true, one_sees = false;
  zone.count = 0;
  std::string why, away, quiet;  // the first that cannot tell; that only adds and cannot see; that sees nobody
  for (const std::string& id : zone.sources) {
    const auto found = context.cameras.find(id);
    if (found == context.cameras.end()) continue;
    const auto seen = found->second.zones.find(zone.zone);
    if (seen == found->second.zones.end()) continue;
    const Presence state = seen->second.state;
    if (state == Presence::kPresent) {
      somebody = true;
      zone.count = std::max(zone.count, std::max(1, seen->second.count));
    }
    const SourceSilence silence = silence_of(*found->second.config);
    const bool tells = silence.means == Silence::kNobody;
    one_sees = one_sees || (tells && state != Presence::kUnknown);
    if (state != Presence::kUnknown) continue;
    all_see = all_see && !tells;
    std::string& first = tells ? why : seen->second.reason == silence.reason ? quiet : away;
    if (first.empty()) first = seen->second.reason;
  }
  zone.state = somebody ? Presence::kPresent : all_see && one_sees ? Presence::kAbsent : Presence::kUnknown;
  zone.silent = zone.state == Presence::kUnknown && why.empty() && away.empty();
  zone.reason = zone.state != Presence::kUnknown ? "" : !why.empty() ? why : !away.empty() ? away : quiet;
  if (zone.silent && zone.reason.empty()) zone.reason = "not_analysed";
  if (zone.sources.size() < 2) return;  // one source's changes are counted where it says them
  if (std::exchange(zone.judged, zone.state) != zone.state) zone.changes.changed(context.waited(), kMostPresenceChanges);
  if (!zone.changes.restless() || zone.state == Presence::kUnknown) return;
  zone.state = Presence::kUnknown;
  zone.reason = kUnstable;
  zone.count = 0;
}

// What was true until now counts; then it may change.
void count_to(ZoneState& zone, WallTime now) {
  if (zone.counted_to == WallTime{}) zone.counted_to = now;
  const double passed = seconds_between(zone.counted_to, now);
  zone.counted_to = std::max(zone.counted_to, now);
  if (zone.state == Presence::kUnknown) return;
  zone.known_s += passed;
  if (zone.state != Presence::kPresent) return;
  zone.present_s += passed;
  zone.person_s += passed * zone.count;
  if (passed > 0) zone.most = std::max(zone.most, zone.count);
}

void tell(Context& context, ZoneState& zone, Presence before, const Stamp& stamp) {
  const Place place = place_of(zone);
  if (!zone.subject.empty()) {
    if (zone.state == Presence::kAbsent || zone.silent)
      context.incidents.end(std::exchange(zone.subject, ""), stamp, details_of(zone), zone.silent ? zone.reason : "left");
    else
      context.incidents.update(zone.subject, stamp, details_of(zone), material_of(zone), zone.state != before);
  } else if (zone.state == Presence::kPresent) {
    zone.subject =
        context.incidents.open("presence.started", place, nullptr, stamp, context.waited(), details_of(zone), material_of(zone)).subject;
  } else if (zone.state != before) {
    const char* type = zone.state == Presence::kAbsent ? "presence.absent" : "presence.unknown";
    context.announcer.say(type, Phase::kPoint, subject_of(type, place, stamp), place, stamp, stamp.time, details_of(zone));
  }
}

}  // namespace

void fuse(Context& context, const std::string& facility, const std::string& zone_id, const Stamp& stamp) {
  const auto found = context.zones.find({facility, zone_id});
  if (found == context.zones.end()) return;
  ZoneState& zone = found->second;
  count_to(zone, context.now);
  const Presence before = zone.state;
  judge(context, zone);
  if (zone.state != before || zone.since == WallTime{}) zone.since = stamp.time;
  if (zone.sources.size() > 1) tell(context, zone, before, stamp);
}

void enrol_zones(Context& context, const Stamp& stamp) {
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> watched;
  for (const auto& [id, camera] : context.cameras) {
    if (!tells_presence(*camera.config)) continue;
    for (const ZoneView& view : camera.config->zones) watched[{camera.place.facility, view.zone}].push_back(id);
  }
  for (auto it = context.zones.begin(); it != context.zones.end();) {
    const auto now = watched.find(it->first);
    ZoneState& zone = it->second;
    if (!zone.subject.empty() && (now == watched.end() || now->second.size() < 2)) {
      context.incidents.end(std::exchange(zone.subject, ""), stamp,
                            Json{{"state", to_string(Presence::kUnknown)}, {"reason", "not_analysed"}}, "config_changed");
    }
    it = now == watched.end() ? context.zones.erase(it) : std::next(it);
  }
  for (auto& [key, sources] : watched) {
    ZoneState& zone = context.zones[key];
    const bool known = !zone.zone.empty();
    zone.facility = key.first;
    zone.zone = key.second;
    const bool changed = known && zone.sources != sources;
    zone.sources = std::move(sources);
    if (changed) fuse(context, zone.facility, zone.zone, stamp);
  }
}

void sample_zones(Context& context) {
  for (auto& [key, zone] : context.zones) {
    const FacilityConfig* facility = context.config->facility(zone.facility);
    if (facility == nullptr || facility->occupancy_every.count() == 0) continue;
    const std::int64_t every = std::chrono::microseconds(facility->occupancy_every).count();
    const WallTime due = wall_from_microseconds(to_microseconds(context.now) / every * every);
    const bool stepped_back = zone.sampled_at - context.now > std::chrono::microseconds(facility->occupancy_every);
    if (zone.sampled_at == WallTime{} || stepped_back) zone.sampled_at = zone.counted_to = context.now;  // the first one is a part
    if (zone.sampled_at >= due) continue;
    count_to(zone, due);
    const double whole = seconds_between(zone.sampled_at, due);
    Json details{{"state", to_string(zone.state)}, {"since", format_utc(zone.sampled_at)}, {"sources", sources_of(zone)}};
    if (zone.state == Presence::kUnknown) details["reason"] = zone.reason;
    if (zone.state != Presence::kUnknown) details["count"] = zone.count;
    details["occupancy"] = Json{{"most", zone.most}, {"person_s", round4(zone.person_s)}, {"present_s", round4(zone.present_s)}};
    details["coverage"] = round4(whole > 0 ? std::min(1.0, zone.known_s / whole) : 0);
    if (zone.known_s > 0) details["occupancy"]["mean"] = round4(zone.person_s / zone.known_s);
    zone.sampled_at = due;
    zone.known_s = zone.person_s = zone.present_s = 0;
    zone.most = zone.state == Presence::kPresent ? zone.count : 0;
    const Place place = place_of(zone);
    const Stamp stamp = stamp_at(due);
    context.announcer.say("occupancy.sampled", Phase::kPoint, subject_of("occupancy.sampled", place, stamp), place, stamp, context.now,
                          std::move(details));
  }
}

void advance_zones(Context& context) {
  for (auto& [key, zone] : context.zones)
    if (zone.changes.calmed(context.waited(), kMostPresenceChanges)) fuse(context, zone.facility, zone.zone, stamp_at(context.now));
}

void forget_zones(Context& context) {
  for (auto& [key, zone] : context.zones) {
    zone.subject.clear();
    zone.state = Presence::kUnknown;
    zone.count = 0;
  }
}

}  // namespace kanhu::rules
