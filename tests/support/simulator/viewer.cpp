// SPDX-License-Identifier: MIT
#include "tests/support/simulator/viewer.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <numeric>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gst/app/gstappsink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kanhu::simulator {
namespace {

std::string read_answer(int socket) {
  std::string answer;
  std::array<char, 4096> bytes{};
  for (;;) {
    const std::size_t head = answer.find("\r\n\r\n");
    if (head != std::string::npos) {
      const std::size_t length = answer.find("Content-Length: ");
      const std::size_t body = length == std::string::npos ? 0 : std::strtoul(answer.c_str() + length + 16, nullptr, 10);
      if (answer.size() >= head + 4 + body) return answer;
    }
    pollfd wait{socket, POLLIN, 0};
    if (poll(&wait, 1, 10'000) <= 0) return answer;
    const ssize_t count = read(socket, bytes.data(), bytes.size());
    if (count <= 0) return answer;
    answer.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

double Grey::mean() const {
  return pixels.empty() ? 0 : static_cast<double>(std::accumulate(pixels.begin(), pixels.end(), 0ULL)) / static_cast<double>(pixels.size());
}

int Grey::brightest() const { return pixels.empty() ? 0 : *std::max_element(pixels.begin(), pixels.end()); }

double mean_difference(const Grey& a, const Grey& b) {
  if (a.pixels.size() != b.pixels.size() || a.pixels.empty()) return 255;
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

Viewer::Viewer(const std::string& url, const std::string& codec, const std::string& user, const std::string& password) {
  gst_init(nullptr, nullptr);
  const std::map<std::string, std::string> decoders = {{"h264", "rtph264depay ! h264parse ! avdec_h264"},
                                                       {"h265", "rtph265depay ! h265parse ! avdec_h265"},
                                                       {"mjpeg", "rtpjpegdepay ! jpegdec"}};
  const std::string launch = fmt::format(
      "rtspsrc name=source latency=0 protocols=tcp ! {} ! videoconvert ! video/x-raw,format=GRAY8 ! appsink name=sink sync=false",
      decoders.at(codec));
  pipeline_ = gst_parse_launch(launch.c_str(), nullptr);
  GstElement* source = gst_bin_get_by_name(GST_BIN(pipeline_), "source");
  g_object_set(source, "location", url.c_str(), nullptr);
  if (!user.empty()) g_object_set(source, "user-id", user.c_str(), "user-pw", password.c_str(), nullptr);
  gst_object_unref(source);
  sink_ = gst_bin_get_by_name(GST_BIN(pipeline_), "sink");
  gst_element_set_state(pipeline_, GST_STATE_PLAYING);
}

Viewer::~Viewer() {
  gst_element_set_state(pipeline_, GST_STATE_NULL);
  gst_object_unref(sink_);
  gst_object_unref(pipeline_);
}

std::optional<Grey> Viewer::next(double seconds) {
  GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink_), static_cast<GstClockTime>(seconds * GST_SECOND));
  if (sample == nullptr) return std::nullopt;
  Grey grey;
  const GstStructure* caps = gst_caps_get_structure(gst_sample_get_caps(sample), 0);
  gst_structure_get_int(caps, "width", &grey.width);
  gst_structure_get_int(caps, "height", &grey.height);
  GstMapInfo map;
  if (gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ)) {
    const std::size_t stride = map.size / static_cast<std::size_t>(grey.height);
    for (int y = 0; y < grey.height; ++y) {
      const auto* row = map.data + static_cast<std::size_t>(y) * stride;
      grey.pixels.insert(grey.pixels.end(), row, row + grey.width);
    }
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
  }
  gst_sample_unref(sample);
  return grey;
}

std::string Viewer::wait_for_end(double seconds) {
  GstBus* bus = gst_element_get_bus(pipeline_);
  GstMessage* message = nullptr;
  const GstClockTime slice = 20 * GST_MSECOND;
  for (double waited = 0; message == nullptr && waited < seconds; waited += 0.04) {
    // The sink says that the stream has ended only after its pictures have been taken.
    if (GstSample* sample = gst_app_sink_try_pull_sample(GST_APP_SINK(sink_), slice); sample != nullptr) gst_sample_unref(sample);
    message = gst_bus_timed_pop_filtered(bus, slice, static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS));
  }
  gst_object_unref(bus);
  if (message == nullptr) return {};
  std::string text = "eos";
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gst_message_parse_error(message, &error, nullptr);
    text = error->message;
    g_error_free(error);
  }
  gst_message_unref(message);
  return text;
}

std::vector<std::string> rtsp_dialogue(int port, const std::vector<std::string>& requests) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<std::string> answers;
  if (connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    int sequence = 0;
    for (const std::string& request : requests) {
      const std::string text = fmt::format("{}\r\nCSeq: {}\r\n\r\n", request, ++sequence);
      if (send(connection, text.data(), text.size(), MSG_NOSIGNAL) < 0) break;
      answers.push_back(read_answer(connection));
    }
  }
  close(connection);
  return answers;
}

}  // namespace kanhu::simulator
