// SPDX-License-Identifier: MIT
// Cameras that never come to an end, or only seem to be there.
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/support/rtsp/pouring_camera.hpp"
#include "tests/unit/pipelines/ingest/ingest_bench.hpp"

using namespace kanhu;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

using Pour = PouringCamera::Pour;
constexpr std::size_t kPiece = 60'000;

std::string zeros_after(std::initializer_list<int> head) {
  std::string payload;
  for (const int byte : head) payload += static_cast<char>(byte);
  return payload.append(kPiece, '\x55');
}

// Pours the same payload for ever, as fast as it is taken; the first with `begin` before it.
std::function<Pour(int)> endless(std::string begin, std::string middle, bool marker, int type = 96) {
  return [=](int n) {
    return Pour{
        rtp_frame(static_cast<std::uint16_t>(n), marker ? 3000u * static_cast<unsigned>(n) : 0, marker, n == 0 ? begin : middle, type), 0ms,
        false};
  };
}

Error end_at(const PouringCamera& camera, bool decode = true) {
  auto spec = camera_at(camera.url());
  spec.decode = decode;
  spec.health.stall_after = 3s;
  const auto memory = run_to_end(spec);
  REQUIRE(memory.ends.size() == 1);
  CHECK(memory.broken_promises == 0);
  return memory.ends[0];
}

// Real pictures, one NAL unit a packet: 320x240, 10 of them.
std::vector<std::string> pictures(const std::string& name = "a.h264", int frames = 10) {
  const ScratchFolder folder;
  make_recording(folder / name, frames);
  std::ostringstream text;
  text << std::ifstream(folder / name, std::ios::binary).rdbuf();
  std::vector<std::string> frames_of_units;
  std::uint16_t sequence = 0;
  std::uint32_t time = 0;
  for (const std::string& unit : nal_units(text.str())) {
    const int type = unit[0] & 0x1f;
    const bool picture = type >= 1 && type <= 5;
    frames_of_units.push_back(rtp_frame(sequence++, time, picture, unit));
    if (picture) time += 3600;
  }
  return frames_of_units;
}

}  // namespace

TEST_CASE("a picture without end ends the run as oversized, before it fills the memory") {
  prepare_gstreamer();
  std::string encoding = "H264";
  std::function<Pour(int)> next;
  SECTION("H.264 fragments without the end bit") { next = endless(zeros_after({0x7c, 0x85}), zeros_after({0x7c, 0x05}), false); }
  SECTION("H.264 fragments without the end bit, each marked as the last") {
    next = endless(zeros_after({0x7c, 0x85}), zeros_after({0x7c, 0x05}), true);
  }
  SECTION("an SEI in fragments without end") { next = endless(zeros_after({0x06 | 0x1c, 0x86}), zeros_after({0x1c, 0x06}), false); }
  SECTION("SEI after SEI without a picture") { next = endless(zeros_after({0x06}), zeros_after({0x06}), false); }
  SECTION("a flood of parameter sets") { next = endless(zeros_after({0x67}), zeros_after({0x68}), false); }
  SECTION("a parameter set in fragments") { next = endless(zeros_after({0x7c, 0x87}), zeros_after({0x7c, 0x07}), true); }
  SECTION("aggregates one after the other") {
    std::string unit = zeros_after({0x41});
    const std::string all = std::string{'\x78', static_cast<char>(unit.size() >> 8), static_cast<char>(unit.size() & 0xff)} + unit;
    next = endless(all, all, false);
  }
  SECTION("H.265 fragments without the end bit") {
    encoding = "H265";
    next = endless(zeros_after({0x62, 0x01, 0x93}), zeros_after({0x62, 0x01, 0x13}), false);
  }
  SECTION("a JPEG without its last packet") {
    encoding = "JPEG";
    next = endless(zeros_after({0, 0, 0, 0, 1, 50, 40, 30}), zeros_after({0, 0, 0xf0, 0, 1, 50, 40, 30}), false, 26);
  }
  const PouringCamera camera({sdp_of(encoding), next});
  const Error why = end_at(camera);
  INFO(why.message);
  CHECK(why.kind == ErrorKind::kOversized);
  CHECK_FALSE(why.message.empty());
}

TEST_CASE("an RTSP message without end ends the run as oversized") {
  prepare_gstreamer();
  std::string sdp = sdp_of("H264");
  std::function<std::string(const std::string&)> answer = [](const std::string&) { return std::string(); };
  std::function<Pour(int)> next = [](int) { return Pour{"", 100ms, false}; };
  const auto at = [](std::string method, std::string text) {
    return [=](const std::string& request) { return request.starts_with(method) ? text : std::string(); };
  };
  const std::string lines = [] {
    std::string text = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n";
    for (int i = 0; i < 20'000; ++i) text += fmt::format("X-{}: y\r\n", i);
    return text;
  }();
  SECTION("a body of a gigabyte") { answer = at("DESCRIBE", "RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 999999999\r\n\r\n"); }
  SECTION("a length on a folded line") { answer = at("OPTIONS", "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length:\r\n 999999999\r\n\r\n"); }
  SECTION("header lines for ever") { answer = at("OPTIONS", lines); }
  SECTION("one header line for ever") { answer = at("SETUP", "RTSP/1.0 200 OK\r\nX: " + std::string(1u << 20, 'y')); }
  SECTION("an endless description") { sdp += std::string(1u << 20, 'a'); }
  SECTION("a message amid the stream") {
    next = [](int) { return Pour{"GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 888888888\r\n\r\n", 100ms, false}; };
  }
  const PouringCamera camera({sdp, next, answer});
  const Error why = end_at(camera);
  INFO(why.message);
  CHECK(why.kind == ErrorKind::kOversized);
}

TEST_CASE("a trickle that never completes a picture keeps no camera up") {
  prepare_gstreamer();
  const auto whole = pictures();
  std::string trickle;
  bool marker = false;
  SECTION("fragments") { trickle = std::string("\x7c\x05\x55", 3); }
  SECTION("parameter sets, each marked as a picture") {
    trickle = std::string("\x68\xce\x0f\x2c\x80", 5);
    marker = true;
  }
  SECTION("SEI, each marked as a picture") {
    trickle = std::string("\x06\x05\x01\x55\x80", 5);
    marker = true;
  }
  const PouringCamera camera(
      {sdp_of("H264"), [&](int n) {
         const auto at = static_cast<std::size_t>(n);
         if (at < whole.size()) return Pour{whole[at], 5ms, false};
         return Pour{rtp_frame(static_cast<std::uint16_t>(n), 90'000u + 3600u * static_cast<unsigned>(n), marker, trickle), 50ms, false};
       }});
  auto spec = camera_at(camera.url());
  spec.health.stall_after = 1s;
  const auto memory = run_to_end(spec);
  REQUIRE(memory.ends.size() == 1);
  CHECK(memory.ends[0].kind == ErrorKind::kStalled);
  CHECK(memory.ends[0].message.find("whole picture") != std::string::npos);
  CHECK(memory.packets.size() >= 8);
  CHECK(memory.packets.size() <= 10);
}

TEST_CASE("a session is kept alive by the request that the camera takes") {
  prepare_gstreamer();
  const auto whole = pictures("a.h264", 50);
  const auto pour = [&](int n) {
    // The same second again and again, so that it never ends.
    std::string frame = whole[static_cast<std::size_t>(n) % whole.size()];
    frame[6] = static_cast<char>(n >> 8 & 0xff);
    frame[7] = static_cast<char>(n & 0xff);
    return Pour{frame, 10ms, false};
  };
  const auto [methods, method, kind] = GENERATE(table<std::string, std::string, ingest::KeepAlive>({
      {"OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER", "GET_PARAMETER", ingest::KeepAlive::kGetParameter},
      {"OPTIONS, DESCRIBE, SETUP, PLAY", "OPTIONS", ingest::KeepAlive::kOptions},
  }));
  const bool refuses = GENERATE(false, true);
  CAPTURE(methods, refuses);
  std::atomic<int> after_play{0};
  std::atomic<bool> plays{false};
  const std::string asked = method;
  PouringCamera camera({sdp_of("H264"), pour,
                        [&](const std::string& request) {
                          if (request.starts_with("PLAY")) plays = true;
                          if (!plays || !request.starts_with(asked)) return std::string();
                          ++after_play;
                          return refuses ? rtsp_answer(request, "400 Bad Request") : std::string();
                        },
                        methods, "1;timeout=4"});
  RememberingSink sink;
  auto source = ingest::make_source(camera_at(camera.url()), system_clock());
  REQUIRE(source);
  (*source)->start(sink);
  const int wanted = refuses ? 1 : 2;
  REQUIRE(sink.wait([&](const auto& memory) { return (after_play >= wanted && memory.ticks.size() >= 5) || !memory.ends.empty(); }));
  const auto count = sink.memory().packets.size();
  REQUIRE(sink.wait([&](const auto& memory) { return memory.packets.size() > count + 20 || !memory.ends.empty(); }));
  INFO((sink.end() ? sink.end()->message : ""));
  CHECK(sink.memory().ends.empty());
  const auto packets = sink.memory().packets;
  for (std::size_t i = 1; i < packets.size(); ++i) CHECK_FALSE(packets[i]->discontinuity);
  CHECK((*source)->stats().packets_lost == 0);
  CHECK((*source)->stats().keep_alive == (refuses ? ingest::KeepAlive::kRefused : kind));
  if (refuses) CHECK(after_play == 1);
  source->reset();
}

TEST_CASE("a camera that hangs up on the request that keeps alive, or answers what is no RTSP, is asked once, and then never again") {
  prepare_gstreamer();
  const std::string said = GENERATE("\r\n", "RTSP/1.0 200 OK\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n");
  const bool hangs_up = said == "\r\n";
  CAPTURE(said);
  const auto whole = pictures("a.h264", 50);
  std::atomic<int> asked{0};
  std::atomic<int> viewers{0};
  PouringCamera camera({sdp_of("H264"),
                        [&](int n) {
                          const bool over = hangs_up && viewers == 1 && asked == 1;
                          if (n == 0) ++viewers;
                          std::string frame = whole[static_cast<std::size_t>(n) % whole.size()];
                          frame[6] = static_cast<char>(n >> 8 & 0xff);
                          frame[7] = static_cast<char>(n & 0xff);
                          return Pour{over ? "" : frame, 10ms, over};
                        },
                        [&](const std::string& request) {
                          if (!request.starts_with("GET_PARAMETER")) return std::string();
                          ++asked;
                          return said;
                        }});
  const Error why = run_to_end(camera_at(camera.url())).ends[0];
  INFO(why.message);
  CHECK(why.kind == (hangs_up ? ErrorKind::kEndOfStream : ErrorKind::kCorrupt));
  CHECK((why.message.find("while it played") != std::string::npos) == !hangs_up);
  CHECK(asked == 1);
  RememberingSink sink;
  auto source = ingest::make_source(camera_at(camera.url()), system_clock());
  REQUIRE(source);
  (*source)->start(sink);
  REQUIRE(sink.wait([&](const auto& memory) { return memory.ticks.size() >= 5 || !memory.ends.empty(); }));
  CHECK(sink.memory().ends.empty());
  CHECK(asked == 1);
  CHECK((*source)->stats().keep_alive == ingest::KeepAlive::kRefused);
  source->reset();
}

TEST_CASE("what a camera offers and is not taken is named") {
  prepare_gstreamer();
  const auto [sdp, words] = GENERATE(table<std::string, std::string>({
      {sdp_of("VP8"), "VP8"},
      {sdp_of("MP4V-ES"), "MP4V-ES"},
      {sdp_of("JPEG2000"), "JPEG2000"},
      {"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n",
       "audio PCMU"},
      {sdp_of("H264", "", "RTP/SAVP"), "SRTP"},
  }));
  CAPTURE(sdp);
  const PouringCamera camera({sdp, [](int) { return Pour{"", 100ms, false}; }});
  const Error why = end_at(camera);
  INFO(why.message);
  CHECK(why.kind == ErrorKind::kUnsupported);
  CHECK(why.message.find(words) != std::string::npos);
}

namespace {

// An answer of a session to one method, with a header of its own; the usual to every other.
std::function<std::string(const std::string&)> answers(std::string method, std::string header, std::string status = "200 OK") {
  return [=](const std::string& request) -> std::string {
    if (!request.starts_with(method)) return "";
    const auto at = request.find("CSeq: ");
    const std::string number = request.substr(at + 6, request.find("\r\n", at) - at - 6);
    return fmt::format("RTSP/1.0 {}\r\nCSeq: {}\r\nSession: 1\r\n{}\r\n\r\n", status, number, header);
  };
}

std::size_t count_of(const PouringCamera& camera, std::string_view method) {
  const auto requests = camera.requests();
  return static_cast<std::size_t>(
      std::count_if(requests.begin(), requests.end(), [&](const std::string& one) { return one.starts_with(method); }));
}

}  // namespace

TEST_CASE("a transport that nobody asked for ends the run at its first answer") {
  prepare_gstreamer();
  const std::string transport =
      GENERATE("RTP/AVP/TCP;unicast;interleaved=256-257", "RTP/AVP/TCP;unicast;interleaved=0-256", "RTP/AVP/TCP;unicast;interleaved=-5--4",
               "RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001", "RAW/RAW/UDP;unicast", ";;;", "x");
  CAPTURE(transport);
  const PouringCamera camera({sdp_of("H264"), [](int) { return Pour{"", 100ms, false}; }, answers("SETUP", "Transport: " + transport)});
  const Error why = end_at(camera);
  INFO(why.message);
  CHECK(why.kind == ErrorKind::kTransport);
  CHECK(count_of(camera, "SETUP") <= 2);
}

TEST_CASE("a login that cannot be read ends the run, and not the process") {
  prepare_gstreamer();
  const std::string challenge = GENERATE("Digest realm=\"a", "Basic realm=\"", "Digest realm=\"a\\");
  CAPTURE(challenge);
  const PouringCamera camera({sdp_of("H264"),
                              [](int) {
                                return Pour{"", 100ms, false};
                              },
                              answers("DESCRIBE", "WWW-Authenticate: " + challenge, "401 Unauthorized")});
  auto spec = camera_at(camera.url());
  spec.credential = {"viewer", Secret("password")};
  const auto memory = run_to_end(spec);
  REQUIRE(memory.ends.size() == 1);
  CHECK(count_of(camera, "DESCRIBE") <= 2);
}

TEST_CASE("what a camera says of speed and range shifts no live picture") {
  prepare_gstreamer();
  const std::string header = GENERATE("Scale: -1.0", "Speed: -2", "Range: npt=0-5", "Range: clock=19970101T000000Z-", "Scale: nan");
  CAPTURE(header);
  const auto frames = pictures("a.h264", 40);
  const PouringCamera camera({sdp_of("H264"),
                              [&frames](int n) {
                                const auto at = static_cast<std::size_t>(n);
                                if (at < frames.size()) return Pour{frames[at], 20ms, false};
                                return Pour{"", 100ms, at > frames.size() + 10};
                              },
                              answers("PLAY", header)});
  const auto memory = run_to_end(camera_at(camera.url()));
  REQUIRE(memory.ends.size() == 1);
  INFO(memory.ends[0].message);
  CHECK(memory.ends[0].kind == ErrorKind::kEndOfStream);
  CHECK(memory.packets.size() >= 5);
}

TEST_CASE("a refusal is said of the request that was refused") {
  prepare_gstreamer();
  const PouringCamera camera({sdp_of("H264"),
                              [](int) {
                                return Pour{"", 100ms, false};
                              },
                              answers("OPTIONS", "Server: x", "500 Internal Server Error")});
  CHECK(end_at(camera).message.find("OPTIONS") != std::string::npos);
  const PouringCamera closed({sdp_of("H264"),
                              [](int) {
                                return Pour{"", 100ms, false};
                              },
                              answers("DESCRIBE", "Server: x", "403 Forbidden")});
  CHECK(end_at(closed).kind == ErrorKind::kNoCredential);
}

TEST_CASE("RTP of a payload type that was not described is named") {
  prepare_gstreamer();
  const PouringCamera camera(
      {sdp_of("H264"), [](int n) {
         return Pour{rtp_frame(static_cast<std::uint16_t>(n), static_cast<std::uint32_t>(n) * 3600, true, "xxxx", 97), 100ms, false};
       }});
  const Error why = end_at(camera);
  INFO(why.message);
  CHECK(why.message.find("payload type") != std::string::npos);
}

TEST_CASE("a large MJPEG picture without its size is told what it lacks") {
  prepare_gstreamer();
  std::string payload = zeros_after({0, 0, 0, 0, 1, 50, 0, 0});
  payload.resize(1000);
  const PouringCamera camera(
      {sdp_of("JPEG"), [&](int n) {
         return Pour{rtp_frame(static_cast<std::uint16_t>(n), 9000u * static_cast<unsigned>(n), true, payload, 26), 100ms, false};
       }});
  const Error why = end_at(camera);
  INFO(why.message);
  CHECK(why.kind == ErrorKind::kUnsupported);
  CHECK(why.message.find("2040") != std::string::npos);
}
