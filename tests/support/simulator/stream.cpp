// SPDX-License-Identifier: MIT
#include "tests/support/simulator/stream.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

namespace kanhu::simulator {
namespace {

// Signal and probe data: a share of the stream, so that a media that outlives its mount finds it.
using Share = std::shared_ptr<Stream>;

Stream& stream_of(void* data) { return **static_cast<Share*>(data); }
void forget(void* data) { delete static_cast<Share*>(data); }
void forget_closure(void* data, GClosure*) { forget(data); }

template <typename Handler>
void connect(void* object, const char* signal, Handler handler, Share share) {
  g_signal_connect_data(object, signal, G_CALLBACK(handler), new Share(std::move(share)), forget_closure, GConnectFlags{});
}

GstBuffer* buffer_of(const Picture& picture) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, picture.y.size() + picture.u.size() + picture.v.size(), nullptr);
  gst_buffer_fill(buffer, 0, picture.y.data(), picture.y.size());
  gst_buffer_fill(buffer, picture.y.size(), picture.u.data(), picture.u.size());
  gst_buffer_fill(buffer, picture.y.size() + picture.u.size(), picture.v.data(), picture.v.size());
  return buffer;
}

}  // namespace

Stream::Stream(const CameraSpec& spec, std::string path, Size size, People people, std::uint32_t seed, std::shared_ptr<const Faults> faults)
    : spec_(spec),
      path_(std::move(path)),
      people_(std::move(people)),
      seed_(seed),
      faults_(std::move(faults)),
      codec_(spec.codec),
      size_(size) {}

Codec Stream::codec() const {
  std::scoped_lock lock(mutex_);
  return codec_;
}

Size Stream::size() const {
  std::scoped_lock lock(mutex_);
  return size_;
}

bool Stream::watched() const {
  std::scoped_lock lock(mutex_);
  return !watched_.empty();
}

void Stream::set_codec(Codec codec) {
  std::scoped_lock lock(mutex_);
  codec_ = codec;
}

void Stream::set_size(Size size) {
  std::scoped_lock lock(mutex_);
  if (size == size_) return;
  size_ = size;
  scene_.reset();
  painted_ = false;
}

void Stream::request_key_frame() { key_wanted_ = true; }

// Key frames come at fixed distances only, as cameras make them: no scene-cut detection. One thread an encoder:
// x264 and x265 otherwise start one a core for each camera. H.264 is VBR below a limit, H.265 a constant rate.
std::string Stream::launch_line() const {
  const int key_distance = std::max(1, static_cast<int>(std::lround(spec_.gop_seconds * spec_.fps)));
  // 512 kbit/s at 640x360, as cameras send their sub-streams; 2 Mbit/s at 1280x720.
  const int kbits = std::max(128, static_cast<int>(512.0 * size_.width * size_.height / (640.0 * 360.0)));
  const std::string source = "( appsrc name=source is-live=true format=time max-buffers=3 leaky-type=downstream ! ";
  switch (codec_) {
    case Codec::kH264:
      return fmt::format(
          "{}x264enc name=encoder speed-preset=ultrafast {} threads=1 key-int-max={} bitrate={} pass=qual quantizer=26 bframes={} "
          "b-adapt=false "
          "option-string=scenecut=0 ! video/x-h264,stream-format=byte-stream,alignment=au ! "
          "rtph264pay name=pay0 pt=96 config-interval=-1 aggregate-mode=zero-latency )",
          source, spec_.bframes == 0 ? "tune=zerolatency" : "rc-lookahead=0 sync-lookahead=0 mb-tree=false", key_distance, kbits,
          spec_.bframes);
    case Codec::kH265:
      return fmt::format(
          "{}x265enc name=encoder speed-preset=ultrafast {} log-level=none key-int-max={} bitrate={} "
          "option-string=pools=none:frame-threads=1:wpp=0:scenecut=0:open-gop=0:bframes={} ! "
          "video/x-h265,stream-format=byte-stream,alignment=au ! rtph265pay name=pay0 pt=96 config-interval=-1 )",
          source, spec_.bframes == 0 ? "tune=zerolatency" : "", key_distance, kbits, spec_.bframes);
    case Codec::kMjpeg:
      break;
  }
  return source + "jpegenc name=encoder quality=80 ! rtpjpegpay name=pay0 pt=26 )";
}

GstRTSPMediaFactory* Stream::make_factory() {
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  {
    std::scoped_lock lock(mutex_);
    gst_rtsp_media_factory_set_launch(factory, launch_line().c_str());
  }
  gst_rtsp_media_factory_set_shared(factory, TRUE);
  GstRTSPLowerTrans transports = static_cast<GstRTSPLowerTrans>(GST_RTSP_LOWER_TRANS_TCP | GST_RTSP_LOWER_TRANS_UDP);
  if (spec_.transport == Transport::kTcp) transports = GST_RTSP_LOWER_TRANS_TCP;
  if (spec_.transport == Transport::kUdp) transports = GST_RTSP_LOWER_TRANS_UDP;
  gst_rtsp_media_factory_set_protocols(factory, transports);
  gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
                                  GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, nullptr);
  connect(factory, "media-configure", on_configure, shared_from_this());
  return factory;
}

void Stream::on_configure(GstRTSPMediaFactory*, GstRTSPMedia* media, void* self) {
  Stream& stream = stream_of(self);
  GstElement* element = gst_rtsp_media_get_element(media);
  GstElement* source = gst_bin_get_by_name_recurse_up(GST_BIN(element), "source");
  GstElement* encoder = gst_bin_get_by_name_recurse_up(GST_BIN(element), "encoder");
  gst_object_unref(element);
  connect(media, "prepared", on_prepared, stream.shared_from_this());
  connect(media, "unprepared", on_unprepared, stream.shared_from_this());
  g_object_set_data_full(G_OBJECT(media), "kanhu-source", gst_object_ref(source), gst_object_unref);
  std::scoped_lock lock(stream.mutex_);
  stream.watched_.push_back({source, encoder, {0, 0}});
}

void Stream::on_unprepared(GstRTSPMedia* media, void* self) {
  Stream& stream = stream_of(self);
  void* source = g_object_get_data(G_OBJECT(media), "kanhu-source");
  std::scoped_lock lock(stream.mutex_);
  std::erase_if(stream.watched_, [source](const Watched& watched) {
    if (watched.source != source) return false;
    gst_object_unref(watched.source);
    gst_object_unref(watched.encoder);
    return true;
  });
}

// The pads behind rtpbin are where the server holds packets back until PLAY; a probe of ours runs after that one, so
// a stalled camera still answers DESCRIBE, SETUP and PLAY, as real ones do.
void Stream::on_prepared(GstRTSPMedia* media, void* self) {
  GstElement* element = gst_rtsp_media_get_element(media);
  GstObject* pipeline = gst_object_get_parent(GST_OBJECT(element));
  gst_object_unref(element);
  if (pipeline == nullptr) return;
  GstIterator* bins = gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline), "rtpbin");
  GValue item = G_VALUE_INIT;
  while (gst_iterator_next(bins, &item) == GST_ITERATOR_OK) {
    auto* rtpbin = static_cast<GstElement*>(g_value_get_object(&item));
    if (GstPad* pad = gst_element_get_static_pad(rtpbin, "send_rtp_src_0"); pad != nullptr) {
      gst_pad_add_probe(pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST), on_rtp,
                        new Share(stream_of(self).shared_from_this()), forget);
      gst_object_unref(pad);
    }
    if (GstPad* pad = gst_element_get_static_pad(rtpbin, "send_rtcp_src_0"); pad != nullptr) {
      gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_rtcp, new Share(stream_of(self).shared_from_this()), forget);
      gst_object_unref(pad);
    }
    g_value_reset(&item);
  }
  g_value_unset(&item);
  gst_iterator_free(bins);
  gst_object_unref(pipeline);
}

std::uint32_t Stream::random() {
  std::uint32_t x = random_.load(std::memory_order_relaxed);
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  random_.store(x, std::memory_order_relaxed);
  return x;
}

// Flips bits behind the 12 bytes of the RTP header: the transport stays whole, the bitstream does not.
GstBuffer* Stream::corrupted(GstBuffer* buffer, double rate) {
  if (random() / 4294967296.0 >= rate) return buffer;
  GstBuffer* copy = gst_buffer_copy_deep(buffer);
  gst_buffer_unref(buffer);
  GstMapInfo map;
  if (!gst_buffer_map(copy, &map, GST_MAP_READWRITE)) return copy;
  if (map.size > 13) {
    const std::uint32_t flips = 1 + random() % 4;
    for (std::uint32_t i = 0; i < flips; ++i) {
      map.data[12 + random() % (map.size - 12)] ^= static_cast<guint8>(1U << (random() % 8));
    }
  }
  gst_buffer_unmap(copy, &map);
  return copy;
}

GstPadProbeReturn Stream::on_rtp(GstPad*, GstPadProbeInfo* info, void* self) {
  Stream& stream = stream_of(self);
  if (stream.faults_->stalled || stream.faults_->dropped) return GST_PAD_PROBE_DROP;
  const double rate = stream.faults_->corrupt_rate;
  if (rate <= 0) return GST_PAD_PROBE_OK;
  if ((GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) != 0) {
    GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
    GstBufferList* changed = gst_buffer_list_new();
    for (guint i = 0; i < gst_buffer_list_length(list); ++i) {
      gst_buffer_list_add(changed, stream.corrupted(gst_buffer_ref(gst_buffer_list_get(list, i)), rate));
    }
    gst_buffer_list_unref(list);
    GST_PAD_PROBE_INFO_DATA(info) = changed;
  } else {
    GST_PAD_PROBE_INFO_DATA(info) = stream.corrupted(GST_PAD_PROBE_INFO_BUFFER(info), rate);
  }
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn Stream::on_rtcp(GstPad*, GstPadProbeInfo* info, void* self) {
  Stream& stream = stream_of(self);
  if (stream.faults_->stalled || stream.faults_->dropped || !stream.spec_.rtcp) return GST_PAD_PROBE_DROP;
  if (stream.spec_.rtcp_skew_seconds == 0) return GST_PAD_PROBE_OK;
  GstBuffer* buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) return GST_PAD_PROBE_OK;
  // RFC 3550 6.4.1: a sender report is type 200; its NTP seconds are the bytes 8 to 11.
  if (map.size >= 28 && map.data[1] == 200) {
    GST_WRITE_UINT32_BE(map.data + 8, GST_READ_UINT32_BE(map.data + 8) + static_cast<guint32>(stream.spec_.rtcp_skew_seconds));
  }
  gst_buffer_unmap(buffer, &map);
  return GST_PAD_PROBE_OK;
}

void Stream::produce(std::chrono::nanoseconds exposed, double scene_seconds, std::uint32_t frame_number, const Visit& visit) {
  std::scoped_lock lock(mutex_);
  if (watched_.empty()) return;
  if (!scene_) scene_ = std::make_unique<Scene>(spec_.scene, size_, people_, seed_);
  if (picture_.width != size_.width || picture_.height != size_.height) picture_ = Picture(size_.width, size_.height);
  if (!faults_->frozen || !painted_) {
    if (faults_->black) {
      Scene::paint_black(frame_number, picture_);
    } else {
      scene_->paint(scene_seconds, visit, frame_number, picture_);
    }
    painted_ = true;
  }
  const bool key = key_wanted_.exchange(false);
  for (Watched& watched : watched_) {
    // From below, as a viewer would ask: an event from the source would overtake the first caps.
    if (key) gst_element_send_event(watched.encoder, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
    push(watched, exposed);
  }
}

void Stream::push(Watched& watched, std::chrono::nanoseconds exposed) {
  GstClock* clock = gst_element_get_clock(watched.source);
  if (clock == nullptr) return;  // not playing yet
  gst_object_unref(clock);
  const auto base = static_cast<std::int64_t>(gst_element_get_base_time(watched.source));
  // GStreamer's system clock is CLOCK_MONOTONIC too.
  const std::int64_t pts = exposed.count() - base;
  if (base == 0 || pts < 0) return;
  if (watched.size != size_) {
    watched.size = size_;
    GstCaps* caps =
        gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, size_.width, "height", G_TYPE_INT,
                            size_.height, "framerate", GST_TYPE_FRACTION, spec_.fps, 1, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1,
                            "colorimetry", G_TYPE_STRING, "bt601", "interlace-mode", G_TYPE_STRING, "progressive", nullptr);
    gst_app_src_set_caps(GST_APP_SRC(watched.source), caps);
    gst_caps_unref(caps);
  }
  GstBuffer* buffer = buffer_of(picture_);
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(pts);
  GST_BUFFER_DURATION(buffer) = GST_SECOND / static_cast<GstClockTime>(spec_.fps);
  gst_app_src_push_buffer(GST_APP_SRC(watched.source), buffer);
}

}  // namespace kanhu::simulator
