// SPDX-License-Identifier: MIT
// What sits at the other end of a simulated camera in the simulator's own tests. Private to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gst/gst.h>

namespace kanhu::simulator {

struct Grey {
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;
  double mean() const;
  int brightest() const;
};
double mean_difference(const Grey& a, const Grey& b);

// A plain rtspsrc pipeline over TCP that decodes to grey. Thread: one at a time.
class Viewer {
 public:
  Viewer(const std::string& url, const std::string& codec, const std::string& user = {}, const std::string& password = {});
  ~Viewer();
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  // The next picture; nothing when none comes within the time or the stream has ended.
  std::optional<Grey> next(double seconds = 10);
  // Waits for the stream's end or error and says which ("eos", or the error's text); empty when neither comes in time.
  std::string wait_for_end(double seconds = 10);

 private:
  GstElement* pipeline_ = nullptr;
  GstElement* sink_ = nullptr;
};

// Sends one RTSP request after another on one connection and returns the answers.
std::vector<std::string> rtsp_dialogue(int port, const std::vector<std::string>& requests);

}  // namespace kanhu::simulator
