// SPDX-License-Identifier: MIT
// Every event type Kanhu can say, the phases it may have, and which types make one incident. docs/events.md prints
// the same table for readers; a test compares the two.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "pipelines/observation.hpp"

namespace kanhu::rules {

enum class Severity { kInfo, kWarning, kAlarm };
const char* to_string(Severity severity);

struct EventType {
  std::string_view name;
  std::string_view phases;  // letters of s(tart), u(pdate), e(nd), p(oint)
  Severity severity = Severity::kInfo;
};

inline constexpr std::array kEventTypes{
    EventType{"access.clip", "p", Severity::kInfo},
    EventType{"access.look", "p", Severity::kInfo},
    EventType{"access.picture", "p", Severity::kInfo},
    EventType{"access.refused", "p", Severity::kWarning},
    EventType{"camera.dark", "se", Severity::kWarning},
    EventType{"camera.frozen", "se", Severity::kWarning},
    EventType{"camera.offline", "sue", Severity::kWarning},
    EventType{"camera.online", "pe", Severity::kInfo},
    EventType{"camera.unstable", "sue", Severity::kWarning},
    EventType{"camera.unfit_for_faces", "se", Severity::kWarning},
    EventType{"clip.updated", "p", Severity::kInfo},
    EventType{"contact.closed", "e", Severity::kInfo},
    EventType{"contact.opened", "se", Severity::kInfo},
    EventType{"contact.unstable", "se", Severity::kWarning},
    EventType{"face.appeared", "se", Severity::kInfo},
    EventType{"face.left", "e", Severity::kInfo},
    EventType{"face.updated", "u", Severity::kInfo},
    EventType{"gateway.config_changed", "p", Severity::kInfo},
    EventType{"gateway.config_rejected", "p", Severity::kWarning},
    EventType{"gateway.fault", "p", Severity::kWarning},
    EventType{"gateway.gallery_changed", "p", Severity::kInfo},
    EventType{"gateway.gallery_rejected", "p", Severity::kWarning},
    EventType{"gateway.journal_damaged", "p", Severity::kAlarm},
    EventType{"gateway.journal_rewound", "p", Severity::kAlarm},
    EventType{"gateway.loss", "p", Severity::kWarning},
    EventType{"gateway.started", "se", Severity::kInfo},
    EventType{"gateway.stopped", "e", Severity::kInfo},
    EventType{"gateway.worker_restarted", "p", Severity::kWarning},
    EventType{"ir.degraded", "se", Severity::kWarning},
    EventType{"occupancy.sampled", "p", Severity::kInfo},
    EventType{"presence.absent", "p", Severity::kInfo},
    EventType{"presence.ended", "e", Severity::kInfo},
    EventType{"presence.started", "se", Severity::kInfo},
    EventType{"presence.unknown", "p", Severity::kWarning},
    EventType{"presence.updated", "u", Severity::kInfo},
    EventType{"site.offline", "se", Severity::kAlarm},
};

constexpr const EventType* find_event_type(std::string_view name) {
  const auto* found = std::find_if(kEventTypes.begin(), kEventTypes.end(), [&](const EventType& type) { return type.name == name; });
  return found == kEventTypes.end() ? nullptr : found;
}

constexpr char phase_letter(Phase phase) {
  switch (phase) {
    case Phase::kStart:
      return 's';
    case Phase::kUpdate:
      return 'u';
    case Phase::kEnd:
      return 'e';
    case Phase::kPoint:
      return 'p';
  }
  return '?';
}

constexpr bool phase_allowed(std::string_view type, Phase phase) {
  const EventType* row = find_event_type(type);
  return row != nullptr && row->phases.find(phase_letter(phase)) != std::string_view::npos;
}

// The types an incident is told with, from its start to its end. `update` is empty where there is none. `end` says that all is well again
// (the camera is back, the door is closed): it is used only for an end that `earned` names. Any other end (a stop, a loss, a
// restart) only says that the incident is no longer followed, and goes out under the type of the start.
struct IncidentKind {
  std::string_view start;
  std::string_view update;
  std::string_view end;
  std::array<std::string_view, 3> earned{};  // end_reasons
};

inline constexpr std::array kIncidentKinds{
    IncidentKind{"camera.offline", "camera.offline", "camera.online", {"recovered"}},
    IncidentKind{"camera.unstable", "camera.unstable", "camera.unstable", {"stable"}},
    IncidentKind{"camera.frozen", "", "camera.frozen", {"recovered"}},
    IncidentKind{"camera.dark", "", "camera.dark", {"recovered"}},
    IncidentKind{"camera.unfit_for_faces", "", "camera.unfit_for_faces", {"recovered"}},
    IncidentKind{"site.offline", "", "site.offline", {"recovered"}},
    IncidentKind{"ir.degraded", "", "ir.degraded", {"recovered"}},
    IncidentKind{"contact.opened", "", "contact.closed", {"closed_again"}},
    IncidentKind{"contact.unstable", "", "contact.unstable", {"stable"}},
    IncidentKind{"face.appeared", "face.updated", "face.left", {"left"}},
    IncidentKind{"presence.started", "presence.updated", "presence.ended", {"left", "no_face", "no_motion"}},
    IncidentKind{"gateway.started", "", "gateway.stopped", {"gateway_stopped"}},
};

constexpr const IncidentKind* find_incident_kind(std::string_view start) {
  const auto* found =
      std::find_if(kIncidentKinds.begin(), kIncidentKinds.end(), [&](const IncidentKind& kind) { return kind.start == start; });
  return found == kIncidentKinds.end() ? nullptr : found;
}

// The kind that an event of this type tells of; nullptr for a type of points only.
constexpr const IncidentKind* find_kind_of_type(std::string_view type) {
  const auto* found = std::find_if(kIncidentKinds.begin(), kIncidentKinds.end(), [&](const IncidentKind& kind) {
    return kind.start == type || kind.end == type || (!type.empty() && kind.update == type);
  });
  return found == kIncidentKinds.end() ? nullptr : found;
}

// Whether an end for this reason says that what had begun is over, and not only that it is no longer followed.
constexpr bool is_earned(const IncidentKind& kind, std::string_view end_reason) {
  return !end_reason.empty() && std::find(kind.earned.begin(), kind.earned.end(), end_reason) != kind.earned.end();
}

// The type an incident of this kind ends with.
constexpr std::string_view end_type(const IncidentKind& kind, std::string_view end_reason) {
  return is_earned(kind, end_reason) ? kind.end : kind.start;
}

// An incident whose types cannot carry its phases would be a contract that nobody can keep.
static_assert(std::all_of(kIncidentKinds.begin(), kIncidentKinds.end(), [](const IncidentKind& kind) {
  return phase_allowed(kind.start, Phase::kStart) && phase_allowed(kind.end, Phase::kEnd) && phase_allowed(kind.start, Phase::kEnd) &&
         !kind.earned.front().empty() && (kind.update.empty() || phase_allowed(kind.update, Phase::kUpdate));
}));

}  // namespace kanhu::rules
