// SPDX-License-Identifier: MIT
#include "pipelines/rules/gateway_events.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "pipelines/rules/event_types.hpp"

namespace kanhu::rules {

namespace {

// 16 ids of at most 32 characters are 560 bytes: they fit an event of 2 KiB; `count` always says how many there are.
constexpr std::size_t kMostIds = 16;
constexpr std::size_t kMostStreams = 8;  // with the longest names an event stays within 2 KiB

EventDraft draft(std::string_view type, Phase phase, std::string subject, WallTime time, Json data) {
  EventDraft made;
  made.type = type;
  made.phase = phase;
  made.subject = std::move(subject);
  made.time = time;
  made.data = std::move(data);
  made.data["phase"] = to_string(phase);
  made.data["severity"] = to_string(find_event_type(type)->severity);
  made.data["times"] = Json{{"decided", format_utc(time)}};
  return made;
}

EventDraft point(std::string_view type, const std::string& gateway, WallTime time, Json data) {
  std::string subject = content_id({type, gateway, "", "", "t" + std::to_string(to_microseconds(time)), canonical_json(data)});
  return draft(type, Phase::kPoint, std::move(subject), time, std::move(data));
}

}  // namespace

std::string gateway_subject(const std::string& gateway, const std::string& run) {
  return content_id({"gateway.started", gateway, "", run, "0", "0"});
}

EventDraft gateway_started(const std::string& subject, WallTime now, int facilities, int cameras) {
  return draft("gateway.started", Phase::kStart, subject, now, Json{{"facilities", facilities}, {"cameras_enabled", cameras}});
}

EventDraft gateway_stopped(const std::string& subject, WallTime started, WallTime now, const std::string& reason) {
  return draft("gateway.stopped", Phase::kEnd, subject, std::max(started, now),
               Json{{"end_reason", reason}, {"since", format_utc(started)}});
}

EventDraft gateway_config_changed(const std::string& gateway, WallTime now, const ConfigChange& change) {
  return point("gateway.config_changed", gateway, now,
               Json{{"config", Json{{"from", change.from}, {"to", change.to}}},
                    {"cameras_added", change.cameras_added},
                    {"cameras_removed", change.cameras_removed},
                    {"cameras_changed", change.cameras_changed}});
}

EventDraft gateway_config_rejected(const std::string& gateway, WallTime now, const std::string& running, const Error& error) {
  return point("gateway.config_rejected", gateway, now,
               Json{{"config", Json{{"from", running}}}, {"cause", to_string(error.kind)}, {"words", error.message}});
}

EventDraft gateway_worker_restarted(const std::string& gateway, WallTime now, const std::vector<std::string>& sources,
                                    const std::string& cause) {
  const std::size_t named = std::min(sources.size(), kMostIds);
  return point("gateway.worker_restarted", gateway, now,
               Json{{"sources", std::vector<std::string>(sources.begin(), sources.begin() + static_cast<std::ptrdiff_t>(named))},
                    {"count", sources.size()},
                    {"cause", "worker_lost"},
                    {"words", cause}});
}

EventDraft gateway_gallery_changed(const std::string& gateway, WallTime now, const std::string& facility, std::uint64_t version,
                                   const std::string& digest, std::size_t people) {
  return point("gateway.gallery_changed", gateway, now,
               Json{{"gallery", {{"facility", facility}, {"version", version}, {"digest", digest}}}, {"count", people}});
}

EventDraft gateway_gallery_rejected(const std::string& gateway, WallTime now, const std::string& facility, const std::string& running,
                                    const Error& error) {
  return point(
      "gateway.gallery_rejected", gateway, now,
      Json{{"gallery", {{"facility", facility}, {"digest", running}}}, {"cause", to_string(error.kind)}, {"words", error.message}});
}

EventDraft gateway_journal_damaged(const std::string& gateway, WallTime now, const std::string& segment, const std::string& reason) {
  return point("gateway.journal_damaged", gateway, now, Json{{"segment", segment}, {"words", reason}});
}

EventDraft gateway_loss(const std::string& gateway, WallTime now, const std::string& what, std::uint64_t count, const std::string& cause) {
  return point("gateway.loss", gateway, now, Json{{"what", what}, {"count", count}, {"words", cause}});
}

EventDraft gateway_fault(const std::string& gateway, WallTime now, const std::string& thread, std::uint64_t count,
                         const std::string& words) {
  return point("gateway.fault", gateway, now, Json{{"thread", thread}, {"count", count}, {"words", words}});
}

EventDraft gateway_journal_rewound(const std::string& gateway, WallTime now, const EventId& known, const EventId& found) {
  const std::string end = found.epoch.empty() ? "it was empty" : "it ended at " + found.text();
  Json data = {{"lost", {{"epoch", known.epoch}, {"seq", known.seq}}},
               {"words", "The journal was set back: it had come to " + known.text() + " at least, and when the gateway started " + end +
                             ". A backup was restored, the folder was lost, or its end cannot be read."}};
  if (!found.epoch.empty()) data["found"] = {{"epoch", found.epoch}, {"seq", found.seq}};
  return point("gateway.journal_rewound", gateway, now, std::move(data));
}

EventDraft gateway_events_lost(const std::string& gateway, WallTime now, const std::string& epoch, std::uint64_t from, std::uint64_t to,
                               std::uint64_t count, const StreamBounds& streams, const std::string& reason) {
  Json bounds = Json::object();
  for (const auto& [stream, range] : streams) {
    if (bounds.size() == kMostStreams) break;
    bounds[stream] = {{"from", range.first}, {"to", range.second}};
  }
  const std::string words =
      reason == "queue_full"
          ? "The journal could not be written for longer than memory lasted; these events went out, and it does not have them."
      : to == 0 ? "The gateway was ended while the journal could not be written; from this number on events may have gone out that it does "
                  "not have."
                : "The gateway ended while the journal could not be written; these events may have gone out, and it does not have them.";
  return point("gateway.loss", gateway, now,
               Json{{"what", "events"},
                    {"count", count},
                    {"words", words},
                    {"reason", reason},
                    {"events", {{"epoch", epoch}, {"from", from}, {"to", to}, {"streams", std::move(bounds)}}}});
}

}  // namespace kanhu::rules
