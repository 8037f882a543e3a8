// SPDX-License-Identifier: MIT
// Observation -> Event: the only place that decides what an observation means to people.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "pipelines/event.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::rules {

// What infrared saw before a decision: the event names it by its digest, the entry is to be kept.
struct ThermalSeries {
  std::string digest;  // SHA-256 (hex) of the canonical JSON of `entry`
  Json entry;          // docs/infrared.md
};

// What the rules say. Thread: called on the thread that called Rules.
class RulesSink {
 public:
  virtual ~RulesSink() = default;
  virtual void emit(EventDraft draft) = 0;
  virtual void request_clip(ClipRequest request) = 0;
  virtual void keep_series(ThermalSeries series) = 0;  // before the event that names it
};

// The last value of everything that lasts, for `state`, `status` and journal snapshots.
//   {"facilities":[...roster with cameras and zones, also those never connected...],
//    "cameras":{id:{facts, cause, last_packet, last_event, ...}}, "presences":[...], "incidents":[...], "clips":{...}}
// documented in docs/events.md and docs/state.schema.json.

// All rules over all facilities. A pure function of the calls made to it: no clock, no thread, no file.
// Thread: confined (the `rules` thread; in replay the merging thread).
class Rules {
 public:
  Rules(const ConfigPtr& config, RulesSink& sink);
  ~Rules();

  // What was open when the journal was last written (the `open` array of a journal snapshot/recovery). Each open
  // incident is ended once with end_reason gateway_restarted, at `now` (never before its start). Elements are those of
  // `open_incidents`, of the journal's recovery (open_incidents and clips, one call each), or whole CloudEvents bodies. Clips that were
  // pending are pending again until `clip` settles them; call `pending_clips` afterwards.
  void restore(const Json& open_incidents, WallTime now);

  // Clips without a final status, one request each: after `restore` these are what the recorder has to settle.
  std::vector<ClipRequest> pending_clips() const;
  // An event the composer says itself (gateway_events.hpp), told here so that a start is in `open_incidents` until its end.
  void note(const EventDraft& draft);

  // The gateway's time with what its clock was set by taken out (it only goes on as fast as time does). From the first call on everything
  // that waits or counts within a span does so by it; without one (replay) by the times of the other calls.
  void steady(WallTime time);
  void observe(const Observation& observation);
  // The answer of the recorder: becomes clip.updated for every subject of the clip.
  void clip(const ClipRecord& record, WallTime now);
  // A worker died or was restarted: its cameras are "not analysed" from `since`; unknown, not offline, while it lasts <= 5 s.
  void worker_lost(const std::vector<std::string>& sources, WallTime now, const std::string& cause);
  // It is not opened any more, because it kills workers; `words` say what it did. Offline, cause quarantined, until it is heard again.
  void quarantined(const std::string& source, WallTime now, const std::string& words);
  // Once a second of the gateway's time (live) or of the merged event time (replay).
  void advance(WallTime now);
  // Cameras that came, went or changed; open incidents of what went end with config_changed.
  void reconfigure(const ConfigPtr& config, WallTime now);
  // The gateway stops: every open incident ends with `reason` (gateway_stopped; in replay: recording_ended).
  // Afterwards only `clip` and the clips' deadlines (`advance`) are heard.
  void finish(WallTime now, const std::string& reason);

  int cameras_up() const;  // as many as `state` calls "up"
  Json state() const;      // as above
  // The clip that serves an incident, of those in `state`; empty: none.
  std::string clip_of(const std::string& subject) const;
  // What a journal's Snapshot answers: {"open": incidents, "clips": clips without a final status}; `restore` takes both.
  Json snapshot() const;
  Json open_incidents() const;  // both lists in one

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Attributes and data as CloudEvents 1.0, canonical JSON (docs/events.md, docs/event.schema.json).
struct Provenance {
  std::string config, models, gallery, build;
};
std::string event_body(const EventDraft& draft, const EventId& id, const std::string& gateway, const Provenance& provenance);

}  // namespace kanhu::rules
