// SPDX-License-Identifier: MIT
#include "pipelines/journal/open_incidents.hpp"

#include <algorithm>
#include <utility>

#include "base/json.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::journal {
namespace {

std::string text_member(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void add_subject(Json& clip, const std::string& subject) {
  Json& subjects = clip["subjects"];
  if (!subjects.is_array()) subjects = Json::array();
  if (!subject.empty() && std::find(subjects.begin(), subjects.end(), subject) == subjects.end()) subjects.push_back(subject);
}

void add_subjects(Json& clip, const Json& from) {
  add_subject(clip, text_member(from, "subject"));
  for (const Json& subject : member(from, "subjects")) {
    if (subject.is_string()) add_subject(clip, subject.get<std::string>());
  }
}

}  // namespace

void OpenIncidents::apply(const RecordView& record, const std::string& subject, const Json& clip) {
  if (!subject.empty()) {
    if (record.phase == static_cast<std::uint8_t>(Phase::kStart)) {
      Incident incident;
      incident.order = ++order_;
      incident.facility = record.stream;
      incident.source = record.source;
      incident.type = record.type;
      incident.body = record.body;
      incident.time_us = record.time_us;
      open_[subject] = std::move(incident);
    } else if (record.phase == static_cast<std::uint8_t>(Phase::kEnd)) {
      open_.erase(subject);
    }
  }
  // A clip is first said in the event it belongs to, later in clip.updated.
  if (clip.is_object()) note_clip(std::string(record.stream), std::string(record.source), subject, clip);
}

void OpenIncidents::apply(const Record& record) {
  const bool lasting = record.phase == static_cast<std::uint8_t>(Phase::kStart) || record.phase == static_cast<std::uint8_t>(Phase::kEnd);
  if (!lasting && record.type != "clip.updated") return;
  const auto body = parse_json(record.body);
  if (!body || !body->is_object()) return;
  apply(record, text_member(*body, "subject"), member(member(*body, "data"), "clip"));
}

void OpenIncidents::note_clip(const std::string& facility, const std::string& source, const std::string& subject, const Json& clip) {
  const std::string id = text_member(clip, "id");
  if (id.empty()) return;
  if (text_member(clip, "status") != "pending") {
    clips_.erase(id);
    return;
  }
  Json& pending = clips_[id];
  if (!pending.is_object()) pending = Json::object();
  pending["clip"] = id;
  pending["facility"] = facility;
  pending["source"] = source;
  const std::pair<const char*, const char*> renamed[] = {{"start", "from"}, {"from", "from"}, {"end", "to"},
                                                         {"to", "to"},      {"run", "run"},   {"clock", "clock"}};
  for (const auto& [theirs, ours] : renamed) {
    if (const Json& value = member(clip, theirs); value.is_string()) pending[ours] = value;
  }
  add_subject(pending, subject);
  add_subjects(pending, clip);
}

void OpenIncidents::absorb(const Json& application) {
  for (const Json& element : member(application, "open")) {
    if (const auto found = open_.find(text_member(element, "subject")); found != open_.end()) found->second.kept = element;
  }
  for (const Json& element : member(application, "clips")) {
    const std::string id = text_member(element, "clip");
    if (id.empty()) continue;
    Json& pending = clips_[id];
    if (!pending.is_object()) pending = Json::object();
    for (const auto& [name, value] : element.items()) {
      if (name != "subjects" && name != "subject") pending[name] = value;
    }
    add_subjects(pending, element);
  }
}

void OpenIncidents::restore(const Json& snapshot) {
  open_.clear();
  clips_.clear();
  for (const Json& element : member(snapshot, "open")) {
    const std::string subject = text_member(element, "subject");
    if (subject.empty()) continue;
    Incident incident;
    incident.order = ++order_;
    incident.element = element;
    open_[subject] = std::move(incident);
  }
  for (const Json& element : member(snapshot, "clips")) {
    if (const std::string id = text_member(element, "clip"); !id.empty()) clips_[id] = element;
  }
}

Json OpenIncidents::open_incidents() const {
  std::vector<std::pair<const std::string*, const Incident*>> ordered;
  for (const auto& [subject, incident] : open_) ordered.emplace_back(&subject, &incident);
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.second->order < b.second->order; });
  Json open = Json::array();
  for (const auto& [subject, incident] : ordered) {
    Json element = incident->element;
    if (!element.is_object()) {
      const auto body = parse_json(incident->body);
      element = {{"subject", *subject},
                 {"facility", incident->facility},
                 {"source", incident->source},
                 {"type", incident->type},
                 {"time", format_utc(wall_from_microseconds(incident->time_us))},
                 {"data", body ? member(*body, "data") : Json()}};
    }
    if (!incident->kept.is_null()) element["kept"] = incident->kept;
    open.push_back(std::move(element));
  }
  return open;
}

Json OpenIncidents::pending_clips() const {
  Json clips = Json::array();
  for (const auto& [id, clip] : clips_) clips.push_back(clip);
  return clips;
}

}  // namespace kanhu::journal
