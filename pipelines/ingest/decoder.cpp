// SPDX-License-Identifier: MIT
#include "pipelines/ingest/decoder.hpp"

#include <utility>

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#include "pipelines/ingest/stream_format.hpp"

namespace kanhu::ingest {
namespace {

constexpr guint64 kMostWaitingPackets = 16;
constexpr std::size_t kMostPending = 300;  // packets whose picture has not come: 5 s at 60 fps, far above any reorder depth
// GStreamer's times are unsigned; leading pictures of an open GOP may lie before the first packet.
constexpr std::chrono::nanoseconds kShift = std::chrono::hours(1);

GstClockTime to_gst(MediaTime time) { return static_cast<GstClockTime>((time.time_since_epoch() + kShift).count()); }
MediaTime from_gst(GstClockTime time) { return MediaTime(std::chrono::nanoseconds(static_cast<std::int64_t>(time)) - kShift); }

struct MappedPicture {
  explicit MappedPicture(GstSample* sample) : sample_(gst_sample_ref(sample)) {
    GstVideoInfo info;
    mapped_ = gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) &&
              gst_video_frame_map(&frame_, &info, gst_sample_get_buffer(sample), GST_MAP_READ);
  }
  ~MappedPicture() {
    if (mapped_) gst_video_frame_unmap(&frame_);
  }
  MappedPicture(const MappedPicture&) = delete;
  MappedPicture& operator=(const MappedPicture&) = delete;

  GstPtr<GstSample> sample_;
  GstVideoFrame frame_{};
  bool mapped_ = false;
};

std::optional<PixelFormat> pixel_format_of(GstVideoFormat format) {
  switch (format) {
    case GST_VIDEO_FORMAT_I420:
      return PixelFormat::kI420;
    case GST_VIDEO_FORMAT_NV12:
      return PixelFormat::kNv12;
    case GST_VIDEO_FORMAT_GRAY8:
      return PixelFormat::kGray8;
    default:
      return std::nullopt;
  }
}

std::optional<ImageView> view_of(const MappedPicture& picture) {
  if (!picture.mapped_) return std::nullopt;
  const auto format = pixel_format_of(GST_VIDEO_FRAME_FORMAT(&picture.frame_));
  if (!format) return std::nullopt;
  ImageView view;
  view.format = *format;
  view.width = GST_VIDEO_FRAME_WIDTH(&picture.frame_);
  view.height = GST_VIDEO_FRAME_HEIGHT(&picture.frame_);
  const int planes = static_cast<int>(GST_VIDEO_FRAME_N_PLANES(&picture.frame_));
  for (int plane = 0; plane < planes && plane < static_cast<int>(view.planes.size()); ++plane)
    view.planes[static_cast<std::size_t>(plane)] = {static_cast<const std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&picture.frame_, plane)),
                                                    GST_VIDEO_FRAME_PLANE_STRIDE(&picture.frame_, plane)};
  return view;
}

}  // namespace

struct Decoder::State {
  struct Times {
    CaptureTime captured;
    MonoTime arrival{};
  };

  Callbacks callbacks;
  bool by_order = false;
  GstPtr<GstElement> pipeline;
  GstElement* source = nullptr;  // owned by the pipeline
  GstPtr<GstCaps> caps;

  std::mutex mutex;
  std::map<MediaTime, Times> pending;

  void expect(MediaTime pts, Times times) {
    std::scoped_lock lock(mutex);
    pending.insert_or_assign(pts, times);
    if (pending.size() > kMostPending) pending.erase(pending.begin());
  }

  // The packet a picture came from; pictures come in presentation order, so nothing before it is still to come.
  std::optional<std::pair<MediaTime, Times>> claim(GstClockTime pts) {
    std::scoped_lock lock(mutex);
    if (pending.empty()) return std::nullopt;
    auto found = pending.begin();
    if (!by_order && GST_CLOCK_TIME_IS_VALID(pts)) {
      found = pending.upper_bound(from_gst(pts));
      if (found == pending.begin()) return std::nullopt;
      --found;
    }
    const std::pair<MediaTime, Times> claimed = *found;
    pending.erase(pending.begin(), std::next(found));
    return claimed;
  }

  GstFlowReturn take(GstAppSink* sink) {
    const GstPtr<GstSample> sample(gst_app_sink_pull_sample(sink));
    if (!sample) return GST_FLOW_EOS;
    GstBuffer* buffer = gst_sample_get_buffer(sample.get());
    if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED)) callbacks.on_error_in_stream();
    const auto times = claim(GST_BUFFER_PTS(buffer));
    if (!times) return GST_FLOW_OK;
    auto picture = std::make_shared<MappedPicture>(sample.get());
    const auto view = view_of(*picture);
    if (!view) {
      callbacks.on_failure(
          {ErrorKind::kUnsupported, "the decoded picture has a pixel format that is not accepted; choose 8-bit 4:2:0 in the camera"});
      return GST_FLOW_ERROR;
    }
    return callbacks.on_picture({times->first, times->second.captured, times->second.arrival, *view, std::move(picture)})
               ? GST_FLOW_OK
               : GST_FLOW_FLUSHING;
  }

  void hear(GstMessage* message) {
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING) {
      callbacks.on_error_in_stream();
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      callbacks.on_failure(failure_of(message));
    }
  }

  static Error failure_of(GstMessage* message) {
    GError* raw_error = nullptr;
    gchar* raw_debug = nullptr;
    gst_message_parse_error(message, &raw_error, &raw_debug);
    const GstPtr<GError> error(raw_error);
    const GstPtr<gchar> debug(raw_debug);
    // "Internal data stream error" is how an element says that the next one did not take what it gives.
    const bool not_taken = debug && std::string_view(debug.get()).find("not-negotiated") != std::string_view::npos;
    if (not_taken || error->domain == GST_CORE_ERROR || (error->domain == GST_STREAM_ERROR && error->code == GST_STREAM_ERROR_FORMAT))
      return {ErrorKind::kUnsupported,
              "the picture cannot be decoded into 8-bit 4:2:0; choose an 8-bit profile (H.264 Main or High, H.265 Main) in the camera"};
    return {ErrorKind::kCorrupt, fmt::format("the video cannot be decoded: {}", error->message)};
  }
};

namespace {

using StatePtr = std::shared_ptr<Decoder::State>;

void delete_state(gpointer data) { delete static_cast<StatePtr*>(data); }

void connect_callbacks(GstElement* pipeline, GstElement* sink, const StatePtr& state) {
  GstAppSinkCallbacks callbacks{};
  callbacks.new_sample = [](GstAppSink* from, gpointer data) { return (*static_cast<StatePtr*>(data))->take(from); };
  callbacks.eos = [](GstAppSink*, gpointer data) { (*static_cast<StatePtr*>(data))->callbacks.on_drained(); };
  gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, new StatePtr(state), delete_state);
  const GstPtr<GstBus> bus(gst_pipeline_get_bus(GST_PIPELINE(pipeline)));
  gst_bus_set_sync_handler(
      bus.get(),
      [](GstBus*, GstMessage* message, gpointer data) {
        (*static_cast<StatePtr*>(data))->hear(message);
        gst_message_unref(message);
        return GST_BUS_DROP;
      },
      new StatePtr(state), delete_state);
}

}  // namespace

Result<std::unique_ptr<Decoder>> Decoder::make(Codec codec, bool lossless, bool by_order, Callbacks callbacks) {
  auto state = std::make_shared<State>();
  state->callbacks = std::move(callbacks);
  state->by_order = by_order;
  state->pipeline.reset(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
  GstElement* source = gst_element_factory_make("appsrc", nullptr);
  GstElement* decoder = gst_element_factory_make(elements_of(codec).decoder, nullptr);
  GstElement* sink = gst_element_factory_make("appsink", nullptr);
  for (GstElement* element : {source, decoder, sink})
    if (element != nullptr) gst_bin_add(GST_BIN(state->pipeline.get()), element);
  if (source == nullptr || decoder == nullptr || sink == nullptr || !gst_element_link_many(source, decoder, sink, nullptr))
    return fail(ErrorKind::kInternal,
                fmt::format("the decoder {} cannot be built; install gstreamer1.0-libav", elements_of(codec).decoder));
  g_object_set(source, "format", GST_FORMAT_TIME, "is-live", FALSE, "block", lossless ? TRUE : FALSE, "max-buffers", kMostWaitingPackets,
               "max-bytes", guint64{0}, "max-time", guint64{0}, "emit-signals", FALSE, nullptr);
  if (codec != Codec::kMjpeg)
    // "auto" means strict for a pipeline that is not live, which holds back up to 16 pictures; "normal" holds back
    // what the stream's own reordering needs.
    g_object_set(decoder, "max-threads", 1, "std-compliance", 0, "output-corrupt", TRUE, nullptr);
  g_object_set(decoder, "qos", FALSE, nullptr);
  const GstPtr<GstCaps> accepted(gst_caps_from_string("video/x-raw,format=(string){I420,NV12,GRAY8}"));
  g_object_set(sink, "sync", FALSE, "async", FALSE, "max-buffers", 2u, "caps", accepted.get(), "enable-last-sample", FALSE, nullptr);
  state->source = source;
  connect_callbacks(state->pipeline.get(), sink, state);
  if (gst_element_set_state(state->pipeline.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return fail(ErrorKind::kInternal, fmt::format("the decoder {} does not start", elements_of(codec).decoder));
  return std::unique_ptr<Decoder>(new Decoder(std::move(state)));
}

Decoder::~Decoder() {
  stop();
  // The state and the pipeline hold each other; nothing runs any more, so the pipeline can let go.
  const GstPtr<GstBus> bus(gst_pipeline_get_bus(GST_PIPELINE(state_->pipeline.get())));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  state_->pipeline.reset();
}

bool Decoder::has_room() const { return gst_app_src_get_current_level_buffers(GST_APP_SRC(state_->source)) < kMostWaitingPackets; }

bool Decoder::push(GstBuffer* buffer, GstCaps* caps, const Packet& packet) {
  if (!state_->caps || !gst_caps_is_equal(state_->caps.get(), caps)) {
    state_->caps.reset(gst_caps_ref(caps));
    gst_app_src_set_caps(GST_APP_SRC(state_->source), caps);
  }
  state_->expect(packet.pts, {packet.captured, packet.arrival});
  GstBuffer* shown = gst_buffer_copy(buffer);  // shares the bytes
  GST_BUFFER_PTS(shown) = state_->by_order ? GST_CLOCK_TIME_NONE : to_gst(packet.pts);
  GST_BUFFER_DTS(shown) = GST_CLOCK_TIME_NONE;
  return gst_app_src_push_buffer(GST_APP_SRC(state_->source), shown) == GST_FLOW_OK;
}

void Decoder::drain() { gst_app_src_end_of_stream(GST_APP_SRC(state_->source)); }

void Decoder::stop() { gst_element_set_state(state_->pipeline.get(), GST_STATE_NULL); }

}  // namespace kanhu::ingest
