// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "pipelines/ingest/gate/access_unit_bound.hpp"
#include "pipelines/ingest/rtsp/rtp_guard.hpp"
#include "pipelines/ingest/rtsp/wire.hpp"

using namespace kanhu;
using namespace kanhu::ingest;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

bool refuses(RtspWire& wire, const std::string& text, std::size_t piece) {
  for (std::size_t at = 0; at < text.size(); at += piece)
    if (wire.read(bytes_of(text.substr(at, piece)))) return true;
  return false;
}

std::string rtp(std::uint32_t sender, bool marker = false, const std::string& payload = "xy") {
  std::string packet(12, '\0');
  packet[0] = '\x80';
  packet[1] = static_cast<char>(marker ? 0xe0 : 0x60);
  for (std::size_t i = 0; i < 4; ++i) packet[8 + i] = static_cast<char>(sender >> (24 - 8 * i) & 0xff);
  return packet + payload;
}

std::string sender_report(std::uint32_t sender) {
  std::string packet(28, '\0');
  packet[0] = '\x80';
  packet[1] = '\xc8';
  packet[3] = 6;
  for (std::size_t i = 0; i < 4; ++i) packet[4 + i] = static_cast<char>(sender >> (24 - 8 * i) & 0xff);
  return packet;
}

}  // namespace

TEST_CASE("ordinary answers and frames pass, in any pieces") {
  const std::size_t piece = GENERATE(1, 2, 3, 5, 17, 100'000);
  RtspWire wire;
  std::string text = "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\n$$$$$";
  text += std::string("$\0\xff\xff", 4) + std::string(65535, 'x');
  text += std::string("$\1\0\0", 4);
  text += "\r\nOPTIONS * RTSP/1.0\r\nContent-Length: 262144\r\n\r\n" + std::string(262144, '\n');
  text += "RTSP/1.0 200 OK\nCSeq: 2\n\n";
  for (int i = 0; i < 3; ++i) CHECK_FALSE(refuses(wire, text, piece));
}

TEST_CASE("what one message may take is bounded, however its length is written") {
  const std::string head = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n";
  const std::string text = GENERATE_COPY(
      head + "Content-Length: 262145\r\n\r\n", head + "content-length :\t999999999\r\n\r\n", head + "CONTENT-LENGTH:\r\n\t9999999\r\n\r\n",
      head + "Content-Length: -1\r\n\r\n", head + "Content-Length: 999999999\r\nContent-Length: 1\r\n\r\n",
      head + "Content-Length: 1\r\nContent-Length: 999999999\r\n\r\n", head + "Content-Length: 99999999999999999999999999\r\n\r\n",
      head + "Content-Length: " + std::string(100, ' ') + "999999999\r\n\r\n",
      head + "Content-Length: " + std::string(100, '0') + "999999999\r\n\r\n", head + "X: " + std::string(70'000, 'y'),
      head + std::string(70'000, '\r'), std::string(1, '$') + std::string("\0\0\1", 3) + "z" + std::string(70'000, 'q'));
  CAPTURE(text.substr(0, 80));
  RtspWire wire;
  CHECK(refuses(wire, text, 1000));
}

TEST_CASE("what is no RTSP from its first byte is left alone") {
  RtspWire wire;
  CHECK_FALSE(refuses(wire, "\x16\x03\x01" + std::string(1'000'000, 'x'), 4096));
}

TEST_CASE("a picture may take 8 MiB, and what comes between whole pictures is bounded") {
  const std::string packet = rtp(1, false, std::string(60'000, 'x'));
  const std::string marked = rtp(1, true, std::string(60'000, 'x'));
  const auto packets_until_refused = [](AccessUnitBound& bound, const std::string& one) {
    int taken = 0;
    while (!bound.took_rtp(Codec::kH264, bytes_of(one)) && taken < 10'000) ++taken;
    return taken;
  };
  AccessUnitBound bound;
  CHECK(packets_until_refused(bound, packet) == 139);
  bound.completed();
  CHECK(packets_until_refused(bound, marked) == 1118);
  bound.completed();
  CHECK_FALSE(bound.took_rtp(Codec::kH264, bytes_of(packet)));
  bound.completed();
  CHECK_FALSE(bound.took(16u << 20));
  CHECK(bound.took(1));
  bound.completed();
  CHECK_FALSE(bound.took(100, 100u << 20));  // read ahead once, and again
  CHECK_FALSE(bound.took(16u << 20, 100u << 20));
}

TEST_CASE("fragments of parameter sets are known, whatever stands before the payload") {
  const std::string fragment("\x7c\x87\x01", 3);
  CHECK(is_fragment_of_parameter_set(Codec::kH264, bytes_of(fragment)));
  CHECK_FALSE(is_fragment_of_parameter_set(Codec::kH264, bytes_of(std::string("\x7c\x85\x01", 3))));
  CHECK(is_fragment_of_parameter_set(Codec::kH265, bytes_of(std::string("\x62\x01\xa1", 3))));
  CHECK_FALSE(is_fragment_of_parameter_set(Codec::kMjpeg, bytes_of(fragment)));
  CHECK_FALSE(is_fragment_of_parameter_set(Codec::kH264, {}));
  std::string packet = rtp(1, false, "");
  packet[0] = '\x92';  // two contributing sources, an extension of one word
  packet += std::string(8, 'c') + std::string("\0\0\0\1eeee", 8) + fragment;
  CHECK(rtp_payload(bytes_of(packet)).size() == 3);
  CHECK(rtp_payload(bytes_of(packet.substr(0, 22))).empty());
}

TEST_CASE("a run has eight senders at most, in RTP and in compound reports") {
  KnownSenders known;
  for (std::uint32_t sender = 1; sender <= 6; ++sender) CHECK(known.takes_rtp(bytes_of(rtp(sender))));
  CHECK(known.takes_rtcp(bytes_of(sender_report(6) + sender_report(7) + sender_report(8))));
  CHECK_FALSE(known.takes_rtp(bytes_of(rtp(9))));
  CHECK_FALSE(known.takes_rtcp(bytes_of(sender_report(1) + sender_report(10))));
  CHECK(known.takes_rtp(bytes_of(rtp(3))));
  CHECK_FALSE(known.takes_rtp(bytes_of("short")));
}
