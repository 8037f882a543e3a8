// SPDX-License-Identifier: MIT
#include "pipelines/ingest/probe.hpp"

#include <fstream>
#include <sstream>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/support/rtsp/pouring_camera.hpp"
#include "tests/unit/pipelines/ingest/ingest_bench.hpp"

using namespace kanhu;
using namespace kanhu::test;

namespace {

std::vector<std::string> names_of(const ingest::ProbeReport& report) {
  std::vector<std::string> names;
  for (const auto& step : report.steps) names.push_back(step.name);
  return names;
}

StreamConfig stream_at(const std::string& url) {
  StreamConfig stream;
  stream.url = url;
  return stream;
}

// The NAL units of so many pictures.
std::vector<std::string> units_of(int frames) {
  const ScratchFolder folder;
  make_recording(folder / "a.h264", frames);
  std::ostringstream text;
  text << std::ifstream(folder / "a.h264", std::ios::binary).rdbuf();
  return nal_units(text.str());
}

}  // namespace

TEST_CASE("a probe measures a camera and saves its picture") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(2, 10), "viewer", "p@ss:w/ord", true});
  const auto report = ingest::probe(stream_at(server.url()), {"viewer", Secret("p@ss:w/ord")}, std::chrono::seconds(8));
  REQUIRE_FALSE(report.error);
  CHECK(report.breaks == 0);
  CHECK(names_of(report) == std::vector<std::string>{"resolve", "connect", "describe", "setup", "play", "key frame", "decode", "steady"});
  CHECK(std::all_of(report.steps.begin(), report.steps.end(), [](const auto& step) { return step.passed && !step.detail.empty(); }));
  CHECK(report.transport == Transport::kTcp);
  CHECK(report.format.codec == Codec::kH264);
  CHECK(report.format.width == 320);
  CHECK(report.measured_frames_per_second == Approx(25).margin(3));
  CHECK(report.gop_seconds == Approx(0.4).margin(0.1));
  CHECK(report.has_b_frames);
  CHECK(report.has_rtcp_time);
  CHECK(report.clock_offset < std::chrono::seconds(2));
  CHECK(report.clock_offset > -std::chrono::seconds(20));
  CHECK(report.kilobits_per_second > 1);
  REQUIRE(report.picture);
  CHECK(report.picture->image().width == report.format.width);
}

TEST_CASE("a probe names the step that fails") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "viewer", "right", false});
  const auto wrong = ingest::probe(stream_at(server.url()), {"viewer", Secret("canary-wrong")}, std::chrono::seconds(20));
  REQUIRE(wrong.error);
  CHECK(wrong.error->kind == ErrorKind::kUnauthorized);
  CHECK(names_of(wrong) == std::vector<std::string>{"resolve", "connect", "describe"});
  CHECK_FALSE(wrong.steps.back().passed);
  for (const auto& step : wrong.steps) CHECK(step.detail.find("canary") == std::string::npos);
  const auto refused = ingest::probe(stream_at(fmt::format("rtsp://127.0.0.1:{}/x", refused_port())), {}, std::chrono::seconds(20));
  REQUIRE(refused.error);
  CHECK(refused.error->kind == ErrorKind::kRefused);
  CHECK(names_of(refused) == std::vector<std::string>{"resolve", "connect"});
  const auto nameless = ingest::probe(stream_at("rtsp://no-such-camera.invalid/x"), {}, std::chrono::seconds(20));
  REQUIRE(nameless.error);
  CHECK(nameless.error->kind == ErrorKind::kNameResolution);
  CHECK(names_of(nameless) == std::vector<std::string>{"resolve"});
}

TEST_CASE("a probe goes over to UDP when TCP is refused") {
  prepare_gstreamer();
  std::atomic<bool> asked_udp{false};
  ScriptedServer server([&](const std::string& request) {
    if (request.starts_with("SETUP")) {
      if (request.find("client_port") != std::string::npos) asked_udp = true;
      return rtsp_answer(request, "461 Unsupported Transport");
    }
    if (request.starts_with("DESCRIBE"))
      return rtsp_answer(
          request, "200 OK", "Content-Type: application/sdp\r\n",
          "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n");
    return rtsp_answer(request, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY\r\n");
  });
  const auto report = ingest::probe(stream_at(server.url()), {}, std::chrono::seconds(20));
  REQUIRE(report.error);
  CHECK(report.error->kind == ErrorKind::kTransport);
  CHECK(asked_udp);
  CHECK(names_of(report).back() == "setup");
}

TEST_CASE("a probe watches the whole time, and a stream that breaks is not in order") {
  prepare_gstreamer();
  TestRtspServer server({h264_camera(), "", "", false});
  std::atomic<bool> over{false};
  std::thread breaker([&] {
    while (!over) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1500));
      server.end_streams();
    }
  });
  const auto report = ingest::probe(stream_at(server.url()), {}, std::chrono::seconds(9));
  over = true;
  breaker.join();
  REQUIRE(report.error);
  INFO(report.error->message);
  CHECK(report.error->kind == ErrorKind::kEndOfStream);
  CHECK(report.breaks >= 2);
  CHECK(report.error->message.find("broke") != std::string::npos);
  CHECK(names_of(report).back() == "steady");
  CHECK(report.format.width == 320);
}

TEST_CASE("a probe does not call a stream steady that falls silent, for good or for a while") {
  prepare_gstreamer();
  const bool for_good = GENERATE(true, false);
  CAPTURE(for_good);
  const auto units = units_of(250);
  const auto paused = std::make_shared<std::atomic<bool>>(false);
  const PouringCamera camera(
      {sdp_of("H264"), [=](int n) {
         if (n == 40 && !paused->exchange(true)) return PouringCamera::Pour{"", std::chrono::milliseconds(2500), false};
         if (*paused) --n;  // no unit is lost: after a loss nothing is a picture before the next key frame
         const auto at = static_cast<std::size_t>(n);
         if (at >= units.size() || (for_good && *paused)) return PouringCamera::Pour{"", std::chrono::milliseconds(100), false};
         const bool picture = (units[at][0] & 0x1f) >= 1 && (units[at][0] & 0x1f) <= 5;
         return PouringCamera::Pour{
             rtp_frame(static_cast<std::uint16_t>(n), static_cast<std::uint32_t>(n) * 3600 + (*paused ? 225'000u : 0u), picture, units[at]),
             std::chrono::milliseconds(40), false};
       }});
  // Long enough for pictures behind the pause on a machine that is busy, too.
  const auto report = ingest::probe(stream_at(camera.url()), {}, std::chrono::seconds(for_good ? 7 : 12));
  REQUIRE(report.error);
  INFO(report.error->message);
  CHECK(report.error->kind == ErrorKind::kStalled);
  CHECK(report.error->message.find(for_good ? "no picture for the last" : "paused ") != std::string::npos);
  CHECK(names_of(report).back() == "steady");
  CHECK(report.breaks == 0);
}
