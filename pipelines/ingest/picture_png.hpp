// A picture as a PNG file's bytes.
#pragma once

#include <string>

#include "base/result.hpp"
#include "pipelines/frame.hpp"

namespace kanhu::ingest {

// Encodes a copy of `image`; takes some 50 ms for 1920x1080. kUnsupported for 16-bit grey.
Result<std::string> png_of(const ImageView& image);

}  // namespace kanhu::ingest
