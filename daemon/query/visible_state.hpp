// SPDX-License-Identifier: MIT
// What is left of the gateway's answers for who may not see every facility.
#pragma once

#include "base/json.hpp"
#include "config/config.hpp"
#include "pipelines/publish/access/rights.hpp"

namespace kanhu {

// `state` as of docs/state.schema.json.
Json visible_state(Json state, const publish::Rights& rights);
// With the facilities that are seen, and nothing of the others: also no name that a message could suggest.
ConfigPtr visible_config(const ConfigPtr& config, const publish::Rights& rights);

}  // namespace kanhu
