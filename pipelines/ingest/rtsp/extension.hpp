// SPDX-License-Identifier: MIT
// Every answer of a camera, before rtspsrc acts on it.
#pragma once

#include <functional>
#include <string_view>

#include <gst/rtsp/gstrtspmessage.h>

namespace kanhu::ingest {

// Sees, and may change, the answer to one request of rtspsrc.
using AnswerFilter = std::function<void(const GstRTSPMessage& request, GstRTSPMessage& answer)>;

// The name of its element in GStreamer's registry.
inline constexpr std::string_view kRtspExtension = "kanhurtspanswers";

// Registers our GstRTSPExtension, which every rtspsrc takes along. Once, before rtspsrc's plugin is loaded: it looks for
// extensions when its class is made.
// Thread: main, after gst_init.
bool register_rtsp_extension();

// The next answer that comes on this thread goes to `filter`: rtspsrc sends a request and takes its answer on one thread, and says
// which of all rtspsrc it is only before sending (signal before-send).
// Thread: rtspsrc's task.
void filter_next_answer(AnswerFilter filter);

}  // namespace kanhu::ingest
