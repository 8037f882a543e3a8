// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/guarded.hpp"
#include "config/config.hpp"
#include "daemon/gateway/rules_thread.hpp"
#include "daemon/query/camera_stats.hpp"
#include "daemon/query/infrared_state.hpp"
#include "daemon/sensors/sensors.hpp"
#include "daemon/supervise/assignments.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu {

int enabled_cameras(const Config& config);
// The facilities' ids, and "-" for what is of none.
std::vector<std::string> facility_ids(const Config& config);

// Takes another configuration while the gateway runs: whole, or not at all, and either is an event.
// Thread: control.
class ConfigReload {
 public:
  // What has to know it. `config` and `provenance` change on the rules thread, between two events.
  struct Parts {
    Guarded<ConfigPtr>& config;
    Guarded<rules::Provenance>& provenance;
    std::atomic<int>& cameras_enabled;
    CameraStats& stats;
    InfraredState& infrared;
    journal::Journal& journal;
    RulesThread& rules;
    Assignments& cameras;
    Sensors& sensors;
  };

  ConfigReload(std::string path, Parts parts, std::function<void(EventDraft)> note, const Clock& clock)
      : path_(std::move(path)), parts_(parts), note_(std::move(note)), clock_(clock) {}

  // Reads the file again, and tells the service manager how it went.
  void reload();

 private:
  void take(const ConfigPtr& old, const ConfigPtr& config);

  const std::string path_;
  const Parts parts_;
  const std::function<void(EventDraft)> note_;
  const Clock& clock_;
};

}  // namespace kanhu
