// SPDX-License-Identifier: MIT
#pragma once

#include "config/config.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu {

// Which configuration, models and build make the events from now on (invariant 7). `models` is a digest over the
// digests of every detector the configuration really uses on this machine, fallbacks included.
rules::Provenance provenance_of(const Config& config);

// As configured, or one a core.
int analysis_threads(const Config& config);

}  // namespace kanhu
