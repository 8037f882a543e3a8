// SPDX-License-Identifier: MIT
#include "daemon/admin/config_reload.hpp"

#include <memory>
#include <utility>

#include "base/log.hpp"
#include "daemon/admin/here.hpp"
#include "daemon/gateway/service_manager.hpp"
#include "daemon/provenance.hpp"
#include "pipelines/rules/gateway_events.hpp"

namespace kanhu {

int enabled_cameras(const Config& config) {
  int enabled = 0;
  for (const FacilityConfig& facility : config.facilities)
    for (const CameraConfig& camera : facility.cameras) enabled += camera.enabled ? 1 : 0;
  return enabled;
}

std::vector<std::string> facility_ids(const Config& config) {
  std::vector<std::string> ids{"-"};
  for (const FacilityConfig& facility : config.facilities) ids.push_back(facility.id);
  return ids;
}

void ConfigReload::reload() {
  service::reloading();
  const ConfigPtr old = parts_.config.with([](const ConfigPtr& value) { return value; });
  auto loaded = load_config_again(path_);
  if (!loaded) {
    log::error("config", "refused, the running configuration stays: {}", loaded.error().message);
    note_(rules::gateway_config_rejected(old->gateway.id, clock_.wall(), old->digest, loaded.error()));
    service::ready("configuration refused, the old one stays");
    return;
  }
  take(old, std::make_shared<const Config>(std::move(*loaded)));
  service::ready("reloaded");
}

void ConfigReload::take(const ConfigPtr& old, const ConfigPtr& config) {
  if (!(config->gateway == old->gateway) || !(config->publish == old->publish) || !(config->metrics == old->metrics) ||
      !(config->journal == old->journal)) {
    log::warning("config", "changes under gateway, publish, journal and metrics take effect at the next start");
  }
  auto changes = parts_.cameras.change(*config);
  parts_.cameras_enabled = enabled_cameras(*config);
  parts_.journal.declare_streams(facility_ids(*config));
  // Reading digests may wait for a disk: not on the rules thread.
  parts_.rules.post([parts = parts_, config, made = provenance_of(*config), &clock = clock_](rules::Rules& rules) {
    rules.reconfigure(config, clock.wall());
    parts.infrared.use(*config);
    parts.provenance.with([&](auto& value) { value = made; });
    parts.config.with([&](ConfigPtr& value) { value = config; });
  });
  parts_.rules.post_faces([config](identify::Identifier& identifier) { identifier.reconfigure(config); });
  changes.add(parts_.sensors.reconfigure(config));  // after the rules know them: a retained state comes at once
  for (const std::string& source : changes.removed_cameras) parts_.stats.forget(source);
  note_(rules::gateway_config_changed(old->gateway.id, clock_.wall(),
                                      {old->digest, config->digest, changes.added, changes.removed, changes.changed}));
  log::info("config", "reloaded: {} cameras added, {} removed, {} changed", changes.added, changes.removed, changes.changed);
}

}  // namespace kanhu
