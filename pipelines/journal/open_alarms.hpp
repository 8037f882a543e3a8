// SPDX-License-Identifier: MIT
// Which events are written ahead on a full disk. Private to pipelines/publish.
#pragma once

#include <set>
#include <string>

#include "base/json.hpp"
#include "pipelines/event.hpp"

namespace kanhu::journal {

// Behind this type of event a gateway numbers none. `type` without the "kanhu." prefix.
bool ends_gateway(const std::string& type);

// What the reserve is for on a full disk: alarms, the ends of incidents that an alarm began, and the gateway's last event, behind which
// nothing was numbered: so all that is lost in front of it is known. Thread: guarded by its owner.
class OpenAlarms {
 public:
  // `open`: as Recovery::open_incidents.
  explicit OpenAlarms(const Json& open);
  // Whether it is one of them; takes the event into account for those that follow.
  bool take(const EventDraft& draft);

 private:
  std::set<std::string> subjects_;
};

}  // namespace kanhu::journal
