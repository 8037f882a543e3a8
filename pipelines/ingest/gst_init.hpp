// SPDX-License-Identifier: MIT
// Preparation of GStreamer with more elements than the program itself uses.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {

// As init_gstreamer(), and these element names stay usable as well; the simulator's and the tests' encoders and
// servers need it. The first call of the process decides.
// Thread: main, before any other use of GStreamer.
Result<void> init_gstreamer_with(std::span<const std::string_view> more_elements);

// Makes the element that reads V4L2 devices. Its plugin looks at every video device when it is loaded, so it is loaded by
// those who have one only; its other elements (decoders, sinks) stay unknown.
// Thread: any, after init_gstreamer.
Result<GstPtr<GstElement>> make_v4l2_element();

}  // namespace kanhu::ingest
