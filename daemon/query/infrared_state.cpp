// SPDX-License-Identifier: MIT
#include "daemon/query/infrared_state.hpp"

#include <algorithm>
#include <utility>

#include "base/overloaded.hpp"

namespace kanhu {
namespace {

// Zones of one source: as many as a configuration may sensibly name, whatever observations say.
constexpr std::size_t kMostZones = 64;

// As the rules take it: whose silence says nothing never makes a zone absent, and who tells nothing of people is not asked.
void set_zone(InfraredState::Row& row, PresenceObservation presence, WallTime time) {
  if (!row.tells_presence) return;
  if (presence.state == Presence::kAbsent && row.silence.means == Silence::kNothing) {
    presence.state = Presence::kUnknown;
    presence.reason = row.silence.reason;
  }
  const auto found = row.zones.find(presence.zone);
  if (found == row.zones.end() && row.zones.size() >= kMostZones) return;
  InfraredState::Zone& zone = row.zones[presence.zone];
  if (found == row.zones.end() || zone.state != presence.state) zone.since = time;
  zone.state = presence.state;
  zone.reason = presence.reason;
  zone.count = presence.count;
}

// A source without zones speaks of the zone without a name.
bool watches(const CameraConfig& camera, const std::string& zone) {
  if (camera.zones.empty()) return zone.empty();
  return std::any_of(camera.zones.begin(), camera.zones.end(), [&](const ZoneView& view) { return view.zone == zone; });
}

}  // namespace

bool is_infrared(const CameraConfig& camera) { return camera.sensor.has_value() || is_warmth_detector(camera.detector.name); }

void InfraredState::use(const Config& config) {
  std::map<std::string, Row> wanted;
  rows_.with([&](auto& rows) {
    for (const FacilityConfig& facility : config.facilities) {
      for (const CameraConfig& camera : facility.cameras) {
        if (!is_infrared(camera)) continue;
        Row& row = wanted[camera.id];
        if (const auto known = rows.find(camera.id); known != rows.end() && camera.enabled) row = std::move(known->second);
        row.tells_presence = tells_presence(camera);
        row.silence = silence_of(camera);
        std::erase_if(row.zones, [&](const auto& zone) { return !watches(camera, zone.first); });
      }
    }
    rows = std::move(wanted);
  });
}

void InfraredState::observe(const Observation& observation, MonoTime now) {
  if (std::holds_alternative<TickObservation>(observation.body)) return;  // it says nothing, and often
  rows_.with([&](auto& rows) {
    const auto found = rows.find(observation.source);
    if (found == rows.end()) return;
    Row& row = found->second;
    row.heard = now;
    std::visit(Overloaded{
                   [&](const ThermalObservation& thermal) {
                     // Without an arrival it is new now.
                     const bool arrived = observation.arrival != MonoTime{} && observation.arrival < now;
                     row.picture = Picture{thermal, observation.time, arrived ? observation.arrival : now};
                   },
                   [&](const PresenceObservation& presence) { set_zone(row, presence, observation.time); },
                   [&](const ContactObservation& contact) { row.open = contact.open; },
                   [&](const HealthObservation& health) {
                     row.health = health;
                     if (health.fact(HealthFact::kConnected) == Truth::kFalse) row.open.reset();
                   },
                   [](const OneOf<TickObservation, TrackObservation, FaceShotObservation, IdentityObservation> auto&) {},
               },
               observation.body);
  });
}

void InfraredState::lose(const std::vector<std::string>& sources, WallTime now) {
  rows_.with([&](auto& rows) {
    for (const std::string& source : sources) {
      const auto found = rows.find(source);
      if (found == rows.end()) continue;
      for (auto& [id, zone] : found->second.zones) {
        if (zone.state != Presence::kUnknown) zone.since = now;
        zone.state = Presence::kUnknown;
        zone.reason = "not_analysed";
        zone.count = 0;
      }
      found->second.health.set(HealthFact::kAnalysed, Truth::kFalse);
    }
  });
}

std::optional<InfraredState::Row> InfraredState::row(const std::string& source) const {
  return rows_.with([&](const auto& rows) {
    const auto found = rows.find(source);
    return found == rows.end() ? std::optional<Row>() : std::optional<Row>(found->second);
  });
}

}  // namespace kanhu
