// SPDX-License-Identifier: MIT
// GStreamer's element facedetect (gstreamer1.0-opencv) with its usual figures but the smallest size. It says no score: 1. The time
// is that between a picture's arrival at the element and its leaving, the loading of the cascade not counted.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/bench/peers/netpbm.hpp"

namespace {

constexpr const char* kCascades = "/usr/share/opencv4/haarcascades/";
constexpr GstClockTime kPatience = 60 * GST_SECOND;

using Clock = std::chrono::steady_clock;

struct Times {
  std::mutex guard;
  Clock::time_point in, out;
};

GstPadProbeReturn arrives(GstPad*, GstPadProbeInfo*, gpointer times) {
  const std::lock_guard lock(static_cast<Times*>(times)->guard);
  static_cast<Times*>(times)->in = Clock::now();
  return GST_PAD_PROBE_OK;
}

GstPadProbeReturn leaves(GstPad*, GstPadProbeInfo*, gpointer times) {
  const std::lock_guard lock(static_cast<Times*>(times)->guard);
  static_cast<Times*>(times)->out = Clock::now();
  return GST_PAD_PROBE_OK;
}

double number_in(const GstStructure* structure, const char* field) {
  guint number = 0;
  gst_structure_get_uint(structure, field, &number);
  return number;
}

void take(const GstStructure* message, peers::Answer& answer) {
  const GValue* faces = gst_structure_get_value(message, "faces");
  for (guint i = 0; faces != nullptr && i < gst_value_list_get_size(faces); ++i) {
    const GstStructure* face = gst_value_get_structure(gst_value_list_get_value(faces, i));
    answer.boxes.push_back({number_in(face, "x"), number_in(face, "y"), number_in(face, "width"), number_in(face, "height"), 1});
  }
}

void watch(GstElement* pipeline, Times& times) {
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "faces");
  for (const auto& [name, probe] : {std::pair{"sink", &arrives}, {"src", &leaves}}) {
    GstPad* pad = gst_element_get_static_pad(element, name);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, probe, &times, nullptr);
    gst_object_unref(pad);
  }
  gst_object_unref(element);
}

void push(GstElement* pipeline, const cv::Mat& rgb) {
  GstElement* source = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  const auto row = static_cast<std::size_t>(rgb.cols) * 3, stride = (row + 3) / 4 * 4;
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, stride * static_cast<std::size_t>(rgb.rows), nullptr);
  GstMapInfo map;
  if (gst_buffer_map(buffer, &map, GST_MAP_WRITE) != FALSE) {
    for (int y = 0; y < rgb.rows; ++y) std::memcpy(map.data + static_cast<std::size_t>(y) * stride, rgb.ptr(y), row);
    gst_buffer_unmap(buffer, &map);
  }
  GST_BUFFER_PTS(buffer) = 0;
  gst_app_src_push_buffer(GST_APP_SRC(source), buffer);
  gst_app_src_end_of_stream(GST_APP_SRC(source));
  gst_object_unref(source);
}

peers::Answer find(const cv::Mat& picture) {
  cv::Mat rgb;
  cv::cvtColor(picture, rgb, picture.channels() == 3 ? cv::COLOR_BGR2RGB : cv::COLOR_GRAY2RGB);
  const std::string path = kCascades;
  const std::string text = "appsrc name=in format=time caps=video/x-raw,format=RGB,framerate=1/1,width=" + std::to_string(rgb.cols) +
                           ",height=" + std::to_string(rgb.rows) +
                           " ! facedetect name=faces display=false updates=every_frame min-size-width=20" +
                           " min-size-height=20 profile=" + path + "haarcascade_frontalface_default.xml" + " ! fakesink sync=false";
  GError* problem = nullptr;
  GstElement* pipeline = gst_parse_launch(text.c_str(), &problem);
  if (pipeline == nullptr || problem != nullptr) {
    std::fprintf(stderr, "facedetect: %s\n", problem != nullptr ? problem->message : "no pipeline");
    std::exit(1);
  }
  Times times;
  watch(pipeline, times);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  push(pipeline, rgb);
  peers::Answer answer;
  GstBus* bus = gst_element_get_bus(pipeline);
  bool over = false;
  while (!over) {
    GstMessage* message =
        gst_bus_timed_pop_filtered(bus, kPatience, static_cast<GstMessageType>(GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    if (message == nullptr || GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      std::fprintf(stderr, "facedetect: the pipeline failed or stood still\n");
      std::exit(1);
    }
    over = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    const GstStructure* body = over ? nullptr : gst_message_get_structure(message);
    if (body != nullptr && gst_structure_has_name(body, "facedetect")) take(body, answer);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  answer.milliseconds = std::chrono::duration<double, std::milli>(times.out - times.in).count();
  return answer;
}

}  // namespace

int main() {
  // Debian has no cascades of noses and mouths; the element finds faces without and would complain at each picture.
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  gst_init(nullptr, nullptr);
  return peers::answer_all(find);
}
