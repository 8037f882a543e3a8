// SPDX-License-Identifier: MIT
// Contacts: what is open, and one that tells more than a door can do.
#include <utility>

#include "pipelines/rules/context.hpp"

namespace kanhu::rules {
namespace {

void open_contact(Context& context, CameraState& camera, const Stamp& stamp) {
  const std::string zone = camera.config->zones.empty() ? "" : camera.config->zones.front().zone;
  camera.contact =
      context.incidents.open("contact.opened", camera.place_in(zone), camera.config, stamp, context.waited(), Json::object(), nullptr)
          .subject;
}

void open_unstable(Context& context, CameraState& camera, const Stamp& stamp) {
  const std::string zone = camera.config->zones.empty() ? "" : camera.config->zones.front().zone;
  Json details{{"count", camera.openings.count()},
               {"window_s", std::chrono::seconds(ChangeRate::kWindow).count()},
               {"words",
                "it opens more often than a door: its changes are not reported until it calms down. Is it loose, or does a third party "
                "send to its topic?"}};
  camera.contact_unstable =
      context.incidents.open("contact.unstable", camera.place_in(zone), camera.config, stamp, context.waited(), std::move(details), nullptr)
          .subject;
}

// A door that people go through one after the other stays below it; a loose contact, or somebody who writes to its topic, does not.
std::size_t most_openings(const CameraState& camera) {
  return static_cast<std::size_t>(camera.config->sensor.value_or(SensorConfig{}).openings_per_minute);
}

}  // namespace

void observe_contact(Context& context, CameraState& camera, const Observation& observation) {
  const bool open = std::get<ContactObservation>(observation.body).open;
  if (std::exchange(camera.contact_is_open, open) == open) return;
  const Stamp stamp = stamp_of(observation);
  if (!open) {
    if (!camera.contact.empty()) context.incidents.end(std::exchange(camera.contact, ""), stamp, Json::object(), "closed_again");
    return;
  }
  if (!camera.openings.changed(context.waited(), most_openings(camera)))
    open_contact(context, camera, stamp);
  else if (camera.contact_unstable.empty())
    open_unstable(context, camera, stamp);
}

void advance_contact(Context& context, CameraState& camera) {
  if (!camera.openings.calmed(context.waited(), most_openings(camera)) || camera.contact_unstable.empty()) return;
  const Stamp stamp = timer_stamp(camera, context.now);
  context.incidents.end(std::exchange(camera.contact_unstable, ""), stamp,
                        Json{{"window_s", std::chrono::seconds(ChangeRate::kWindow).count()}}, "stable");
  if (camera.contact_is_open) open_contact(context, camera, stamp);
}

}  // namespace kanhu::rules
