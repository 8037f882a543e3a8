#include "pipelines/ingest/picture_png.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>

#include "pipelines/ingest/gst_handles.hpp"

namespace kanhu::ingest {
namespace {

constexpr GstClockTime kPatience = 10 * GST_SECOND;

GstVideoFormat gst_format_of(PixelFormat format) {
  switch (format) {
    case PixelFormat::kGray8:
      return GST_VIDEO_FORMAT_GRAY8;
    case PixelFormat::kBgr24:
      return GST_VIDEO_FORMAT_BGR;
    case PixelFormat::kI420:
      return GST_VIDEO_FORMAT_I420;
    case PixelFormat::kNv12:
      return GST_VIDEO_FORMAT_NV12;
    case PixelFormat::kCentiCelsius:
      break;
  }
  return GST_VIDEO_FORMAT_UNKNOWN;
}

GstPtr<GstBuffer> copy_of(const ImageView& image, const GstVideoInfo& info) {
  GstPtr<GstBuffer> buffer(gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr));
  GstVideoFrame frame;
  if (!buffer || !gst_video_frame_map(&frame, &info, buffer.get(), GST_MAP_WRITE)) return nullptr;
  for (int plane = 0; plane < plane_count(image.format); ++plane) {
    const auto& from = image.planes[static_cast<std::size_t>(plane)];
    auto* to = static_cast<std::uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, plane));
    const auto bytes = static_cast<std::size_t>(plane_row_bytes(image.format, plane, image.width));
    for (int row = 0; row < plane_rows(image.format, plane, image.height); ++row)
      std::memcpy(to + static_cast<std::ptrdiff_t>(row) * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, plane),
                  from.data + static_cast<std::ptrdiff_t>(row) * from.stride, bytes);
  }
  gst_video_frame_unmap(&frame);
  return buffer;
}

// Temperatures as grey: black the coolest, white the warmest. `into` holds the pixels.
ImageView as_grey(const ImageView& warmth, std::vector<std::uint8_t>& into) {
  std::vector<std::int16_t> values(static_cast<std::size_t>(warmth.width) * static_cast<std::size_t>(warmth.height));
  for (int row = 0; row < warmth.height; ++row)
    std::memcpy(values.data() + static_cast<std::ptrdiff_t>(row) * warmth.width,
                warmth.planes[0].data + static_cast<std::ptrdiff_t>(row) * warmth.planes[0].stride,
                2 * static_cast<std::size_t>(warmth.width));
  const auto [coolest, warmest] = std::minmax_element(values.begin(), values.end());
  const int low = *coolest, range = std::max(1, *warmest - low);
  for (const std::int16_t value : values) into.push_back(static_cast<std::uint8_t>(255 * (value - low) / range));
  ImageView grey;
  grey.width = warmth.width;
  grey.height = warmth.height;
  grey.planes[0] = {into.data(), warmth.width};
  return grey;
}

}  // namespace

Result<std::string> png_of(const ImageView& image) {
  if (image.format == PixelFormat::kCentiCelsius && image.width > 0 && image.height > 0) {
    std::vector<std::uint8_t> pixels;
    return png_of(as_grey(image, pixels));
  }
  GstVideoInfo info;
  const GstVideoFormat format = gst_format_of(image.format);
  if (format == GST_VIDEO_FORMAT_UNKNOWN ||
      !gst_video_info_set_format(&info, format, static_cast<guint>(image.width), static_cast<guint>(image.height)))
    return fail(ErrorKind::kUnsupported, "the picture's pixel format cannot be saved");
  const GstPtr<GstElement> pipeline(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(nullptr))));
  GstElement* source = gst_element_factory_make("appsrc", nullptr);
  GstElement* convert = gst_element_factory_make("videoconvert", nullptr);
  GstElement* encoder = gst_element_factory_make("pngenc", nullptr);
  GstElement* sink = gst_element_factory_make("appsink", nullptr);
  for (GstElement* element : {source, convert, encoder, sink})
    if (element != nullptr) gst_bin_add(GST_BIN(pipeline.get()), element);
  if (source == nullptr || convert == nullptr || encoder == nullptr || sink == nullptr ||
      !gst_element_link_many(source, convert, encoder, sink, nullptr))
    return fail(ErrorKind::kInternal, "the PNG encoder cannot be built; install gstreamer1.0-plugins-base and gstreamer1.0-plugins-good");
  info.fps_n = 1;
  info.fps_d = 1;
  const GstPtr<GstCaps> caps(gst_video_info_to_caps(&info));
  g_object_set(source, "caps", caps.get(), "format", GST_FORMAT_TIME, nullptr);
  g_object_set(encoder, "snapshot", TRUE, nullptr);
  g_object_set(sink, "sync", FALSE, nullptr);
  auto buffer = copy_of(image, info);
  if (!buffer) return fail(ErrorKind::kInternal, "no memory for the picture");
  GST_BUFFER_PTS(buffer.get()) = 0;
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  gst_app_src_push_buffer(GST_APP_SRC(source), buffer.release());
  gst_app_src_end_of_stream(GST_APP_SRC(source));
  const GstPtr<GstSample> sample(gst_app_sink_try_pull_sample(GST_APP_SINK(sink), kPatience));
  std::string png;
  if (sample) {
    const MappedBuffer bytes(gst_sample_get_buffer(sample.get()));
    png.assign(reinterpret_cast<const char*>(bytes.view().data()), bytes.view().size());
  }
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  if (png.empty()) return fail(ErrorKind::kInternal, "the picture could not be encoded");
  return png;
}

}  // namespace kanhu::ingest
