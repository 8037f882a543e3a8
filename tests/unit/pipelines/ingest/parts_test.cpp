// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "pipelines/ingest/background.hpp"
#include "pipelines/ingest/capture_clock.hpp"
#include "pipelines/ingest/gate/gate.hpp"
#include "pipelines/ingest/gst_init.hpp"
#include "pipelines/ingest/mailbox.hpp"
#include "pipelines/ingest/rtsp/errors.hpp"
#include "pipelines/ingest/stream_format.hpp"
#include "pipelines/ingest/stream_speed.hpp"
#include "pipelines/ingest/tick_source.hpp"
#include "pipelines/ingest/watchdog.hpp"

using namespace kanhu;
using namespace kanhu::ingest;
using namespace std::chrono_literals;

namespace {

Packet packet_of(bool is_key, bool discontinuity = false, std::shared_ptr<const StreamFormat> format = nullptr) {
  Packet packet;
  packet.is_key = is_key;
  packet.discontinuity = discontinuity;
  packet.format = std::move(format);
  return packet;
}

PacketPtr packet_with(std::uint64_t sequence) {
  auto packet = std::make_shared<Packet>();
  packet->sequence = sequence;
  return packet;
}

Frame frame_with(std::uint64_t sequence) { return Frame("cam", "run", sequence, {}, {}, {}, {}, nullptr); }

}  // namespace

TEST_CASE("the gate waits for a key frame at the start, after a loss and after a change of format") {
  Gate gate;
  CHECK_FALSE(gate.admit(packet_of(false), true));
  CHECK(gate.admit(packet_of(true), true));
  CHECK(gate.admit(packet_of(false), true));
  CHECK_FALSE(gate.admit(packet_of(false, true), true));
  CHECK_FALSE(gate.admit(packet_of(false), true));
  CHECK(gate.admit(packet_of(true), true));
  const auto format = std::make_shared<StreamFormat>();
  CHECK_FALSE(gate.admit(packet_of(false, false, format), true));
  CHECK(gate.admit(packet_of(true, true, format), true));
  CHECK(gate.admit(packet_of(false, false, format), true));
  CHECK(gate.held_back() == 4);
}

TEST_CASE("a packet shed for lack of room takes the rest of its GOP with it") {
  Gate gate;
  CHECK(gate.admit(packet_of(true), true));
  CHECK_FALSE(gate.admit(packet_of(false), false));
  CHECK_FALSE(gate.admit(packet_of(false), true));
  CHECK_FALSE(gate.admit(packet_of(true), false));
  CHECK_FALSE(gate.admit(packet_of(false), true));
  CHECK(gate.admit(packet_of(true), true));
  CHECK(gate.held_back() == 4);
}

TEST_CASE("a live mailbox refuses packets and forgets the oldest frame when it is full") {
  Mailbox mailbox(false);
  for (std::uint64_t i = 0; i < 512; ++i) REQUIRE(mailbox.post(packet_with(i)) == Mailbox::Posted::kTaken);
  CHECK(mailbox.post(packet_with(512)) == Mailbox::Posted::kRefused);
  for (std::uint64_t i = 0; i < 6; ++i) CHECK(mailbox.post(frame_with(i)) == Mailbox::Posted::kTaken);
  mailbox.end({ErrorKind::kStalled, "first"});
  mailbox.end({ErrorKind::kIo, "second"});
  CHECK(mailbox.post(packet_with(513)) == Mailbox::Posted::kClosed);
  CHECK_FALSE(mailbox.ended());
  std::vector<std::uint64_t> frames;
  std::size_t packets = 0;
  while (auto item = mailbox.next(0ns)) {
    if (const auto* frame = std::get_if<Frame>(&*item)) {
      frames.push_back(frame->sequence);
    } else {
      ++packets;
    }
  }
  CHECK(packets == 512);
  CHECK(frames == std::vector<std::uint64_t>{2, 3, 4, 5});
  REQUIRE(mailbox.ended());
  CHECK(mailbox.ended()->message == "first");
}

TEST_CASE("a lossless mailbox makes its writer wait, and abort frees it") {
  Mailbox mailbox(true);
  for (std::uint64_t i = 0; i < 4; ++i) REQUIRE(mailbox.post(frame_with(i)) == Mailbox::Posted::kTaken);
  std::atomic<int> taken{0};
  std::atomic<int> closed{0};
  std::thread writer([&] {
    for (std::uint64_t i = 4; i < 20; ++i) ++(mailbox.post(frame_with(i)) == Mailbox::Posted::kTaken ? taken : closed);
  });
  for (std::uint64_t i = 0; i < 8; ++i) {
    const auto item = mailbox.next(10s);
    REQUIRE(item);
    CHECK(std::get<Frame>(*item).sequence == i);
  }
  mailbox.abort({ErrorKind::kClosed, "stopped"});
  writer.join();
  CHECK(taken >= 4);
  CHECK(taken + closed == 16);
  CHECK(closed >= 4);
  CHECK_FALSE(mailbox.next(0ns));
  CHECK(mailbox.ended()->kind == ErrorKind::kClosed);
  CHECK_FALSE(mailbox.reopen());
}

TEST_CASE("frames are thinned by pts alone to the first of each slot") {
  FrameThinner thinner(5);
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += thinner.wants(MediaTime(std::chrono::nanoseconds(i * 40'000'000LL - 300)));
  CHECK(taken == 20);
  FrameThinner shed(5);
  CHECK(shed.wants(MediaTime(1s)));
  CHECK_FALSE(shed.wants(MediaTime(1180ms)));
  CHECK(shed.wants(MediaTime(7240ms)));
  CHECK_FALSE(shed.wants(MediaTime(7399ms - 1ms)));
  CHECK(shed.wants(MediaTime(2s)));
}

TEST_CASE("a live second hand goes on from the last packet in its time domain") {
  const MonoTime start(10s);
  LiveTickSource hand(start, wall_from_microseconds(1'000'000));
  CHECK_FALSE(hand.tick(start + 999ms));
  const auto first = hand.tick(start + 1s);
  REQUIRE(first);
  CHECK(first->media == MediaTime(1s));
  CHECK(first->wall.arrival == wall_from_microseconds(2'000'000));
  Packet packet;
  packet.arrival = start + 1500ms;
  packet.pts = MediaTime(300ms);
  packet.captured = {wall_from_microseconds(50'000'000), wall_from_microseconds(90'000'000), false};
  hand.saw(packet);
  const auto second = hand.tick(start + 2s);
  REQUIRE(second);
  CHECK(second->media == MediaTime(800ms));
  CHECK(second->wall.arrival == wall_from_microseconds(50'500'000));
  CHECK(second->wall.rtcp == wall_from_microseconds(90'500'000));
  CHECK(hand.tick(start + 6500ms));
  CHECK_FALSE(hand.tick(start + 7400ms));
  CHECK(hand.tick(start + 7500ms));
}

TEST_CASE("a replayed second hand stands before the first frame that is not earlier") {
  ReplayTickSource hand(wall_from_microseconds(0));
  CaptureTime at;
  at.from_file = true;
  at.arrival = wall_from_microseconds(900'000);
  CHECK(hand.until(MediaTime(900ms), at).empty());
  at.arrival = wall_from_microseconds(3'000'000);
  const auto ticks = hand.until(MediaTime(3s), at);
  REQUIRE(ticks.size() == 3);
  CHECK(ticks[0].media == MediaTime(1s));
  CHECK(ticks[0].wall.arrival == wall_from_microseconds(1'000'000));
  CHECK(ticks[2].media == MediaTime(3s));
  CHECK(hand.until(MediaTime(3s), at).empty());
}

TEST_CASE("silence means what the camera's progress says") {
  Signs signs;
  SourceStats stats;
  HealthConfig health;
  const MonoTime start(100s);
  const auto kind_at = [&](MonoTime now) -> std::optional<ErrorKind> {
    const auto why = check_silence(signs, stats, true, health, start, now);
    return why ? std::optional(why->kind) : std::nullopt;
  };
  CHECK_FALSE(kind_at(start + 9s));
  CHECK(kind_at(start + 10s) == ErrorKind::kUnreachable);
  signs.stage = Stage::kDescribe;
  CHECK(kind_at(start + 10s) == ErrorKind::kTimeout);

  const auto ns = [&](std::chrono::seconds after) { return (start + after).time_since_epoch().count(); };

  // Packets come, no whole picture yet: a long GOP that was joined in its middle, not a stall, until 60 s have gone.
  signs.first_packet = ns(1s);
  signs.last_heard = ns(55s);
  CHECK_FALSE(kind_at(start + 56s));
  CHECK(kind_at(start + 61s) == ErrorKind::kNoKeyFrame);
  CHECK(kind_at(start + 63s) == ErrorKind::kStalled);

  // Whole pictures, but no key frame.
  signs.last_unit = ns(55s);
  CHECK_FALSE(kind_at(start + 56s));
  CHECK(kind_at(start + 61s) == ErrorKind::kNoKeyFrame);

  // RTP goes on, whole pictures do not: nobody is kept up by that.
  stats.key_frames = 1;
  signs.last_picture = ns(55s);
  signs.last_heard = ns(70s);
  signs.last_unit = ns(61s);
  CHECK_FALSE(kind_at(start + 68s));
  CHECK(kind_at(start + 70s) == ErrorKind::kStalled);

  // Whole units that the decoder is not shown, as they lean on what was lost: no pictures for a minute.
  signs.last_unit = ns(120s);
  signs.last_heard = ns(120s);
  CHECK_FALSE(kind_at(start + 114s));
  CHECK(kind_at(start + 120s) == ErrorKind::kNoKeyFrame);
  CHECK_FALSE(check_silence(signs, stats, false, health, start, start + 120s));

  // Packets were shown to the decoder and no picture came.
  signs.last_picture = ns(61s);
  signs.last_heard = ns(70s);
  signs.last_unit = ns(70s);
  signs.first_unanswered = ns(62s);
  signs.unanswered = 16;
  CHECK_FALSE(kind_at(start + 71s));
  signs.unanswered = 25;
  CHECK_FALSE(kind_at(start + 69s));
  CHECK(kind_at(start + 70s) == ErrorKind::kStalled);
  signs.errors_unanswered = 3;
  CHECK(kind_at(start + 70s) == ErrorKind::kCorrupt);
  CHECK_FALSE(check_silence(signs, stats, false, health, start, start + 70s));
}

TEST_CASE("a frame rate that no camera has is neither believed nor a reason to refuse") {
  REQUIRE(init_gstreamer());
  const std::string rate = GENERATE("100/1", "500/1", "90000/1", "0/1", "1/100", "2147483647/1", "120000/1001");
  const auto declares = [&](const std::string& fraction) {
    const ingest::GstPtr<GstCaps> caps(
        gst_caps_from_string(("video/x-h265,width=(int)640,height=(int)360,framerate=(fraction)" + fraction).c_str()));
    return ingest::read_format(caps.get(), ingest::FrameRate::kDeclared);
  };
  const auto format = declares(rate);
  REQUIRE(format);
  CHECK((*format)->frames_per_second == 0);
  CHECK((*format)->caps.find("framerate") == std::string::npos);
  CHECK((*declares("30000/1001"))->frames_per_second == Approx(29.97));
  const ingest::GstPtr<GstCaps> caps(gst_caps_from_string("video/x-h265,width=(int)640,height=(int)360,framerate=(fraction)25/1"));
  const auto reckoned = ingest::read_format(caps.get(), ingest::FrameRate::kReckoned);
  REQUIRE(reckoned);
  CHECK((*reckoned)->frames_per_second == 0);
}

TEST_CASE("what comes is measured: a limit holds for pictures and pixels over ten seconds, and no burst exceeds it") {
  StreamFormat format;
  format.width = 640;
  format.height = 360;
  const auto comes = [&](std::chrono::microseconds every, int pictures, bool decoded) {
    StreamSpeed speed;
    std::optional<Error> why;
    for (int i = 0; i < pictures && !why; ++i) why = speed.too_fast(MonoTime(i * every), format, decoded);
    return why;
  };
  CHECK_FALSE(comes(16'667us, 2000, true));
  REQUIRE(comes(8ms, 2000, false));
  CHECK(comes(8ms, 2000, false)->kind == ErrorKind::kUnsupported);
  CHECK(comes(8ms, 2000, false)->message.find("125 pictures") != std::string::npos);
  CHECK_FALSE(comes(0us, 500, true));
  format.width = 4096;
  format.height = 2304;
  CHECK_FALSE(comes(20ms, 2000, false));
  CHECK(comes(20ms, 2000, true));
  CHECK(plausible_duration(40'000'000) == 40ms);
  CHECK(plausible_duration(11'111) == 0ns);
  CHECK(plausible_duration(std::uint64_t{1} << 60) == 0ns);
}

TEST_CASE("an address leads to host and port") {
  CHECK(rtsp_address("rtsp://cam.example/live?x=1").host == "cam.example");
  CHECK(rtsp_address("rtsp://cam.example/live").port == "554");
  CHECK(rtsp_address("rtsp://10.0.0.7:8554/a:b").port == "8554");
  CHECK(rtsp_address("rtsp://[fe80::1]:8554/x").host == "fe80::1");
  CHECK(rtsp_address("rtsp://[fe80::1]").port == "554");
}

TEST_CASE("background work runs although an earlier piece hangs") {
  std::mutex hang;
  hang.lock();
  std::atomic<bool> ran{false};
  run_in_background([&] { std::scoped_lock lock(hang); });
  run_in_background([&] { ran = true; });
  CHECK_FALSE(wait_for_background(50ms));
  hang.unlock();
  CHECK(wait_for_background(20s));
  CHECK(ran);
}
