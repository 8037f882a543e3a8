// SPDX-License-Identifier: MIT
#include "bench/faces/h264.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

#include "bench/faces/degrade.hpp"

namespace kanhu::bench {
namespace {

constexpr int kPictures = 25;  // one second
constexpr double kSensorNoise = 2;
constexpr GstClockTime kPatience = 60 * GST_SECOND;

struct Stop {
  void operator()(GstElement* pipeline) const {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }
};
struct Unref {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
  void operator()(GstElementFactory* factory) const { gst_object_unref(factory); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;
using Pipeline = std::unique_ptr<GstElement, Stop>;

Result<void> ready() {
  GError* problem = nullptr;
  if (gst_init_check(nullptr, nullptr, &problem) == FALSE) {
    const std::string why = problem != nullptr ? problem->message : "no reason given";
    g_clear_error(&problem);
    return fail(ErrorKind::kUnsupported, fmt::format("GStreamer does not start: {}", why));
  }
  for (const auto& [element, package] : {std::pair{"x264enc", "gstreamer1.0-plugins-ugly"}, {"avdec_h264", "gstreamer1.0-libav"}}) {
    if (!Owned<GstElementFactory>(gst_element_factory_find(element)))
      return fail(ErrorKind::kUnsupported, fmt::format("GStreamer has no {}; install {}", element, package));
  }
  return {};
}

// The picture as the camera sees it `before` pictures before the last one: moved left, with its edges drawn out to a size that
// 4:2:0 has (even) and whose packed rows GStreamer does not pad (width a multiple of 4).
class PanningCamera {
 public:
  PanningCamera(const Picture& picture, std::uint64_t seed)
      : picture_(picture), noise_(seed), width_((picture.width() + 3) / 4 * 4), height_((picture.height() + 1) / 2 * 2) {}

  int width() const { return width_; }
  int height() const { return height_; }

  GstBuffer* look(int before, int number) {
    const std::size_t size = static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_) * 3;
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, size, nullptr);
    GstMapInfo map;
    if (gst_buffer_map(buffer, &map, GST_MAP_WRITE) == FALSE) return buffer;
    const int channels = picture_.channels();
    for (int y = 0; y < height_; ++y) {
      const std::uint8_t* from = picture_.row(std::min(y, picture_.height() - 1));
      std::uint8_t* to = map.data + static_cast<std::ptrdiff_t>(y) * width_ * 3;
      for (int x = 0; x < width_; ++x) {
        const int source = std::min(x + before, picture_.width() - 1) * channels;
        for (int c = 0; c < 3; ++c)
          to[3 * x + c] = static_cast<std::uint8_t>(
              std::clamp(from[source + (channels == 3 ? c : 0)] + kSensorNoise * noise_.normal() + 0.5, 0.0, 255.0));
      }
    }
    gst_buffer_unmap(buffer, &map);
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(static_cast<guint64>(number), GST_SECOND, kPictures);
    GST_BUFFER_DURATION(buffer) = GST_SECOND / kPictures;
    return buffer;
  }

 private:
  const Picture& picture_;
  Noise noise_;
  int width_, height_;
};

Result<Picture> picture_of(GstSample* sample, const Picture& like) {
  const GstStructure* format = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
  int width = 0, height = 0;
  gst_structure_get_int(format, "width", &width);
  gst_structure_get_int(format, "height", &height);
  GstMapInfo map;
  GstBuffer* buffer = gst_sample_get_buffer(sample);
  if (width < like.width() || height < like.height() || gst_buffer_map(buffer, &map, GST_MAP_READ) == FALSE)
    return fail(ErrorKind::kInternal, "h264: the decoder gave a picture of another size");
  Picture picture(like.width(), like.height(), like.channels());
  const std::size_t stride = static_cast<std::size_t>(width) * (like.channels() == 3 ? 3 : 1);
  for (int y = 0; y < picture.height(); ++y) std::memcpy(picture.row(y), map.data + static_cast<std::size_t>(y) * stride, picture.stride());
  gst_buffer_unmap(buffer, &map);
  return picture;
}

}  // namespace

Result<Picture> through_h264(const Picture& picture, std::uint64_t seed) {
  static const Result<void> kReady = ready();
  if (!kReady) return tl::unexpected(kReady.error());
  PanningCamera camera(picture, seed);
  // One thread: x264 with several gives other bits. No look-ahead and no B pictures, as cameras encode.
  const std::string text = fmt::format(
      "appsrc name=in format=time caps=video/x-raw,format=BGR,width={},height={},framerate={}/1 ! videoconvert ! "
      "video/x-raw,format=I420 ! x264enc bitrate=300 speed-preset=veryfast tune=zerolatency threads=1 key-int-max=250 ! "
      "avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format={} ! appsink name=out sync=false",
      camera.width(), camera.height(), kPictures, picture.channels() == 3 ? "BGR" : "GRAY8");
  GError* problem = nullptr;
  const Pipeline pipeline(gst_parse_launch(text.c_str(), &problem));
  if (!pipeline || problem != nullptr) {
    const std::string why = problem != nullptr ? problem->message : "no reason given";
    g_clear_error(&problem);
    return fail(ErrorKind::kUnsupported, fmt::format("h264: {}", why));
  }
  const Owned<GstElement> in(gst_bin_get_by_name(GST_BIN(pipeline.get()), "in"));
  const Owned<GstElement> out(gst_bin_get_by_name(GST_BIN(pipeline.get()), "out"));
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  Result<Picture> last = fail(ErrorKind::kInternal, "h264: the decoder gave no picture");
  for (int i = 0; i < kPictures; ++i) gst_app_src_push_buffer(GST_APP_SRC(in.get()), camera.look(kPictures - 1 - i, i));
  gst_app_src_end_of_stream(GST_APP_SRC(in.get()));
  for (;;) {
    const Owned<GstSample> sample(gst_app_sink_try_pull_sample(GST_APP_SINK(out.get()), kPatience));
    if (!sample) break;
    last = picture_of(sample.get(), picture);
    if (!last) break;
  }
  return last;
}

}  // namespace kanhu::bench
