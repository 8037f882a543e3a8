// SPDX-License-Identifier: MIT
// What a gateway has of workers besides those of cameras: the sensors' one, and what both kinds share.
#include <utility>

#include "base/log.hpp"
#include "daemon/gateway/gateway.hpp"
#include "daemon/provenance.hpp"
#include "models/registry.hpp"
#include "pipelines/rules/gateway_events.hpp"

namespace kanhu {

Workers::Options Gateway::worker_options(const Config& config) const {
  Workers::Options options;
  options.in_process = config.gateway.sources_per_worker == 0;
  options.setup.clips_dir = folder_.clips();
  options.setup.models_path = models::model_search_path(config.gateway.models_dir);
  options.setup.analysis_threads = analysis_threads(config);
  options.memory_bytes = config.gateway.worker_memory_bytes;
  options.data_dir = folder_.path();
  return options;
}

void Gateway::open_sensors(const ConfigPtr& config) {
  Workers::Options options = worker_options(*config);
  options.setup.analysis_threads = 1;
  sensors_ = std::make_unique<Sensors>(
      config, std::move(options),
      Sensors::Upcalls{[this](relay::Message message) { on_worker_message(0, std::move(message)); },
                       [this](const std::string& cause, const std::vector<std::string>& sensors) {
                         log::error("gateway", "the worker of the sensors {}: {} sensors are not known until it is back", cause,
                                    sensors.size());
                         tell_lost(cause, sensors);
                       }},
      clock_);
  sensors_shown_ = sensors_.get();
}

std::vector<Workers::View> Gateway::worker_views() const {
  std::vector<Workers::View> views = workers_->view();
  if (const Sensors* sensors = sensors_shown_) {
    const auto more = sensors->view();
    views.insert(views.end(), more.begin(), more.end());
  }
  return views;
}

void Gateway::tell_lost(const std::string& cause, const std::vector<std::string>& sources) {
  const std::string id = config()->gateway.id;
  note(rules::gateway_worker_restarted(id, clock_.wall(), sources, cause));
  rules_->post([this, sources, cause](rules::Rules& rules) {
    rules.worker_lost(sources, clock_.wall(), cause);
    thermal_.lose(sources, clock_.wall());
  });
}

}  // namespace kanhu
