// SPDX-License-Identifier: MIT
// Cameras that send us, or try to send our password, somewhere else.
#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/guarded.hpp"
#include "tests/unit/pipelines/ingest/ingest_bench.hpp"

using namespace kanhu;
using namespace kanhu::test;

namespace {

constexpr const char* kPassword = "canary-password";
constexpr const char* kBasicCanary = "dmlld2VyOmNhbmFyeS1wYXNzd29yZA==";  // viewer:canary-password
constexpr const char* kMethods = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n";

std::string sdp_with(const std::string& control) {
  return fmt::format(
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:{}\r\n", control);
}

// B: writes down everything it is sent and asks for a password.
class Listener {
 public:
  explicit Listener(std::string challenge = "Basic realm=\"b\"")
      : server_([this, challenge](const std::string& request) {
          heard_.with([&](std::string& all) { all += request; });
          if (request.starts_with("OPTIONS")) return rtsp_answer(request, "200 OK", kMethods);
          if (request.find("Authorization:") != std::string::npos) return rtsp_answer(request, "404 Not Found");
          return rtsp_answer(request, "401 Unauthorized", fmt::format("WWW-Authenticate: {}\r\n", challenge));
        }) {}
  std::string heard() const {
    return heard_.with([](const std::string& all) { return all; });
  }
  std::string url() const { return server_.url(); }
  std::string place() const { return server_.url().substr(7, server_.url().rfind('/') - 7); }

 private:
  Guarded<std::string> heard_;
  ScriptedServer server_;
};

// A: wants the password of everybody, then answers by `says`, an empty text meaning the usual.
ScriptedServer::Answer camera_that(std::function<std::string(const std::string&)> says, const std::string& control = "track1") {
  return [says = std::move(says), control](const std::string& request) {
    if (request.starts_with("OPTIONS")) return rtsp_answer(request, "200 OK", kMethods);
    if (request.find("Authorization:") == std::string::npos)
      return rtsp_answer(request, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"a\"\r\n");
    if (auto answer = says(request); !answer.empty()) return answer;
    if (request.starts_with("DESCRIBE")) return rtsp_answer(request, "200 OK", "Content-Type: application/sdp\r\n", sdp_with(control));
    if (request.starts_with("SETUP"))
      return rtsp_answer(request, "200 OK", "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    return rtsp_answer(request, "200 OK", "Session: 1\r\n");
  };
}

ingest::SourceSpec spec_of(const std::string& url) {
  auto spec = camera_at(url);
  spec.credential = {"viewer", Secret(kPassword)};
  spec.health.stall_after = std::chrono::seconds(1);
  return spec;
}

Error end_of_run(const ingest::SourceSpec& spec) {
  const auto memory = run_to_end(spec);
  CHECK(memory.broken_promises == 0);
  REQUIRE(memory.ends.size() == 1);
  CHECK(memory.ends[0].message.find(kPassword) == std::string::npos);
  return memory.ends[0];
}

std::string moved(const std::string& request, const std::string& to, const std::string& status = "302 Moved Temporarily") {
  return rtsp_answer(request, status, fmt::format("Location: {}\r\n", to));
}

}  // namespace

TEST_CASE("a redirect is followed to another host without the password, whatever is asked for there") {
  prepare_gstreamer();
  const std::string challenge = GENERATE("Basic realm=\"b\"", "Digest realm=\"a\", nonce=\"0123456789abcdef\"");
  const std::string status = GENERATE("301 Moved Permanently", "302 Moved Temporarily", "303 See Other", "307 Temporary Redirect");
  const std::string method = GENERATE("DESCRIBE", "SETUP", "PLAY");
  CAPTURE(challenge, status, method);
  Listener b(challenge);
  const std::string target = "rtsp://viewer:guess@" + b.place() + "/live";
  ScriptedServer a(
      camera_that([&](const std::string& request) { return request.starts_with(method) ? moved(request, target, status) : ""; }));
  const Error why = end_of_run(spec_of(a.url()));
  INFO(why.message);
  CHECK(why.kind == ErrorKind::kRedirected);
  CHECK(why.message.find("redirect_to") != std::string::npos);
  CHECK(b.heard().find("DESCRIBE "
                       "rtsp://" +
                       b.place() + "/live ") != std::string::npos);
  CHECK(b.heard().find("Authorization") == std::string::npos);
}

TEST_CASE("a redirect target that the configuration names is told the password") {
  prepare_gstreamer();
  Listener b;
  ScriptedServer a(camera_that([&](const std::string& request) { return moved(request, b.url()); }));
  auto spec = spec_of(a.url());
  spec.stream.redirect_to = {b.place()};
  const Error why = end_of_run(spec);
  CHECK(why.kind == ErrorKind::kNotFound);
  CHECK(b.heard().find(kBasicCanary) != std::string::npos);
  // It is not the configured address that is wrong.
  CHECK(why.message.starts_with("the camera redirects to \"" + b.place() + "\": the camera has no stream"));
}

TEST_CASE("what is met at the end of a redirect is said of that place") {
  prepare_gstreamer();
  const std::string place = fmt::format("127.0.0.1:{}", refused_port());
  const bool secure = GENERATE(false, true);
  ScriptedServer a(
      camera_that([&](const std::string& request) { return moved(request, (secure ? "rtsps://" : "rtsp://") + place + "/x"); }));
  const Error why = end_of_run(spec_of(a.url()));
  INFO(why.message);
  CHECK(why.message.starts_with("the camera redirects to \"" + place + "\"" + (secure ? " (RTSP over TLS): " : ": ")));
}

TEST_CASE("a redirect brings a stream that asks for no password") {
  prepare_gstreamer();
  TestRtspServer b({h264_camera(), "", "", false});
  ScriptedServer a(camera_that([&](const std::string& request) { return moved(request, b.url()); }));
  RememberingSink sink;
  auto source = ingest::make_source(spec_of(a.url()), system_clock());
  REQUIRE(source);
  (*source)->start(sink);
  REQUIRE(sink.wait([](const auto& memory) { return memory.packets.size() > 3 || !memory.ends.empty(); }));
  CHECK(sink.memory().packets.size() > 3);
  source->reset();
}

TEST_CASE("redirects in a circle, without end or to what is no RTSP are named and end soon") {
  prepare_gstreamer();
  std::string words;
  std::function<std::string(int)> next;
  SECTION("to itself") {
    next = [](int) { return "/cam"; };
    words = "circle";
  }
  SECTION("ever on") {
    next = [](int times) { return fmt::format("/cam{}", times); };
    words = "more than 3 times";
  }
  SECTION("to the web") {
    next = [](int) { return "http://127.0.0.1/cam"; };
    words = "no rtsp:// address";
  }
  SECTION("to a file") {
    next = [](int) { return "file:///etc/passwd"; };
    words = "no rtsp:// address";
  }
  SECTION("nowhere") {
    next = [](int) { return ""; };
    words = "no rtsp:// address";
  }
  int times = 0;
  ScriptedServer a(camera_that([&](const std::string& request) { return moved(request, next(times++)); }));
  const Error why = end_of_run(spec_of(a.url()));
  CHECK(why.kind == ErrorKind::kRedirected);
  CHECK(why.message.find(words) != std::string::npos);
  CHECK(a.requests() <= 12);
}

TEST_CASE("nothing else in a camera's answers takes the password, or anything, to another host") {
  prepare_gstreamer();
  Listener b;
  std::string control = "track1";
  std::function<std::string(const std::string&)> says = [](const std::string&) { return ""; };
  SECTION("an absolute control") { control = b.url() + "/track1"; }
  SECTION("a Content-Base") {
    says = [&](const std::string& request) {
      return !request.starts_with("DESCRIBE")
                 ? ""
                 : rtsp_answer(request, "200 OK", fmt::format("Content-Type: application/sdp\r\nContent-Base: {}/\r\n", b.url()),
                               sdp_with("track1"));
    };
  }
  SECTION("a Content-Location") {
    says = [&](const std::string& request) {
      return !request.starts_with("DESCRIBE")
                 ? ""
                 : rtsp_answer(request, "200 OK", fmt::format("Content-Type: application/sdp\r\nContent-Location: {}/\r\n", b.url()),
                               sdp_with("track1"));
    };
  }
  SECTION("a REDIRECT request after PLAY") {
    says = [&](const std::string& request) {
      return !request.starts_with("PLAY") ? ""
                                          : rtsp_answer(request, "200 OK", "Session: 1\r\n") +
                                                fmt::format("REDIRECT {} RTSP/1.0\r\nCSeq: 1\r\nLocation: {}\r\n\r\n", b.url(), b.url());
    };
  }
  ScriptedServer a(camera_that(says, control));
  end_of_run(spec_of(a.url()));
  CHECK(b.heard().find("Authorization") == std::string::npos);
}

TEST_CASE("media and reports go to the camera itself, whatever its Transport says") {
  prepare_gstreamer();
  const int other = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7f000002);  // 127.0.0.2, not where the camera is
  socklen_t size = sizeof(address);
  REQUIRE(::bind(other, reinterpret_cast<sockaddr*>(&address), size) == 0);
  ::getsockname(other, reinterpret_cast<sockaddr*>(&address), &size);
  const int port = ntohs(address.sin_port);
  ScriptedServer a(camera_that([&](const std::string& request) {
    if (!request.starts_with("SETUP")) return std::string();
    const auto at = request.find("client_port=");
    const auto client = request.substr(at, request.find_first_of(";\r", at) - at);
    return rtsp_answer(
        request, "200 OK",
        fmt::format("Session: 1\r\nTransport: RTP/AVP;unicast;source=127.0.0.2;destination=127.0.0.2;{};server_port={}-{}\r\n", client,
                    port, port));
  }));
  auto spec = spec_of(a.url());
  spec.stream.transport = Transport::kUdp;
  end_of_run(spec);
  char byte = 0;
  CHECK(::recv(other, &byte, 1, MSG_DONTWAIT) < 0);
  ::close(other);
}
