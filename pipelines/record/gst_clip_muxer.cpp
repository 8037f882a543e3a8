// SPDX-License-Identifier: MIT
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include "pipelines/record/clip_muxer.hpp"

namespace kanhu::record {
namespace {

// A muxer that has not drained this much is given time before more is pushed into it.
constexpr guint64 kMostInsideBytes = 4ull << 20;
constexpr GstClockTime kPatience = 10 * GST_SECOND;  // for the last bytes, and for a muxer that has stopped taking

struct Unref {
  void operator()(GstElement* element) const {
    gst_element_set_state(element, GST_STATE_NULL);
    gst_object_unref(element);
  }
};

void release_packet(gpointer packet) { delete static_cast<PacketPtr*>(packet); }

// appsrc ! mp4mux ! appsink. The sink cannot seek, so the muxer writes a file that needs no correction.
class GstClipMuxer final : public ClipMuxer {
 public:
  static Result<std::unique_ptr<ClipMuxer>> make(const StreamFormat& format) {
    GError* error = nullptr;
    // The pad by its name: left to choose, gst_parse links appsrc's any-caps to an audio pad.
    const std::string line = fmt::format(
        "appsrc name=in format=time is-live=false block=false max-bytes=0 ! mux.video_0 {} name=mux fragment-duration=1000 "
        "fragment-mode=dash-or-mss trak-timescale=90000 ! appsink name=out sync=false async=false max-buffers=0",
        format.codec == Codec::kMjpeg ? "qtmux" : "mp4mux");
    std::unique_ptr<GstElement, Unref> pipeline(gst_parse_launch_full(line.c_str(), nullptr, GST_PARSE_FLAG_FATAL_ERRORS, &error));
    if (!pipeline) {
      std::string text = error ? error->message : "unknown";
      g_clear_error(&error);
      return fail(ErrorKind::kUnsupported, fmt::format("cannot build the clip muxer: {}", text));
    }
    GstCaps* caps = gst_caps_from_string(format.caps.c_str());
    if (!caps) return fail(ErrorKind::kUnsupported, "the stream's caps cannot be read");
    auto muxer = std::unique_ptr<GstClipMuxer>(new GstClipMuxer(std::move(pipeline)));
    gst_app_src_set_caps(muxer->source_, caps);
    gst_caps_unref(caps);
    if (gst_element_set_state(muxer->pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
      return fail(ErrorKind::kUnsupported, "the clip muxer does not start");
    return muxer;
  }

  ~GstClipMuxer() override {
    gst_object_unref(source_);
    gst_object_unref(sink_);
    gst_object_unref(bus_);
  }

  Result<void> add(const PacketPtr& packet, const MuxTimes& times, std::vector<std::byte>& out) override {
    const auto bytes = packet->bytes.view();
    // The muxer reads the packet's own memory; a reference goes along and is given back with the buffer.
    GstBuffer* buffer = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, const_cast<std::byte*>(bytes.data()), bytes.size(), 0,
                                                    bytes.size(), new PacketPtr(packet), release_packet);
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(times.pts.count());
    GST_BUFFER_DTS(buffer) = static_cast<GstClockTime>(times.dts.count());
    GST_BUFFER_DURATION(buffer) = static_cast<GstClockTime>(times.duration.count());
    if (!packet->is_key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    const GstFlowReturn flow = gst_app_src_push_buffer(source_, buffer);
    if (auto ok = check(); !ok) return ok;
    if (flow != GST_FLOW_OK) return fail(ErrorKind::kUnsupported, fmt::format("the clip muxer takes no more: {}", gst_flow_get_name(flow)));
    while (pull(0, out)) {
    }
    for (int waits = 0; gst_app_src_get_current_level_bytes(source_) > kMostInsideBytes; ++waits) {
      pull(10 * GST_MSECOND, out);
      if (auto ok = check(); !ok) return ok;
      if (waits > 1000) return fail(ErrorKind::kTimeout, "the clip muxer has stopped taking packets");
    }
    return {};
  }

  Result<void> finish(std::vector<std::byte>& out) override {
    gst_app_src_end_of_stream(source_);
    while (!gst_app_sink_is_eos(sink_)) {
      if (pull(kPatience, out)) continue;
      if (auto ok = check(); !ok) return ok;
      if (!gst_app_sink_is_eos(sink_)) return fail(ErrorKind::kTimeout, "the clip muxer does not finish");
    }
    return check();
  }

 private:
  explicit GstClipMuxer(std::unique_ptr<GstElement, Unref> pipeline)
      : pipeline_(std::move(pipeline)),
        source_(GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "in"))),
        sink_(GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "out"))),
        bus_(gst_element_get_bus(pipeline_.get())) {}

  bool pull(GstClockTime patience, std::vector<std::byte>& out) {
    GstSample* sample = gst_app_sink_try_pull_sample(sink_, patience);
    if (!sample) return false;
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    GstMapInfo map;
    if (buffer && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
      const auto* data = reinterpret_cast<const std::byte*>(map.data);
      out.insert(out.end(), data, data + map.size);
      gst_buffer_unmap(buffer, &map);
    }
    gst_sample_unref(sample);
    return true;
  }

  Result<void> check() {
    GstMessage* message = gst_bus_pop_filtered(bus_, GST_MESSAGE_ERROR);
    if (!message) return {};
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    std::string text = error ? error->message : "unknown";
    g_clear_error(&error);
    gst_message_unref(message);
    return fail(ErrorKind::kUnsupported, fmt::format("the clip muxer failed: {}", text));
  }

  std::unique_ptr<GstElement, Unref> pipeline_;
  GstAppSrc* source_;
  GstAppSink* sink_;
  GstBus* bus_;
};

}  // namespace

Result<std::unique_ptr<ClipMuxer>> make_gst_muxer(const StreamFormat& format) {
  // Ingest prepares GStreamer for the whole process; a program without ingest gets the plain preparation.
  if (!gst_is_initialized() && !gst_init_check(nullptr, nullptr, nullptr))
    return fail(ErrorKind::kInternal, "GStreamer cannot be initialised");
  return GstClipMuxer::make(format);
}

const char* file_extension(Codec codec) { return codec == Codec::kMjpeg ? "mov" : "mp4"; }

}  // namespace kanhu::record
