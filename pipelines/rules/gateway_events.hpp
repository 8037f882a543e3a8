// SPDX-License-Identifier: MIT
// What the gateway says about itself, on its own stream "-". The composer emits these; Rules::note keeps the open one.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "pipelines/event.hpp"

namespace kanhu::rules {

// One running of a gateway: the subject of its gateway.started and gateway.stopped. `run` is random (random_id).
std::string gateway_subject(const std::string& gateway, const std::string& run);

EventDraft gateway_started(const std::string& subject, WallTime now, int facilities, int cameras);
// `reason`: gateway_stopped (asked to), or the name of an error kind. The gateway says it itself, so it is true; the end of one that
// was killed is said at the next start, as gateway.started with phase end (Rules::restore).
EventDraft gateway_stopped(const std::string& subject, WallTime started, WallTime now, const std::string& reason);

// Points. Their subject is made from their content and time.
struct ConfigChange {
  std::string from;  // digest before
  std::string to;    // digest now
  int cameras_added = 0;
  int cameras_removed = 0;
  int cameras_changed = 0;
};
EventDraft gateway_config_changed(const std::string& gateway, WallTime now, const ConfigChange& change);
// `running`: digest of the configuration that stays; `error.message` holds file:line:column and never a secret.
EventDraft gateway_config_rejected(const std::string& gateway, WallTime now, const std::string& running, const Error& error);
EventDraft gateway_worker_restarted(const std::string& gateway, WallTime now, const std::vector<std::string>& sources,
                                    const std::string& cause);
// A facility's gallery is another one now; `people` of it may be compared.
EventDraft gateway_gallery_changed(const std::string& gateway, WallTime now, const std::string& facility, std::uint64_t version,
                                   const std::string& digest, std::size_t people);
// It cannot be used; the running one stays. `running`: its digest, empty when there is none.
EventDraft gateway_gallery_rejected(const std::string& gateway, WallTime now, const std::string& facility, const std::string& running,
                                    const Error& error);
EventDraft gateway_journal_damaged(const std::string& gateway, WallTime now, const std::string& segment, const std::string& reason);
// Where the journal is known to have been, and where it was found; an empty epoch: nothing was found.
EventDraft gateway_journal_rewound(const std::string& gateway, WallTime now, const EventId& known, const EventId& found);

// A piece of work on a thread of the gateway threw and is lost (base/fault.hpp): `count` times since the start, last with `words`.
EventDraft gateway_fault(const std::string& gateway, WallTime now, const std::string& thread, std::uint64_t count,
                         const std::string& words);
// `what` was dropped: observations, events, log_lines; `count` of them since the last such event.
EventDraft gateway_loss(const std::string& gateway, WallTime now, const std::string& what, std::uint64_t count, const std::string& cause);
// Events that subscribers may have seen and that the journal will never have: exact bounds, gateway-wide and, as far as they are known, by
// stream (of at most 8 streams).
using StreamBounds = std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>;
EventDraft gateway_events_lost(const std::string& gateway, WallTime now, const std::string& epoch, std::uint64_t from, std::uint64_t to,
                               std::uint64_t count, const StreamBounds& streams, const std::string& reason);

}  // namespace kanhu::rules
