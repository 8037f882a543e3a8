// SPDX-License-Identifier: MIT
// Servers a test talks to over loopback.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace kanhu::test {

// The elements these servers and the tests' recordings are made of, for init_gstreamer_with.
std::span<const std::string_view> server_elements();

// A camera on a port of its own, by gst-rtsp-server. Serves at url() until it dies.
// Thread: any.
class TestRtspServer {
 public:
  struct Options {
    std::string launch;  // gst-launch text whose payloader is called pay0
    std::string user;    // empty: no password asked for
    std::string password;
    bool digest = false;
  };
  explicit TestRtspServer(Options options);
  ~TestRtspServer();
  std::string url(std::string_view path = "/cam") const;
  // While true no RTP leaves the server, though the connection stays open.
  void stall(bool on);
  // Every camera session's media ends.
  void end_streams();

  struct Inside;

 private:
  std::unique_ptr<Inside> inside_;
};

// gst-launch text of small live cameras.
std::string h264_camera(int b_frames = 0, int key_frame_interval = 10);
std::string h265_camera();
std::string mjpeg_camera();

// A TCP server that answers each request by a function of its text; an empty answer closes the connection.
// Thread: any.
class ScriptedServer {
 public:
  using Answer = std::function<std::string(const std::string& request)>;
  explicit ScriptedServer(Answer answer);
  ~ScriptedServer();
  std::string url() const;
  int requests() const { return requests_; }

 private:
  void serve();
  void talk(int fd);
  Answer answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> closing_{false};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  int talking_ = -1;
  std::thread thread_;
};

// "RTSP/1.0 <status>" with the request's CSeq and more header lines, each ended by "\r\n".
std::string rtsp_answer(const std::string& request, std::string_view status, std::string_view headers = "", std::string_view body = "");
// A port of loopback nobody listens at.
int refused_port();

}  // namespace kanhu::test
