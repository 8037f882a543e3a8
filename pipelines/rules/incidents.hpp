// SPDX-License-Identifier: MIT
// What has begun and not ended: every start is followed by exactly one end, updates are few and none is lost.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipelines/rules/announcer.hpp"
#include "pipelines/rules/clip_requests.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu::rules {

// At most one update of an incident in this time.
inline constexpr std::chrono::seconds kUpdateEvery{5};

// Something that lasts. `details` are its data members as they are now, `told` the material ones as last said.
struct Incident {
  const IncidentKind* kind = nullptr;
  std::string subject;
  Place place;
  WallTime started{};
  WallTime last_said{};               // time of the last event of it
  std::optional<WallTime> last_sent;  // when the last update went out
  Json details;
  Json told;
  Json clip;  // data.clip of its start; null when it asked for none
  // The update that waits for its turn.
  bool pending = false;
  bool urgent = false;
  Stamp stamp;
  Json material;
};

// Opens, updates and ends incidents, and hands their clips to the recorder.
// Promises: one start and one end a subject; end.time >= start.time; updates only for a change of `material`, at most
// one in 5 s. An urgent update (a changed state or cause) need not wait for the start to be 5 s old; another one does.
// Thread: confined to the rules.
class Incidents {
 public:
  Incidents(Announcer& announcer, ClipRequests& clips) : announcer_(announcer), clips_(clips) {}

  // Says the start. `camera` is nullptr for a site. `waited`: Context::waited, for the clip's deadline.
  Incident& open(std::string_view start, const Place& place, const CameraConfig* camera, const Stamp& stamp, WallTime waited, Json details,
                 Json material);
  void update(const std::string& subject, const Stamp& stamp, Json details, Json material, bool urgent);
  // Says the end, under the type that `end_reason` has earned (event_types.hpp). `details` replace those of the incident.
  void end(const std::string& subject, const Stamp& stamp, Json details, const std::string& end_reason);
  // Sends the held-back updates of a camera (or, for "-", of everything without one) whose time has come.
  void flush(const std::string& source, WallTime source_now);

  Incident* find(const std::string& subject);
  // Subjects of a camera's open incidents, oldest start first.
  std::vector<std::string> of_source(const std::string& source) const;
  const std::map<std::string, Incident>& all() const { return incidents_; }

 private:
  bool due(const Incident& incident, WallTime now) const;
  void send_update(Incident& incident, WallTime decided);

  Announcer& announcer_;
  ClipRequests& clips_;
  std::map<std::string, Incident> incidents_;
  std::set<std::pair<std::string, std::string>> waiting_;  // (source, subject)
};

}  // namespace kanhu::rules
