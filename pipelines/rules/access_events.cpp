// SPDX-License-Identifier: MIT
#include "pipelines/rules/access_events.hpp"

#include <utility>

#include "base/digest.hpp"
#include "pipelines/rules/announcer.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu::rules {
namespace {

Json what_was_asked(const Access& access) {
  Json json{{"user", access.user}, {"request", access.request}};
  if (!access.event.empty()) json["event"] = access.event;
  if (!access.clip.empty()) json["clip"] = access.clip;
  if (access.part > 0) json["part"] = access.part;
  if (!access.sha256.empty()) json["sha256"] = access.sha256;
  if (access.bytes > 0) json["bytes"] = access.bytes;
  if (access.captured != WallTime{}) json["captured"] = format_utc(access.captured);
  return json;
}

EventDraft access_event(std::string_view type, const Config& config, const Access& access, WallTime now, Json data) {
  EventDraft draft;
  draft.facility = access.facility;
  draft.source = access.source;
  draft.type = type;
  draft.phase = Phase::kPoint;
  draft.time = now;
  name_place(data, &config, {access.facility, access.source, ""});
  data["access"] = what_was_asked(access);
  data["phase"] = to_string(Phase::kPoint);
  data["severity"] = to_string(find_event_type(type)->severity);
  data["times"] = Json{{"decided", format_utc(now)}};
  // Two alike in one microsecond are still two: the subject is random.
  draft.subject = content_id({type, access.facility, access.source, random_id(), "0", "0"});
  draft.data = std::move(data);
  return draft;
}

}  // namespace

EventDraft access_given(const Config& config, const Access& access, WallTime now) {
  const char* type = access.request == "clip" ? "access.clip" : access.request == "look" ? "access.look" : "access.picture";
  return access_event(type, config, access, now, Json::object());
}

EventDraft access_refused(const Config& config, const Access& access, WallTime now, const std::string& words) {
  return access_event("access.refused", config, access, now, Json{{"words", words}});
}

}  // namespace kanhu::rules
