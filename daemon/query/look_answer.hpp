// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "daemon/query/infrared_state.hpp"

namespace kanhu {

// What an infrared source sees, as the query socket answers `look` and the browser reads it (docs/events.md). No member that speaks of
// degrees Celsius is there on a relative source. kNotFound names the nearest id, kInvalidArgument a camera that is no infrared source.
// Thread: any; pure functions of their arguments.
Result<Json> look_at(const Config& config, const InfraredState& infrared, const std::string& source, MonoTime now);

// One short member a source, in the order of the configuration:
//   [{facility, source, name, sensor, age_s, kind, coolest_c, warmest_c, people, hot_spots, open, zones, waiting}]
Json look_list(const Config& config, const InfraredState& infrared, MonoTime now);

}  // namespace kanhu
