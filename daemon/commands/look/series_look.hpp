// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "base/json.hpp"

namespace kanhu {

// The frames of a series of warmth (docs/infrared.md, "Evidence"), oldest first, each in the form of a `look` answer, so that what is shown
// live and what is kept look alike. Frames that cannot be read are left out; nothing throws.
// Thread: any; a pure function.
std::vector<Json> looks_of_series(const Json& entry);

}  // namespace kanhu
