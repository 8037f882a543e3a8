// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "pipelines/ingest/background.hpp"
#include "tests/unit/pipelines/ingest/ingest_bench.hpp"

using namespace kanhu;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

// A source that is running, and stops before its sink goes.
struct Running {
  explicit Running(const ingest::SourceSpec& spec) {
    auto made = ingest::make_source(spec, system_clock());
    REQUIRE(made);
    source = std::move(*made);
    source->start(sink);
  }
  RememberingSink sink;
  std::unique_ptr<ingest::FrameSource> source;
};

bool has_frames(const RememberingSink::Memory& memory) { return memory.frame_pts.size() >= 15 || !memory.ends.empty(); }

Error end_of(const ingest::SourceSpec& spec) {
  const auto memory = run_to_end(spec);
  CHECK(memory.broken_promises == 0);
  REQUIRE(memory.ends.size() == 1);
  return memory.ends[0];
}

constexpr std::string_view kH264Sdp =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n";

// A camera that refuses at `method` with `status`.
std::string refuse_at(const std::string& request, std::string_view method, std::string_view status, std::string_view sdp = kH264Sdp) {
  if (request.starts_with(method)) return rtsp_answer(request, status);
  if (request.starts_with("OPTIONS")) return rtsp_answer(request, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n");
  if (request.starts_with("DESCRIBE")) return rtsp_answer(request, "200 OK", "Content-Type: application/sdp\r\n", sdp);
  if (request.starts_with("SETUP"))
    return rtsp_answer(request, "200 OK", "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
  return rtsp_answer(request, "200 OK", "Session: 1\r\n");
}

}  // namespace

TEST_CASE("a camera gives packets, frames and ticks over TCP and UDP in every codec") {
  prepare_gstreamer();
  const auto [launch, codec] = GENERATE(table<std::string, Codec>(
      {{h264_camera(), Codec::kH264}, {h265_camera(), Codec::kH265}, {mjpeg_camera(), Codec::kMjpeg}, {h264_camera(2), Codec::kH264}}));
  const auto transport = GENERATE(Transport::kTcp, Transport::kUdp);
  CAPTURE(launch, static_cast<int>(transport));
  TestRtspServer server({launch, "", "", false});
  auto spec = camera_at(server.url());
  spec.decode = true;
  spec.stream.transport = transport;
  Running camera(spec);
  REQUIRE(camera.sink.wait([](const auto& memory) { return (has_frames(memory) && memory.ticks.size() >= 2) || !memory.ends.empty(); }));
  camera.source->stop();
  REQUIRE(camera.sink.wait_for_end());
  const auto memory = camera.sink.memory();
  INFO(memory.ends[0].message);
  CHECK(memory.ends[0].kind == ErrorKind::kClosed);
  CHECK(memory.broken_promises == 0);
  REQUIRE(memory.packets.size() >= 10);
  CHECK(memory.packets[0]->pts == MediaTime{});
  CHECK(memory.packets[0]->format->codec == codec);
  CHECK(memory.packets[0]->format->width == 320);
  CHECK_FALSE(memory.packets[0]->dts.has_value());
  CHECK(memory.packets[0]->captured.best() == ClockSource::kArrival);
  CHECK(memory.width == 320);
  CHECK(std::is_sorted(memory.frame_pts.begin(), memory.frame_pts.end()));
  const bool reordered =
      !std::is_sorted(memory.packets.begin(), memory.packets.end(), [](const auto& a, const auto& b) { return a->pts < b->pts; });
  std::string pts;
  for (const auto& packet : memory.packets) pts += fmt::format("{} ", packet->pts.time_since_epoch().count() / 1'000'000);
  INFO(pts);
  CHECK(reordered == (launch.find("bframes=2") != std::string::npos));
}

TEST_CASE("capture times come from sender reports once they have come") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "", "", false});
  auto spec = camera_at(server.url());
  spec.decode = true;
  Running camera(spec);
  REQUIRE(camera.sink.wait(
      [](const auto& memory) { return (!memory.frame_times.empty() && memory.frame_times.back().rtcp) || !memory.ends.empty(); }));
  const auto memory = camera.sink.memory();
  REQUIRE(memory.ends.empty());
  const CaptureTime& captured = memory.frame_times.back();
  CHECK(captured.best() == ClockSource::kRtcp);
  // Same machine, same clock: the picture was taken before it arrived, and not long before.
  CHECK(captured.arrival - *captured.rtcp > -1s);
  CHECK(captured.arrival - *captured.rtcp < 20s);
  CHECK(camera.source->stats().has_rtcp_time);
}

TEST_CASE("audio is never set up and a camera without video is unsupported") {
  prepare_gstreamer();
  TestRtspServer server(
      {"( audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc ! rtppcmapay name=pay0 pt=8 )", "", "", false});
  CHECK(end_of(camera_at(server.url())).kind == ErrorKind::kUnsupported);
}

TEST_CASE("passwords with any character are accepted by Basic and Digest") {
  prepare_gstreamer();
  const bool digest = GENERATE(false, true);
  const std::string password = GENERATE(std::string("p@ss:w/or d%41"), std::string("看护-ü&?#=+"), std::string("\"quoted\\ back\""));
  CAPTURE(digest, password);
  TestRtspServer server({h264_camera(), "viewer", password, digest});
  auto spec = camera_at(server.url());
  spec.credential.user = "viewer";
  spec.credential.password = Secret(password);
  Running camera(spec);
  REQUIRE(camera.sink.wait([](const auto& memory) { return !memory.packets.empty() || !memory.ends.empty(); }));
  INFO((camera.sink.end() ? camera.sink.end()->message : ""));
  CHECK(camera.sink.memory().packets.size() >= 1);
}

TEST_CASE("a wrong password is unauthorized, none at all no_credential, and neither is in the message") {
  prepare_gstreamer();
  const bool digest = GENERATE(false, true);
  TestRtspServer server({h264_camera(), "viewer", "right", digest});
  auto spec = camera_at(server.url());
  SECTION("none at all") {}
  SECTION("wrong") {
    spec.credential.user = "viewer";
    spec.credential.password = Secret("canary-wrong");
  }
  const Error why = end_of(spec);
  CHECK(why.kind == (spec.credential.empty() ? ErrorKind::kNoCredential : ErrorKind::kUnauthorized));
  CHECK(why.message.find("canary") == std::string::npos);
}

TEST_CASE("a wrong password is tried once, so that no account gets locked") {
  prepare_gstreamer();
  std::atomic<int> tries{0};
  ScriptedServer server([&](const std::string& request) {
    if (request.find("Authorization:") != std::string::npos) ++tries;
    return rtsp_answer(request, "401 Unauthorized", "WWW-Authenticate: Digest realm=\"camera\", nonce=\"0123456789abcdef\"\r\n");
  });
  auto spec = camera_at(server.url());
  spec.credential.user = "viewer";
  spec.credential.password = Secret("wrong");
  CHECK(end_of(spec).kind == ErrorKind::kUnauthorized);
  CHECK(tries == 1);
}

TEST_CASE("each refusal of a camera has its kind") {
  prepare_gstreamer();
  const auto [method, status, kind] = GENERATE(table<std::string, std::string, ErrorKind>({
      {"DESCRIBE", "404 Not Found", ErrorKind::kNotFound},
      {"DESCRIBE", "403 Forbidden", ErrorKind::kNoCredential},
      {"SETUP", "453 Not Enough Bandwidth", ErrorKind::kNoBandwidth},
      {"PLAY", "453 Not Enough Bandwidth", ErrorKind::kNoBandwidth},
      {"SETUP", "461 Unsupported Transport", ErrorKind::kTransport},
      {"DESCRIBE", "500 Internal Server Error", ErrorKind::kIo},
  }));
  CAPTURE(method, status);
  const std::string at = method;
  const std::string with = status;
  ScriptedServer server([&](const std::string& request) { return refuse_at(request, at, with); });
  CHECK(end_of(camera_at(server.url())).kind == kind);
}

TEST_CASE("a status that says what is wrong is told, and no network blamed") {
  prepare_gstreamer();
  const auto [method, status, words] = GENERATE(table<std::string, std::string, std::string>({
      {"DESCRIBE", "405 Method Not Allowed", "does not know DESCRIBE (status 405)"},
      {"DESCRIBE", "406 Not Acceptable", "by SDP (status 406)"},
      {"DESCRIBE", "454 Session Not Found", "answered DESCRIBE with status 454"},
      {"SETUP", "405 Method Not Allowed", "does not know SETUP (status 405)"},
      {"SETUP", "454 Session Not Found", "forgot the session"},
      {"PLAY", "501 Not Implemented", "does not know PLAY (status 501)"},
  }));
  CAPTURE(method, status);
  const std::string at = method;
  const std::string with = status;
  ScriptedServer server([&](const std::string& request) { return refuse_at(request, at, with); });
  const Error why = end_of(camera_at(server.url()));
  INFO(why.message);
  CHECK(why.message.find(words) != std::string::npos);
}

TEST_CASE("a description that is no SDP is named") {
  prepare_gstreamer();
  ScriptedServer server([&](const std::string& request) {
    if (!request.starts_with("DESCRIBE")) return refuse_at(request, "NOTHING", "");
    return rtsp_answer(request, "200 OK", "Content-Type: text/html; charset=utf-8\r\n", "<html>");
  });
  const Error why = end_of(camera_at(server.url()));
  INFO(why.message);
  CHECK(why.kind == ErrorKind::kUnsupported);
  CHECK(why.message.find("text/html") != std::string::npos);
}

TEST_CASE("a codec that is not taken is unsupported") {
  prepare_gstreamer();
  ScriptedServer server([](const std::string& request) {
    return refuse_at(
        request, "NOTHING", "",
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:track1\r\n");
  });
  CHECK(end_of(camera_at(server.url())).kind == ErrorKind::kUnsupported);
}

TEST_CASE("a path that is not there, a port nobody listens at and a name without address are told apart") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "", "", false});
  CHECK(end_of(camera_at(server.url("/elsewhere"))).kind == ErrorKind::kNotFound);
  CHECK(end_of(camera_at(fmt::format("rtsp://127.0.0.1:{}/cam", refused_port()))).kind == ErrorKind::kRefused);
  CHECK(end_of(camera_at("rtsp://no-such-camera.invalid/cam")).kind == ErrorKind::kNameResolution);
}

TEST_CASE("a server that speaks no RTSP is told apart from one that hangs up or never answers") {
  prepare_gstreamer();
  SECTION("garbage") {
    ScriptedServer server([](const std::string&) { return std::string("Milk, bread, eggs.\r\n\r\nAnd a newspaper.\r\n\r\n"); });
    const Error why = end_of(camera_at(server.url()));
    INFO(why.message);
    CHECK(why.kind == ErrorKind::kCorrupt);
  }
  SECTION("hangs up") {
    ScriptedServer server([](const std::string&) { return std::string(); });
    const Error why = end_of(camera_at(server.url()));
    INFO(why.message);
    CHECK(why.kind == ErrorKind::kEndOfStream);
  }
  SECTION("never answers") {
    ScriptedServer server([](const std::string&) { return std::string(" "); });
    const Error why = end_of(camera_at(server.url()));
    INFO(why.message);
    CHECK(why.kind == ErrorKind::kTimeout);
  }
}

TEST_CASE("automatic transport goes over to UDP when TCP is refused") {
  prepare_gstreamer();
  std::atomic<bool> asked_udp{false};
  ScriptedServer server([&](const std::string& request) {
    if (request.starts_with("SETUP") && request.find("client_port") != std::string::npos) asked_udp = true;
    return refuse_at(request, "SETUP", "461 Unsupported Transport");
  });
  auto spec = camera_at(server.url());
  spec.stream.transport = Transport::kAuto;
  CHECK(end_of(spec).kind == ErrorKind::kTransport);
  CHECK(asked_udp);
}

TEST_CASE("a stalled camera is found by packets, keeps ticking until then, and its stop returns at once") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "", "", false});
  auto spec = camera_at(server.url());
  spec.decode = true;
  spec.health.stall_after = 2s;
  Running camera(spec);
  REQUIRE(camera.sink.wait(has_frames));
  server.stall(true);
  REQUIRE(camera.sink.wait_for_end());
  const auto memory = camera.sink.memory();
  CHECK(memory.ends[0].kind == ErrorKind::kStalled);
  REQUIRE(memory.ticks.size() >= 2);
  for (std::size_t i = 1; i < memory.ticks.size(); ++i) CHECK(memory.ticks[i].media > memory.ticks[i - 1].media);
  CHECK(memory.ticks.back().wall.arrival > memory.packets.back()->captured.arrival + 1s);
}

TEST_CASE("stop during a stall returns at once and the end follows") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "", "", false});
  Running camera(camera_at(server.url()));
  REQUIRE(camera.sink.wait([](const auto& memory) { return memory.packets.size() > 3; }));
  server.stall(true);
  const auto began = std::chrono::steady_clock::now();
  camera.source->stop();
  CHECK(std::chrono::steady_clock::now() - began < 500ms);
  REQUIRE(camera.sink.wait_for_end());
  CHECK(std::chrono::steady_clock::now() - began < 3s);
  CHECK(camera.sink.end()->kind == ErrorKind::kClosed);
}

TEST_CASE("the end of a camera's stream is a fault with its own kind") {
  prepare_gstreamer();
  SECTION("the media ends") {
    TestRtspServer server({h264_camera(), "", "", false});
    Running camera(camera_at(server.url()));
    REQUIRE(camera.sink.wait([](const auto& memory) { return memory.packets.size() > 3; }));
    server.end_streams();
    REQUIRE(camera.sink.wait_for_end());
    CHECK(camera.sink.end()->kind == ErrorKind::kEndOfStream);
  }
  SECTION("the server goes") {
    auto server = std::make_unique<TestRtspServer>(TestRtspServer::Options{h264_camera(), "", "", false});
    Running camera(camera_at(server->url()));
    REQUIRE(camera.sink.wait([](const auto& memory) { return memory.packets.size() > 3; }));
    server.reset();
    REQUIRE(camera.sink.wait_for_end());
    CHECK(camera.sink.end()->kind == ErrorKind::kEndOfStream);
  }
}

TEST_CASE("a source ends exactly once, however soon it is stopped") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "", "", false});
  auto spec = camera_at(server.url());
  spec.decode = true;
  for (std::size_t round = 0; round < 20; ++round) {
    Running camera(spec);
    if (round % 4 != 0) REQUIRE(camera.sink.wait([&](const auto& memory) { return memory.packets.size() >= round % 4; }));
    camera.source->stop();
    REQUIRE(camera.sink.wait_for_end());
    camera.source.reset();
    CHECK(camera.sink.memory().ends.size() == 1);
    CHECK(camera.sink.memory().broken_promises == 0);
    CHECK(camera.sink.end()->kind == ErrorKind::kClosed);
  }
  CHECK(ingest::wait_for_background(20s));
}

TEST_CASE("the memory account is empty when the last packet has gone") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "", "", false});
  Running camera(camera_at(server.url()));
  REQUIRE(camera.sink.wait([](const auto& memory) { return memory.packets.size() > 10; }));
  camera.source->stop();
  REQUIRE(camera.sink.wait_for_end());
  std::size_t bytes = 0;
  for (const auto& packet : camera.sink.memory().packets) bytes += packet->bytes.size();
  CHECK(camera.source->stats().held_bytes == bytes);
}
