// What the gateway says about itself, on its own stream "-". The composer emits these; Rules::note keeps the open one.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "pipelines/event.hpp"

namespace kanhu::rules {

// One running of a gateway: the subject of its gateway.started and gateway.stopped. `run` is random (random_id).
std::string gateway_subject(const std::string& gateway, const std::string& run);

EventDraft gateway_started(const std::string& subject, WallTime now, int facilities, int cameras);
// `reason`: gateway_stopped (asked to), or the name of an error kind.
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
// `what` was dropped: observations, events, log_lines; `count` of them since the last such event.
EventDraft gateway_loss(const std::string& gateway, WallTime now, const std::string& what, std::uint64_t count, const std::string& cause);

}  // namespace kanhu::rules
