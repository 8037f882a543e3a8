// SPDX-License-Identifier: MIT
#include <algorithm>

#include "base/json.hpp"
#include "base/log.hpp"
#include "pipelines/rules/rules_state.hpp"

namespace kanhu::rules {

namespace {

constexpr std::string_view kRestarted = "gateway_restarted";

std::string text(const Json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : std::string();
}

// A CloudEvents body in the words of a snapshot's element.
Json from_body(const Json& body) {
  const Json& data = member(body, "data");
  std::string facility = text(member(data, "facility"), "id");
  std::string source = text(member(data, "camera"), "id");
  return Json{{"subject", text(body, "subject")},
              {"type", text(body, "type").substr(std::string_view("kanhu.").size())},
              {"facility", facility.empty() ? "-" : facility},
              {"source", source.empty() ? "-" : source},
              {"zone", text(data, "zone")},
              {"time", text(body, "time")},
              {"phase", text(data, "phase")},
              {"data_clip", member(data, "clip")},
              {"clock", text(member(data, "clock"), "source")}};
}

// An element of the journal's own: the record's columns and its `data`, and what the newest snapshot said of it.
Json from_record(const Json& element) {
  Json incident = element;
  const Json& data = member(element, "data");
  incident["zone"] = text(data, "zone");
  incident["data_clip"] = member(data, "clip");
  incident["clock"] = text(member(data, "clock"), "source");
  const Json& kept = member(element, "kept");
  incident["time"] = std::max(text(element, "time"), text(kept, "time"));  // the same width: order of text is order of time
  return incident;
}

void restore_clip_of_event(Context& context, const Json& event, WallTime now) {
  const Json& clip = event["data_clip"];
  if (text(clip, "status") != to_string(ClipStatus::kPending)) return;
  context.clips.restore(Json{{"clip", text(clip, "id")},
                             {"subject", event["subject"]},
                             {"facility", event["facility"]},
                             {"source", event["source"]},
                             {"clock", event["clock"]},
                             {"from", text(clip, "start")},
                             {"to", text(clip, "end")}},
                        now, context.waited());
}

}  // namespace

Json open_element(const std::string& subject, std::string_view type, const std::string& facility, const std::string& source,
                  const std::string& zone, WallTime time) {
  Json element{{"subject", subject}, {"type", type}, {"facility", facility}, {"source", source}, {"time", format_utc(time)}};
  if (!zone.empty()) element["zone"] = zone;
  return element;
}

void restore_element(Context& context, const Json& element, WallTime now) {
  if (!text(element, "clip").empty()) {
    context.clips.restore(element, now, context.waited());
    return;
  }
  const bool is_body = text(element, "type").rfind("kanhu.", 0) == 0;
  const Json incident = is_body ? from_body(element) : member(element, "data").is_object() ? from_record(element) : element;
  if (incident.is_object() && incident.contains("data_clip")) restore_clip_of_event(context, incident, now);
  const std::string phase = text(incident, "phase");
  if (phase == "end" || phase == "point") return;

  const std::string type = text(incident, "type");
  const IncidentKind* kind = find_kind_of_type(type);
  const std::string subject = text(incident, "subject");
  if (kind == nullptr || subject.empty()) {
    log::warning("rules", "an open incident of the journal was not understood and is left out (type '{}')", type);
    return;
  }
  Place place;
  if (std::string facility = text(incident, "facility"); !facility.empty()) place.facility = std::move(facility);
  if (std::string source = text(incident, "source"); !source.empty()) place.source = std::move(source);
  place.zone = text(incident, "zone");
  const auto started = parse_utc(text(incident, "time"));
  const Stamp stamp = stamp_at(std::max(now, started ? *started : now));
  Json data{{"end_reason", kRestarted}};
  if (kind->start == "presence.started") {
    data["state"] = to_string(Presence::kUnknown);
    data["reason"] = "not_analysed";
  }
  context.announcer.say(end_type(*kind, kRestarted), Phase::kEnd, subject, place, stamp, stamp.time, std::move(data));
}

}  // namespace kanhu::rules
