// SPDX-License-Identifier: MIT
// The rules' memory as JSON: what a snapshot keeps, what `state` shows, and how the first is read back.
#pragma once

#include <string>
#include <string_view>

#include "pipelines/rules/context.hpp"

namespace kanhu::rules {

// An open incident in a snapshot. `time` is that of the last event said about it; its end is never before.
Json open_element(const std::string& subject, std::string_view type, const std::string& facility, const std::string& source,
                  const std::string& zone, WallTime time);

// Ends the incident, or takes up the pending clip, that `element` tells of. What is not understood is skipped with a
// line in the log: a snapshot of another version must not keep a gateway from starting.
void restore_element(Context& context, const Json& element, WallTime now);

// docs/state.schema.json.
Json state_json(const Context& context);
// Cameras whose state is "up".
int cameras_up(const Context& context);

}  // namespace kanhu::rules
