// SPDX-License-Identifier: MIT
#include "tests/unit/pipelines/record/media.hpp"

#include <cstring>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

namespace kanhu::test {
namespace {

GstElement* launch(const std::string& line) {
  if (!gst_is_initialized()) gst_init(nullptr, nullptr);
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line.c_str(), &error);
  INFO(line << ": " << (error ? error->message : ""));
  REQUIRE(pipeline != nullptr);
  REQUIRE(error == nullptr);
  return pipeline;
}

Encoded encode(Codec codec, const std::string& size, int frames, const std::string& encoder, const std::string& caps) {
  GstElement* pipeline = launch(fmt::format(
      "videotestsrc pattern=ball num-buffers={} ! video/x-raw,format=I420,{},framerate=25/1 ! {} ! {} ! appsink name=out sync=false",
      frames, size, encoder, caps));
  GstAppSink* sink = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "out"));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  Encoded encoded;
  StreamFormat format{codec, 0, 0, 25, ""};
  std::uint64_t zero = 0;
  while (GstSample* sample = gst_app_sink_pull_sample(sink)) {
    GstBuffer* buffer = gst_sample_get_buffer(sample);
    if (encoded.units.empty()) {
      zero = GST_BUFFER_PTS(buffer);
      gchar* text = gst_caps_to_string(gst_sample_get_caps(sample));
      format.caps = text;
      g_free(text);
      const GstStructure* structure = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
      gst_structure_get_int(structure, "width", &format.width);
      gst_structure_get_int(structure, "height", &format.height);
    }
    GstMapInfo map;
    gst_buffer_map(buffer, &map, GST_MAP_READ);
    Encoded::Unit unit;
    const auto* data = reinterpret_cast<const std::byte*>(map.data);
    unit.bytes.assign(data, data + map.size);
    unit.pts = std::chrono::nanoseconds(GST_BUFFER_PTS(buffer) - zero);
    unit.is_key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    gst_buffer_unmap(buffer, &map);
    encoded.units.push_back(std::move(unit));
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  REQUIRE(encoded.units.size() == static_cast<std::size_t>(frames));
  encoded.format = std::make_shared<const StreamFormat>(format);
  return encoded;
}

constexpr const char* kAvc = "h264parse ! video/x-h264,stream-format=avc,alignment=au";

}  // namespace

const Encoded& h264() {
  static const Encoded encoded =
      encode(Codec::kH264, "width=320,height=240", 250, "x264enc tune=zerolatency key-int-max=25 speed-preset=ultrafast", kAvc);
  return encoded;
}

const Encoded& h264_small() {
  static const Encoded encoded =
      encode(Codec::kH264, "width=160,height=128", 100, "x264enc tune=zerolatency key-int-max=25 speed-preset=ultrafast", kAvc);
  return encoded;
}

const Encoded& h264_b_frames() {
  static const Encoded encoded = encode(Codec::kH264, "width=320,height=240", 250,
                                        "x264enc bframes=3 b-adapt=false b-pyramid=true key-int-max=25 speed-preset=veryfast", kAvc);
  return encoded;
}

const Encoded& h265() {
  static const Encoded encoded = encode(Codec::kH265, "width=320,height=240", 250,
                                        "x265enc key-int-max=25 speed-preset=ultrafast option-string=bframes=3:log-level=none",
                                        "h265parse ! video/x-h265,stream-format=hvc1,alignment=au");
  return encoded;
}

const Encoded& mjpeg() {
  static const Encoded encoded = encode(Codec::kMjpeg, "width=160,height=128", 100, "jpegenc", "image/jpeg");
  return encoded;
}

PacketPtr packet_of(const Encoded& encoded, std::size_t index, const std::string& run, std::chrono::microseconds offset,
                    std::shared_ptr<MemoryAccount> account) {
  const Encoded::Unit& unit = encoded.units.at(index);
  auto packet = std::make_shared<Packet>();
  packet->source = "cam";
  packet->run = run;
  packet->sequence = index;
  packet->pts = MediaTime(unit.pts);
  packet->is_key = unit.is_key;
  packet->format = encoded.format;
  packet->captured.arrival = kStart + offset + std::chrono::duration_cast<std::chrono::microseconds>(unit.pts);
  packet->bytes = PacketBytes(unit.bytes, nullptr, std::move(account));
  return packet;
}

Played play(const std::string& file, Codec codec) {
  const char* decoder = codec == Codec::kH264 ? "h264parse ! avdec_h264" : codec == Codec::kH265 ? "h265parse ! avdec_h265" : "jpegdec";
  GstElement* pipeline = launch(
      fmt::format("appsrc name=in caps=video/quicktime format=bytes ! qtdemux ! tee name=t t. ! queue max-size-buffers=0 max-size-bytes=0 "
                  "max-size-time=0 ! appsink name=raw "
                  "sync=false t. ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 ! {} ! appsink name=pictures sync=false",
                  decoder));
  GstAppSrc* source = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(pipeline), "in"));
  GstAppSink* raw = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "raw"));
  GstAppSink* pictures = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "pictures"));
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, file.size(), nullptr);
  gst_buffer_fill(buffer, 0, file.data(), file.size());
  gst_app_src_push_buffer(source, buffer);
  gst_app_src_end_of_stream(source);
  Played played;
  while (GstSample* sample = gst_app_sink_try_pull_sample(raw, 20 * GST_SECOND)) {
    played.pts.emplace_back(GST_BUFFER_PTS(gst_sample_get_buffer(sample)));
    gst_sample_unref(sample);
  }
  while (GstSample* sample = gst_app_sink_try_pull_sample(pictures, 20 * GST_SECOND)) {
    ++played.decoded;
    gst_sample_unref(sample);
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  for (gpointer each : {gpointer(source), gpointer(raw), gpointer(pictures), gpointer(pipeline)}) gst_object_unref(each);
  return played;
}

record::Recorder::Done Answers::done() {
  return [this](ClipRecord record) {
    std::scoped_lock lock(mutex_);
    records_.push_back(std::move(record));
    changed_.notify_all();
  };
}

ClipRecord Answers::wait(std::size_t nth) {
  std::unique_lock lock(mutex_);
  const bool came = changed_.wait_for(lock, std::chrono::seconds(30), [&] { return records_.size() >= nth; });
  REQUIRE(came);
  return records_[nth - 1];
}

std::size_t Answers::count() const {
  std::scoped_lock lock(mutex_);
  return records_.size();
}

ClipRequest request(char name, double from_s, double to_s, const std::string& run) {
  ClipRequest request;
  request.clip = std::string(26, name);
  request.subject = "subject-" + std::string(1, name);
  request.facility = "yubei";
  request.source = "cam";
  request.run = run;
  request.from = kStart + std::chrono::microseconds(static_cast<std::int64_t>(from_s * 1e6));
  request.to = kStart + std::chrono::microseconds(static_cast<std::int64_t>(to_s * 1e6));
  return request;
}

CameraConfig camera() {
  CameraConfig camera;
  camera.id = "cam";
  camera.name = "门口";
  for (const char* zone : {"hall", "stairs"}) {
    camera.zones.emplace_back();
    camera.zones.back().zone = zone;
  }
  camera.main = StreamConfig{};
  camera.record = StreamRole::kMain;
  camera.clips.pre_roll = std::chrono::seconds(2);
  return camera;
}

}  // namespace kanhu::test
