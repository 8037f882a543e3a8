// SPDX-License-Identifier: MIT
// bench_freeze CODEC PRESET SECONDS GOP RATE...: what PictureWatch makes of living rooms and of frozen pictures, the
// figures of docs/design/0004-freeze-detection.md. CODEC is h264 or h265, PRESET the encoder's, RATE kbit/s or crfN.
// 640x360 at 20 pictures a second, each second one analysed. The same arguments give the same pictures.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

#include "pipelines/analyze/ignore_mask.hpp"
#include "pipelines/analyze/picture_watch.hpp"
#include "tests/support/simulator/room.hpp"

namespace {

using namespace kanhu;
using simulator::Picture;

constexpr int kWidth = 640;
constexpr int kHeight = 360;
constexpr int kFps = 20;
constexpr std::size_t kArea = static_cast<std::size_t>(kWidth) * kHeight;

struct Encoding {
  std::string codec, preset, rate;
  int gop_seconds = 2;
  int seconds = 60;
};

struct Room {
  double sigma;  // of the noise
  bool frozen;
};

std::string line_of(const Encoding& encoding) {
  const bool h264 = encoding.codec == "h264";
  const bool constant = encoding.rate.starts_with("crf");
  const std::string number = constant ? encoding.rate.substr(3) : encoding.rate;
  std::string rate = "bitrate=" + number;
  if (constant) rate = h264 ? "pass=qual quantizer=" + number : "";
  const std::string options =
      h264 ? "scenecut=0" : "pools=none:frame-threads=1:wpp=0:scenecut=0:open-gop=0" + (constant ? ":crf=" + number : "");
  return fmt::format(
      "appsrc name=source format=time block=true max-bytes=8000000 caps=video/x-raw,format=I420,width={},height={},framerate={}/1 ! "
      "{} speed-preset={} tune=zerolatency key-int-max={} {} option-string={} ! {} ! {} ! appsink name=sink sync=false max-buffers=8",
      kWidth, kHeight, kFps, h264 ? "x264enc threads=1" : "x265enc log-level=none", encoding.preset, encoding.gop_seconds * kFps, rate,
      options, h264 ? "h264parse" : "h265parse", h264 ? "avdec_h264" : "avdec_h265");
}

void paint(GstAppSrc* source, const Room& room, int frames) {
  Picture picture = simulator::visible_room(kWidth, kHeight, 3);
  const std::vector<std::uint8_t> clean = picture.y;
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> noise(1U << 18);
  for (float& value : noise) value = normal(random);
  for (int frame = 0; frame < frames; ++frame) {
    for (std::size_t row = 0; row < kHeight && (frame == 0 || !room.frozen); ++row) {
      const float* grain = &noise[random() % (noise.size() - kWidth)];
      for (std::size_t x = 0; x < kWidth; ++x) {
        // Half a level of shading, as no wall is all of one value.
        const float shade = 0.5F * std::sin(static_cast<float>(x) * 0.011F + static_cast<float>(row) * 0.017F);
        const float light = static_cast<float>(clean[row * kWidth + x]) + shade;
        const auto value = static_cast<float>(static_cast<double>(light) + room.sigma * static_cast<double>(grain[x]));
        picture.y[row * kWidth + x] = static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
      }
    }
    GstBuffer* buffer = gst_buffer_new_allocate(nullptr, kArea * 3 / 2, nullptr);
    gst_buffer_fill(buffer, 0, picture.y.data(), kArea);
    gst_buffer_fill(buffer, kArea, picture.u.data(), kArea / 4);
    gst_buffer_fill(buffer, kArea * 5 / 4, picture.v.data(), kArea / 4);
    GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(frame) * GST_SECOND / kFps;
    GST_BUFFER_DURATION(buffer) = GST_SECOND / kFps;
    if (gst_app_src_push_buffer(source, buffer) != GST_FLOW_OK) break;
  }
  gst_app_src_end_of_stream(source);
}

struct Outcome {
  double frozen_from = -1;  // seconds
  bool frozen = false;      // at the end
  double look_us = 0;
};

Outcome run(const Encoding& encoding, const Room& room) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line_of(encoding).c_str(), &error);
  if (error != nullptr) {
    fmt::print(stderr, "{}\n", error->message);
    std::exit(1);
  }
  GstElement* source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  std::thread painter([&] { paint(GST_APP_SRC(source), room, encoding.seconds * kFps); });

  HealthConfig health;
  health.freeze_after = std::chrono::seconds(10);
  analyze::PictureWatch watch(health);
  const analyze::IgnoreMask mask({});
  Outcome outcome;
  std::chrono::nanoseconds spent{};
  int frame = 0;
  for (; GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(sink)); gst_sample_unref(sample), ++frame) {
    GstMapInfo map;
    if (frame % 2 != 0 || !gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) continue;
    ImageView image;
    image.format = PixelFormat::kGray8;
    image.width = kWidth;
    image.height = kHeight;
    image.planes[0] = {map.data, kWidth};
    const auto before = std::chrono::steady_clock::now();
    outcome.frozen = watch.look(image, mask, MediaTime(std::chrono::milliseconds(1000 * frame / kFps))).frozen();
    spent += std::chrono::steady_clock::now() - before;
    if (outcome.frozen && outcome.frozen_from < 0) outcome.frozen_from = static_cast<double>(frame) / kFps;
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  }
  painter.join();
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(source);
  gst_object_unref(sink);
  gst_object_unref(pipeline);
  outcome.look_us = std::chrono::duration<double, std::micro>(spent).count() / std::max(1, frame / 2);
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 6) {
    fmt::print(stderr, "usage: bench_freeze h264|h265 PRESET SECONDS GOP RATE...\n");
    return 2;
  }
  // Cells: seconds until first called frozen, "-" never; "*" taken back by the end.
  fmt::print(
      "| encoder | living 0.7 | living 1.2 | living 3 | frozen 0 | frozen 1.2 | frozen 4 | us/look |\n|---|---|---|---|---|---|---|---|\n");
  for (int i = 5; i < argc; ++i) {
    const Encoding encoding{argv[1], argv[2], argv[i], std::atoi(argv[4]), std::atoi(argv[3])};
    fmt::print("| {} {} {} GOP {} s |", encoding.codec, encoding.preset, encoding.rate, encoding.gop_seconds);
    double look_us = 0;
    for (const Room& room : {Room{0.7, false}, {1.2, false}, {3, false}, {0, true}, {1.2, true}, {4, true}}) {
      const Outcome outcome = run(encoding, room);
      fmt::print(" {} |", outcome.frozen_from < 0 ? "-" : fmt::format("{:.0f}{}", outcome.frozen_from, outcome.frozen ? "" : "*"));
      std::fflush(stdout);
      look_us = std::max(look_us, outcome.look_us);
    }
    fmt::print(" {:.0f} |\n", look_us);
  }
  return 0;
}
