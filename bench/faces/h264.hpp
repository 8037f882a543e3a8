// SPDX-License-Identifier: MIT
// What a camera's encoder does to a picture when it has few bits.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "bench/faces/picture.hpp"

namespace kanhu::bench {

// See degrade.hpp. kUnsupported names the package that is missing.
Result<Picture> through_h264(const Picture& picture, std::uint64_t seed);

}  // namespace kanhu::bench
