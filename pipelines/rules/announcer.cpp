// SPDX-License-Identifier: MIT
#include "pipelines/rules/announcer.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu::rules {

namespace {

double milliseconds(std::chrono::microseconds span) { return round4(static_cast<double>(span.count()) / 1000.0); }

Json clock_of(const Stamp& stamp) {
  Json clock{{"source", to_string(*stamp.clock)}};
  if (*stamp.clock == ClockSource::kRtcp) clock["offset_ms"] = milliseconds(stamp.clock_offset);
  if (stamp.clock_uncertainty.count() > 0) clock["uncertainty_ms"] = milliseconds(stamp.clock_uncertainty);
  return clock;
}

// The table's severity, raised where the content says that something is not as it should be.
Severity severity_of(const EventType& type, Phase phase, const Json& data) {
  if (phase == Phase::kEnd && type.severity != Severity::kInfo) return Severity::kInfo;
  if (type.name == "presence.updated" && data.value("state", "") == "unknown") return Severity::kWarning;
  if (type.name == "clip.updated" && data.contains("clip") && data["clip"].value("status", "") != "complete") return Severity::kWarning;
  return type.severity;
}

}  // namespace

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kAlarm:
      return "alarm";
  }
  return "info";
}

WallTime arrived_of(const Observation& observation) {
  if (observation.arrived) return *observation.arrived;
  return observation.clock == ClockSource::kRtcp ? observation.time - observation.clock_offset : observation.time;
}

Stamp stamp_of(const Observation& observation) {
  Stamp stamp;
  stamp.time = observation.time;
  stamp.captured =
      std::holds_alternative<TrackObservation>(observation.body) || std::holds_alternative<PresenceObservation>(observation.body);
  stamp.arrival = observation.arrival;
  stamp.run = observation.run;
  stamp.pts = observation.pts;
  stamp.ordinal = observation.ordinal;
  stamp.models = observation.models;
  stamp.clock = observation.clock;
  stamp.clock_offset = observation.clock_offset;
  stamp.clock_uncertainty = observation.clock_uncertainty;
  stamp.arrived = arrived_of(observation);
  return stamp;
}

Stamp stamp_at(WallTime time) {
  Stamp stamp;
  stamp.time = stamp.arrived = time;
  return stamp;
}

std::string subject_of(std::string_view kind, const Place& place, const Stamp& stamp) {
  const std::string when =
      stamp.run.empty() ? "t" + std::to_string(to_microseconds(stamp.time)) : std::to_string(stamp.pts.time_since_epoch().count());
  return content_id(
      {kind, place.source == "-" ? place.facility : place.source, place.zone, stamp.run, when, std::to_string(stamp.ordinal)});
}

void Announcer::say(std::string_view type, Phase phase, const std::string& subject, const Place& place, const Stamp& stamp,
                    WallTime decided, Json data) {
  const EventType* row = find_event_type(type);
  if (row == nullptr || !phase_allowed(type, phase)) {
    log::error("rules", "event {} with phase {} is not in the table of types; not sent", type, to_string(phase));
    return;
  }
  data["phase"] = to_string(phase);
  data["severity"] = to_string(severity_of(*row, phase, data));
  describe(data, place);
  if (stamp.clock) data["clock"] = clock_of(stamp);
  Json times{{"decided", format_utc(std::max(decided, stamp.time))}};
  if (stamp.captured) times["captured"] = format_utc(stamp.time);
  data["times"] = std::move(times);
  if (!stamp.models.empty()) data["provenance"] = Json{{"models", stamp.models}};

  EventDraft draft;
  draft.facility = place.facility;
  draft.source = place.source;
  draft.type = type;
  draft.subject = subject;
  draft.phase = phase;
  draft.time = stamp.time;
  draft.data = std::move(data);
  draft.arrival = stamp.arrival;
  if (place.source != "-") last_[place.source] = Last{draft.type, draft.time};
  sink_.emit(std::move(draft));
}

void name_place(Json& data, const Config* config, const Place& place) {
  if (!place.zone.empty()) data["zone"] = place.zone;
  if (place.facility == "-") return;
  Json facility{{"id", place.facility}};
  const FacilityConfig* known = config != nullptr ? config->facility(place.facility) : nullptr;
  if (known != nullptr) {
    facility["name"] = known->name;
    if (!known->facility_class.empty()) facility["class"] = known->facility_class;
  }
  data["facility"] = std::move(facility);
  if (place.source == "-") return;
  Json camera{{"id", place.source}};
  if (const CameraConfig* found = known != nullptr ? known->camera(place.source) : nullptr) {
    camera["name"] = found->name;
    if (found->sensor)
      camera["kind"] = to_string(found->sensor->kind);
    else
      camera["role"] = to_string(analysed_role(*found));
  }
  data["camera"] = std::move(camera);
}

void Announcer::describe(Json& data, const Place& place) const { name_place(data, config_.get(), place); }

const Announcer::Last* Announcer::last_of(const std::string& source) const {
  const auto found = last_.find(source);
  return found == last_.end() ? nullptr : &found->second;
}

StreamRole analysed_role(const CameraConfig& camera) {
  if (camera.analyze == StreamRole::kSub) return camera.sub ? StreamRole::kSub : StreamRole::kMain;
  return camera.main ? StreamRole::kMain : StreamRole::kSub;
}

}  // namespace kanhu::rules
