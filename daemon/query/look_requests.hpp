// SPDX-License-Identifier: MIT
#pragma once

#include "base/clock.hpp"
#include "daemon/gateway/told_lately.hpp"
#include "daemon/query/access_control.hpp"
#include "daemon/query/infrared_state.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {

// Answers `look` (docs/events.md): what infrared sees, for who has the right `picture`. The first sight somebody gets of a source is
// journalled as access.look before it leaves, and again 10 min later; the list of sources, which shows no picture, is not.
// Thread: any; does not hold up who asks, except in `look_here`.
class LookRequests {
 public:
  LookRequests(const InfraredState& infrared, AccessControl& access) : infrared_(infrared), access_(access) {}
  void ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply);
  // For a browser on this machine, journalled as a socket's without keys: user "". Waits for the journal, 2 s at most (kTimeout).
  Result<Json> look_here(const Json& request);

 private:
  // The answer's one member. `what` learns facility and source, when there is one.
  Result<Json> seen(const Json& request, const publish::Rights& rights, rules::Access& what) const;

  const InfraredState& infrared_;
  AccessControl& access_;
  // `look --watch` and a browser ask once a second for each source they show.
  RateLimit limit_{{20, 100}, {200, 400}};
  ToldLately told_;
};

}  // namespace kanhu
