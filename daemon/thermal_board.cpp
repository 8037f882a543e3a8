#include "daemon/thermal_board.hpp"

#include <algorithm>
#include <utility>

namespace kanhu {
namespace {

// Zones of one source: as many as a configuration may sensibly name, whatever observations say.
constexpr std::size_t kMostZones = 64;

void set_zone(ThermalBoard::Row& row, const PresenceObservation& presence, WallTime time) {
  const auto found = row.zones.find(presence.zone);
  if (found == row.zones.end() && row.zones.size() >= kMostZones) return;
  ThermalBoard::Zone& zone = row.zones[presence.zone];
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

bool is_infrared(const CameraConfig& camera) { return camera.sensor.has_value() || camera.detector.name.rfind("thermal", 0) == 0; }

void ThermalBoard::use(const Config& config) {
  std::map<std::string, Row> wanted;
  rows_.with([&](auto& rows) {
    for (const FacilityConfig& facility : config.facilities) {
      for (const CameraConfig& camera : facility.cameras) {
        if (!is_infrared(camera)) continue;
        Row& row = wanted[camera.id];
        if (const auto known = rows.find(camera.id); known != rows.end() && camera.enabled) row = std::move(known->second);
        std::erase_if(row.zones, [&](const auto& zone) { return !watches(camera, zone.first); });
      }
    }
    rows = std::move(wanted);
  });
}

void ThermalBoard::observe(const Observation& observation, MonoTime now) {
  if (std::holds_alternative<TickObservation>(observation.body)) return;
  rows_.with([&](auto& rows) {
    const auto found = rows.find(observation.source);
    if (found == rows.end()) return;
    Row& row = found->second;
    row.heard = now;
    if (const auto* thermal = std::get_if<ThermalObservation>(&observation.body)) {
      // Without an arrival it is new now.
      const bool arrived = observation.arrival != MonoTime{} && observation.arrival < now;
      row.picture = Picture{*thermal, observation.time, arrived ? observation.arrival : now};
    } else if (const auto* presence = std::get_if<PresenceObservation>(&observation.body)) {
      set_zone(row, *presence, observation.time);
    } else if (const auto* contact = std::get_if<ContactObservation>(&observation.body)) {
      row.open = contact->open;
    } else if (const auto* health = std::get_if<HealthObservation>(&observation.body)) {
      row.health = *health;
      if (health->fact(HealthFact::kConnected) == Truth::kFalse) row.open.reset();
    }
  });
}

void ThermalBoard::lose(const std::vector<std::string>& sources, WallTime now) {
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

std::optional<ThermalBoard::Row> ThermalBoard::row(const std::string& source) const {
  return rows_.with([&](const auto& rows) {
    const auto found = rows.find(source);
    return found == rows.end() ? std::optional<Row>() : std::optional<Row>(found->second);
  });
}

}  // namespace kanhu
