// Preparation of GStreamer with more elements than the program itself uses.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"

namespace kanhu::ingest {

// As init_gstreamer(), and these element names stay usable as well; the simulator's and the tests' encoders and
// servers need it. The first call of the process decides.
// Thread: main, before any other use of GStreamer.
Result<void> init_gstreamer_with(std::span<const std::string_view> more_elements);

}  // namespace kanhu::ingest
