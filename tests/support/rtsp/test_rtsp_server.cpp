// SPDX-License-Identifier: MIT
#include "tests/support/rtsp/test_rtsp_server.hpp"

#include <array>
#include <condition_variable>
#include <stdexcept>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gst/gst.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kanhu::test {
namespace {

constexpr std::array kElements = std::to_array<std::string_view>({
    "videotestsrc", "audiotestsrc", "x264enc",    "x265enc",    "jpegenc",   "avenc_ffv1",   "alawenc",  "rtppcmapay",
    "rtph264pay",   "rtph265pay",   "rtpjpegpay", "rtpvrawpay", "mp4mux",    "matroskamux",  "filesink", "multiudpsink",
    "dynudpsink",   "rtprtxqueue",  "watchdog",   "h264parse",  "h265parse", "videoconvert",
});

int bind_loopback() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) throw std::runtime_error("no port on loopback");
  return fd;
}

int port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

std::span<const std::string_view> server_elements() { return kElements; }

std::string h264_camera(int b_frames, int key_frame_interval) {
  // Left alone, the server negotiates constrained-baseline, which has no B-frames.
  return fmt::format(
      "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! "
      "x264enc speed-preset=ultrafast {} bframes={} b-adapt=false threads=1 key-int-max={} bitrate=300 ! video/x-h264,profile={} ! "
      "rtph264pay name=pay0 pt=96 config-interval=1 )",
      b_frames == 0 ? "tune=zerolatency" : "rc-lookahead=2 sync-lookahead=0", b_frames, key_frame_interval,
      b_frames == 0 ? "constrained-baseline" : "main");
}

std::string h265_camera() {
  return "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! "
         "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=10 bitrate=300 option-string=pools=none:frame-threads=1 ! "
         "rtph265pay name=pay0 pt=96 config-interval=1 )";
}

std::string mjpeg_camera() {
  return "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=10/1 ! jpegenc ! rtpjpegpay "
         "name=pay0 pt=26 )";
}

struct TestRtspServer::Inside {
  GMainContext* context = g_main_context_new();
  GMainLoop* loop = nullptr;
  GstRTSPServer* server = gst_rtsp_server_new();
  std::thread thread;
  int port = 0;
  std::atomic<bool> stalled{false};
  std::mutex mutex;
  std::vector<GstElement*> media;

  static GstPadProbeReturn hold_back(GstPad*, GstPadProbeInfo*, gpointer data) {
    return static_cast<Inside*>(data)->stalled ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
  }
  static void configure(GstRTSPMediaFactory*, GstRTSPMedia* made, gpointer data) {
    auto* inside = static_cast<Inside*>(data);
    GstElement* element = gst_rtsp_media_get_element(made);
    GstElement* payloader = gst_bin_get_by_name_recurse_up(GST_BIN(element), "pay0");
    GstPad* pad = gst_element_get_static_pad(payloader, "src");
    gst_pad_add_probe(pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST), hold_back, inside,
                      nullptr);
    gst_object_unref(pad);
    gst_object_unref(payloader);
    std::scoped_lock lock(inside->mutex);
    inside->media.push_back(element);
  }
};

TestRtspServer::TestRtspServer(Options options) : inside_(std::make_unique<Inside>()) {
  gst_rtsp_server_set_address(inside_->server, "127.0.0.1");
  gst_rtsp_server_set_service(inside_->server, "0");
  // Connections are served on the loop's own thread: closing one while another thread reads from it crashes (1.22).
  GstRTSPThreadPool* pool = gst_rtsp_server_get_thread_pool(inside_->server);
  gst_rtsp_thread_pool_set_max_threads(pool, 0);
  g_object_unref(pool);
  GstRTSPMountPoints* mounts = gst_rtsp_server_get_mount_points(inside_->server);
  GstRTSPMediaFactory* factory = gst_rtsp_media_factory_new();
  gst_rtsp_media_factory_set_launch(factory, options.launch.c_str());
  gst_rtsp_media_factory_set_shared(factory, FALSE);
  gst_rtsp_media_factory_set_enable_rtcp(factory, TRUE);
  g_signal_connect(factory, "media-configure", G_CALLBACK(Inside::configure), inside_.get());
  if (!options.user.empty()) {
    GstRTSPAuth* auth = gst_rtsp_auth_new();
    GstRTSPToken* token = gst_rtsp_token_new(GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, "viewer", nullptr);
    if (options.digest) {
      gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
      gst_rtsp_auth_add_digest(auth, options.user.c_str(), options.password.c_str(), token);
    } else {
      gchar* basic = gst_rtsp_auth_make_basic(options.user.c_str(), options.password.c_str());
      gst_rtsp_auth_add_basic(auth, basic, token);
      g_free(basic);
    }
    gst_rtsp_token_unref(token);
    gst_rtsp_server_set_auth(inside_->server, auth);
    g_object_unref(auth);
    gst_rtsp_media_factory_add_role(factory, "viewer", GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
                                    GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, nullptr);
  }
  gst_rtsp_mount_points_add_factory(mounts, "/cam", factory);
  g_object_unref(mounts);
  if (gst_rtsp_server_attach(inside_->server, inside_->context) == 0) throw std::runtime_error("the test's RTSP server does not start");
  inside_->port = gst_rtsp_server_get_bound_port(inside_->server);
  inside_->loop = g_main_loop_new(inside_->context, FALSE);
  inside_->thread = std::thread([inside = inside_.get()] {
    g_main_context_push_thread_default(inside->context);
    g_main_loop_run(inside->loop);
    g_main_context_pop_thread_default(inside->context);
  });
}

TestRtspServer::~TestRtspServer() {
  // Clients are closed on the loop's own thread, then the loop ends.
  GSource* closing = g_idle_source_new();
  g_source_set_callback(
      closing,
      [](gpointer data) -> gboolean {
        auto* inside = static_cast<Inside*>(data);
        gst_rtsp_server_client_filter(
            inside->server, [](GstRTSPServer*, GstRTSPClient*, gpointer) { return GST_RTSP_FILTER_REMOVE; }, nullptr);
        g_main_loop_quit(inside->loop);
        return G_SOURCE_REMOVE;
      },
      inside_.get(), nullptr);
  g_source_attach(closing, inside_->context);
  g_source_unref(closing);
  inside_->thread.join();
  GstRTSPSessionPool* sessions = gst_rtsp_server_get_session_pool(inside_->server);
  gst_rtsp_session_pool_filter(
      sessions, [](GstRTSPSessionPool*, GstRTSPSession*, gpointer) { return GST_RTSP_FILTER_REMOVE; }, nullptr);
  g_object_unref(sessions);
  for (GstElement* element : inside_->media) gst_object_unref(element);
  g_object_unref(inside_->server);
  g_main_loop_unref(inside_->loop);
  g_main_context_unref(inside_->context);
}

std::string TestRtspServer::url(std::string_view path) const { return fmt::format("rtsp://127.0.0.1:{}{}", inside_->port, path); }

void TestRtspServer::stall(bool on) { inside_->stalled = on; }

void TestRtspServer::end_streams() {
  std::scoped_lock lock(inside_->mutex);
  for (GstElement* element : inside_->media) gst_element_send_event(element, gst_event_new_eos());
}

ScriptedServer::ScriptedServer(Answer answer) : answer_(std::move(answer)), listener_(bind_loopback()) {
  port_ = port_of(listener_);
  if (::listen(listener_, 8) != 0) throw std::runtime_error("cannot listen");
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  closing_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  {
    std::scoped_lock lock(mutex_);
    if (talking_ >= 0) ::shutdown(talking_, SHUT_RDWR);
  }
  thread_.join();
  ::close(listener_);
}

std::string ScriptedServer::url() const { return fmt::format("rtsp://127.0.0.1:{}/cam", port_); }

void ScriptedServer::serve() {
  while (!closing_) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    {
      std::scoped_lock lock(mutex_);
      talking_ = fd;
    }
    if (!closing_) talk(fd);
    std::scoped_lock lock(mutex_);
    talking_ = -1;
    ::close(fd);
  }
}

void ScriptedServer::talk(int fd) {
  std::string heard;
  std::array<char, 4096> chunk{};
  while (true) {
    const auto got = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (got <= 0) return;
    heard.append(chunk.data(), static_cast<std::size_t>(got));
    for (auto end = heard.find("\r\n\r\n"); end != std::string::npos; end = heard.find("\r\n\r\n")) {
      ++requests_;
      const std::string answer = answer_(heard.substr(0, end + 4));
      heard.erase(0, end + 4);
      if (answer.empty()) return;
      if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    }
  }
}

std::string rtsp_answer(const std::string& request, std::string_view status, std::string_view headers, std::string_view body) {
  const auto at = request.find("CSeq:");
  const auto end = request.find("\r\n", at);
  return fmt::format("RTSP/1.0 {}\r\n{}\r\n{}{}\r\n{}", status, request.substr(at, end - at), headers,
                     body.empty() ? "" : fmt::format("Content-Length: {}\r\n", body.size()), body);
}

int refused_port() {
  const int fd = bind_loopback();
  const int port = port_of(fd);
  ::close(fd);
  return port;
}

}  // namespace kanhu::test
