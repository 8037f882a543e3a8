// SPDX-License-Identifier: MIT
#include "pipelines/journal/open_alarms.hpp"

namespace kanhu::journal {
namespace {

bool is_alarm(const Json& data) {
  if (!data.is_object()) return false;
  const auto severity = data.find("severity");
  return severity != data.end() && *severity == "alarm";
}

}  // namespace

bool ends_gateway(const std::string& type) { return type == "gateway.stopped"; }

OpenAlarms::OpenAlarms(const Json& open) {
  for (const Json& incident : open) {
    if (is_alarm(incident.value("data", Json()))) subjects_.insert(incident.value("subject", std::string()));
  }
}

bool OpenAlarms::take(const EventDraft& draft) {
  if (ends_gateway(draft.type)) return true;
  if (draft.phase == Phase::kEnd) return subjects_.erase(draft.subject) > 0;
  if (!is_alarm(draft.data)) return false;
  if (draft.phase == Phase::kStart) subjects_.insert(draft.subject);
  return true;
}

}  // namespace kanhu::journal
