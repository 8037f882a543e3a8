// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/json.hpp"

namespace kanhu {

// The answer of `info` in Prometheus' text format.
std::string metrics_text(const Json& info);

}  // namespace kanhu
