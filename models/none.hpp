// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "models/detector.hpp"

namespace kanhu::models {

// For a camera that is only recorded and watched for its health. It judges no picture and says so
// (blind = "not_analysed"), because "no detections" would read as "nobody is there" (invariant 2).
std::unique_ptr<Detector> make_none();

}  // namespace kanhu::models
