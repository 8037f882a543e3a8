// SPDX-License-Identifier: MIT
#include "pipelines/rules/incidents.hpp"

#include <algorithm>

namespace kanhu::rules {

Incident& Incidents::open(std::string_view start, const Place& place, const CameraConfig* camera, const Stamp& stamp, WallTime waited,
                          Json details, Json material) {
  std::string subject = subject_of(start, place, stamp);
  // The same file played twice within one epoch gives the same name; the second incident of it gets one of its own.
  for (int again = 1; incidents_.count(subject) != 0; ++again) {
    subject = subject_of(std::string(start) + "#" + std::to_string(again), place, stamp);
  }
  Incident& incident = incidents_[subject];
  incident.kind = find_incident_kind(start);
  incident.subject = subject;
  incident.place = place;
  incident.started = incident.last_said = stamp.time;
  incident.details = std::move(details);
  incident.told = std::move(material);
  if (camera != nullptr) incident.clip = clips_.flag(*camera, place.facility, start, subject, stamp, true, waited);
  Json data = incident.details;
  if (!incident.clip.is_null()) data["clip"] = incident.clip;
  announcer_.say(start, Phase::kStart, subject, place, stamp, stamp.time, std::move(data));
  clips_.send_requests();
  return incident;
}

void Incidents::update(const std::string& subject, const Stamp& stamp, Json details, Json material, bool urgent) {
  Incident* incident = find(subject);
  if (incident == nullptr) return;
  incident->details = std::move(details);
  const auto key = std::make_pair(incident->place.source, subject);
  if (material == incident->told) {
    incident->pending = incident->urgent = false;
    waiting_.erase(key);
    return;
  }
  incident->material = std::move(material);
  incident->stamp = stamp;
  incident->pending = true;
  incident->urgent = incident->urgent || urgent;
  waiting_.insert(key);
  if (due(*incident, stamp.time)) send_update(*incident, stamp.time);
}

bool Incidents::due(const Incident& incident, WallTime now) const {
  if (incident.last_sent) return now - *incident.last_sent >= kUpdateEvery;
  return incident.urgent || now - incident.started >= kUpdateEvery;
}

void Incidents::send_update(Incident& incident, WallTime decided) {
  incident.stamp.time = std::max(incident.stamp.time, incident.last_said);
  incident.last_said = incident.stamp.time;
  incident.last_sent = std::max(decided, incident.stamp.time);
  incident.told = std::move(incident.material);
  incident.pending = incident.urgent = false;
  waiting_.erase({incident.place.source, incident.subject});
  Json data = incident.details;
  data["since"] = format_utc(incident.started);
  announcer_.say(incident.kind->update, Phase::kUpdate, incident.subject, incident.place, incident.stamp, decided, std::move(data));
}

void Incidents::flush(const std::string& source, WallTime source_now) {
  std::vector<Incident*> ready;
  for (auto it = waiting_.lower_bound({source, ""}); it != waiting_.end() && it->first == source; ++it) {
    Incident* incident = find(it->second);
    if (incident != nullptr && due(*incident, source_now)) ready.push_back(incident);
  }
  for (Incident* incident : ready) send_update(*incident, source_now);
}

void Incidents::end(const std::string& subject, const Stamp& stamp, Json details, const std::string& end_reason) {
  const auto found = incidents_.find(subject);
  if (found == incidents_.end()) return;
  Incident incident = std::move(found->second);
  incidents_.erase(found);
  waiting_.erase({incident.place.source, subject});
  Stamp last = stamp;
  last.time = std::max({stamp.time, incident.started, incident.last_said});
  if (last.time != stamp.time) last.captured = false;
  details["end_reason"] = end_reason;
  details["since"] = format_utc(incident.started);
  if (!incident.clip.is_null()) details["clip"] = clips_.status_of(incident.clip);
  announcer_.say(end_type(*incident.kind, end_reason), Phase::kEnd, subject, incident.place, last, last.time, std::move(details));
  clips_.ended(subject, last.arrived);
  clips_.send_requests();
}

Incident* Incidents::find(const std::string& subject) {
  const auto found = incidents_.find(subject);
  return found == incidents_.end() ? nullptr : &found->second;
}

std::vector<std::string> Incidents::of_source(const std::string& source) const {
  std::vector<const Incident*> open;
  for (const auto& [subject, incident] : incidents_) {
    if (incident.place.source == source) open.push_back(&incident);
  }
  std::stable_sort(open.begin(), open.end(), [](const Incident* a, const Incident* b) { return a->started < b->started; });
  std::vector<std::string> subjects;
  for (const Incident* incident : open) subjects.push_back(incident->subject);
  return subjects;
}

}  // namespace kanhu::rules
