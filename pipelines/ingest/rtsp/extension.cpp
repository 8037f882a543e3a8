// SPDX-License-Identifier: MIT
#include "pipelines/ingest/rtsp/extension.hpp"

#include <utility>

#include <gst/gst.h>
#include <gst/rtsp/gstrtspextension.h>

namespace kanhu::ingest {
namespace {

AnswerFilter& filter_of_this_thread() {
  static thread_local AnswerFilter filter;
  return filter;
}

GstRTSPResult after_send(GstRTSPExtension*, GstRTSPMessage* request, GstRTSPMessage* answer) {
  const auto filter = std::exchange(filter_of_this_thread(), nullptr);
  if (filter && request != nullptr && answer != nullptr && answer->type == GST_RTSP_MESSAGE_RESPONSE) filter(*request, *answer);
  return GST_RTSP_OK;
}

// rtspsrc calls every function of the interface that is not null.
void fill_interface(gpointer interface, gpointer) { static_cast<GstRTSPExtensionInterface*>(interface)->after_send = after_send; }

void fill_class(gpointer element_class, gpointer) {
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(element_class), "Kanhu's view of RTSP answers", "Network/Extension/Protocol",
                                        "Shows answers to the receiver before rtspsrc acts on them", "Kanhu");
}

GType extension_type() {
  static const GType type = [] {
    const GType made = g_type_register_static_simple(GST_TYPE_ELEMENT, "KanhuRtspAnswers", sizeof(GstElementClass), fill_class,
                                                     sizeof(GstElement), nullptr, static_cast<GTypeFlags>(0));
    const GInterfaceInfo interface { fill_interface, nullptr, nullptr };
    g_type_add_interface_static(made, GST_TYPE_RTSP_EXTENSION, &interface);
    return made;
  }();
  return type;
}

}  // namespace

bool register_rtsp_extension() { return gst_element_register(nullptr, kRtspExtension.data(), GST_RANK_PRIMARY, extension_type()) != FALSE; }

void filter_next_answer(AnswerFilter filter) { filter_of_this_thread() = std::move(filter); }

}  // namespace kanhu::ingest
