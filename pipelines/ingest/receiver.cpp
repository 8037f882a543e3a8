// SPDX-License-Identifier: MIT
#include "pipelines/ingest/receiver.hpp"

#include <gst/app/gstappsink.h>

#include "pipelines/ingest/rtsp/rtp_guard.hpp"
#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

void delete_intake(gpointer data) { delete static_cast<IntakePtr*>(data); }

GstFlowReturn take_sample(GstAppSink* sink, gpointer data) {
  const GstPtr<GstSample> sample(gst_app_sink_pull_sample(sink));
  if (!sample) return GST_FLOW_EOS;
  return (*static_cast<IntakePtr*>(data))->take_access_unit(sample.get());
}

}  // namespace

bool attach_parser(GstElement* pipeline, GstPad* upstream, Codec codec, bool depayload, const IntakePtr& intake) {
  const CodecElements& names = elements_of(codec);
  GstElement* depayloader = depayload ? gst_element_factory_make(names.depayloader, nullptr) : nullptr;
  GstElement* parser = gst_element_factory_make(names.parser, nullptr);
  GstElement* filter = gst_element_factory_make("capsfilter", nullptr);
  GstElement* sink = gst_element_factory_make("appsink", nullptr);
  const GstPtr<GstCaps> parsed(gst_caps_from_string(names.parsed_caps));
  g_object_set(filter, "caps", parsed.get(), nullptr);
  // async=false: the pipeline must not wait for a first picture to be PLAYING.
  g_object_set(sink, "sync", FALSE, "async", FALSE, "max-buffers", 4u, "enable-last-sample", FALSE, nullptr);
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = take_sample;
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, new IntakePtr(intake), delete_intake);
  GstElement* first = depayload ? depayloader : parser;
  if (depayload) gst_bin_add(GST_BIN(pipeline), depayloader);
  gst_bin_add_many(GST_BIN(pipeline), parser, filter, sink, nullptr);
  if (depayload && !gst_element_link(depayloader, parser)) return false;
  if (!gst_element_link_many(parser, filter, sink, nullptr)) return false;
  for (GstElement* element : {sink, filter, parser}) gst_element_sync_state_with_parent(element);
  if (depayload) gst_element_sync_state_with_parent(depayloader);
  const GstPtr<GstPad> entry(gst_element_get_static_pad(first, "sink"));
  guard_entry(entry.get(), codec, depayload, intake);
  return gst_pad_link(upstream, entry.get()) == GST_PAD_LINK_OK;
}

}  // namespace kanhu::ingest
