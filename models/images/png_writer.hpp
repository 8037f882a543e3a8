// SPDX-License-Identifier: MIT
// A picture as a PNG file's bytes (ISO/IEC 15948).
#pragma once

#include <string>

#include "base/result.hpp"
#include "media/frame.hpp"

namespace kanhu::models {

// Temperatures become grey: black the coolest, white the warmest. kUnsupported for a picture that cannot be read, kInternal when libpng
// fails.
Result<std::string> png_of(const ImageView& image);

}  // namespace kanhu::models
