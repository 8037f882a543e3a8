// SPDX-License-Identifier: MIT
// Clocks that lie: a camera's, one stamp of it, this machine's own. None of them shortens a clip or moves its times far.
#include <functional>

#include <catch2/catch.hpp>

#include "pipelines/record/catalogue.hpp"
#include "pipelines/record/settle.hpp"
#include "pipelines/record/sidecar.hpp"
#include "tests/support/faulty_file_io.hpp"
#include "tests/unit/pipelines/record/box_muxer.hpp"
#include "tests/unit/pipelines/record/media.hpp"

using namespace kanhu;
using namespace kanhu::record;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

using Stamp = std::function<void(Packet&, std::chrono::milliseconds)>;  // changes the packet taken so long after the start

// 10 s of a camera whose packets have been through `stamp`, and the clip of 1 s to 8 s that was asked for at 2 s.
struct Told {
  FaultyFileIo io;
  ClipRecord record;
  Sidecar sidecar;

  explicit Told(const Stamp& stamp, ClockSource clock = ClockSource::kRtcp, std::chrono::microseconds offset = {}) {
    REQUIRE(io.make_directories("/clips"));
    Answers answers;
    Recorder recorder(io, "/clips", answers.done(), box_muxers());
    const auto stream = recorder.open("yubei", camera());
    ClipRequest asked = request('a', 1.0, 8.0);
    asked.clock = clock;
    asked.offset = offset;
    asked.from += offset;
    asked.to += offset;
    for (std::size_t i = 0; i < 250; ++i) {
      if (i == 50) stream->request(asked);
      auto packet = std::const_pointer_cast<Packet>(packet_of(h264(), i));
      const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(packet->pts.time_since_epoch());
      packet->arrival = MonoTime(1h + at);
      packet->captured.rtcp = packet->captured.arrival;
      stamp(*packet, at);
      stream->packet(packet);
    }
    record = answers.wait(1);
    auto read = read_sidecar(io, "/clips/yubei/2026/09/21/" + record.clip + ".json");
    if (read) sidecar = std::move(*read);
  }
  std::size_t frames() const { return sidecar.frames.size(); }
};

bool is_near(WallTime time, WallTime wanted, std::chrono::microseconds within = 5s) { return std::chrono::abs(time - wanted) <= within; }

}  // namespace

TEST_CASE("a camera's clock that is set while a clip is written shortens nothing, however far it is set") {
  const auto step = GENERATE(std::chrono::seconds(4), std::chrono::seconds(-4), std::chrono::seconds(20), std::chrono::seconds(-20),
                             std::chrono::seconds(86400), std::chrono::seconds(-86400), std::chrono::seconds(-1'700'000'000),
                             std::chrono::seconds(2'500'000'000));
  const auto since = GENERATE(0ms, 3000ms, 5000ms, 7960ms);
  INFO("set by " << step.count() << " s after " << since.count() << " ms");
  const Told told([&](Packet& packet, std::chrono::milliseconds at) {
    if (at >= since) *packet.captured.rtcp += step;
  });
  CHECK(told.record.status == ClipStatus::kComplete);
  CHECK(told.frames() == 176);  // of 1 s to 8 s, at 25 a second
  CHECK(is_near(told.record.from, kStart + 1s));
  CHECK(is_near(told.record.to, kStart + 8s));
}

TEST_CASE("one stamp that is wrong by hours moves neither start nor end, wherever it stands") {
  const auto where = GENERATE(1000ms, 1040ms, 4000ms, 7960ms, 8000ms);
  const auto wrong = GENERATE(std::chrono::hours(3), std::chrono::hours(-3));
  const Told told([&](Packet& packet, std::chrono::milliseconds at) {
    if (at == where) *packet.captured.rtcp += wrong;
  });
  CHECK(told.record.status == ClipStatus::kComplete);
  CHECK(told.record.from == kStart + 1s);
  CHECK(told.record.to == kStart + 8s);
}

TEST_CASE("a camera's clock that drifts within what is believed names the times and decides nothing") {
  const Told told([](Packet& packet, std::chrono::milliseconds at) { *packet.captured.rtcp += 2s + at / 10; }, ClockSource::kRtcp, 2s);
  CHECK(told.record.status == ClipStatus::kComplete);
  CHECK(told.frames() == 176);
  CHECK(told.record.from == kStart + 3s + 100ms);
  CHECK(told.record.to == kStart + 10s + 800ms);
}

TEST_CASE("this machine's own clock that is set while a clip is written shortens nothing and lengthens nothing") {
  const auto step =
      GENERATE(std::chrono::hours(1), std::chrono::hours(-1), std::chrono::hours(24 * 365 * 50), std::chrono::hours(-24 * 365 * 50));
  const auto since = GENERATE(3000ms, 5000ms, 7960ms);
  const Told told(
      [&](Packet& packet, std::chrono::milliseconds at) {
        packet.captured.rtcp.reset();
        if (at >= since) packet.captured.arrival += step;
      },
      ClockSource::kArrival);
  CHECK(told.record.status == ClipStatus::kComplete);
  CHECK(told.frames() == 176);
  CHECK(told.record.from == kStart + 1s);
  CHECK(is_near(told.record.to, kStart + 8s, 50ms));
}

TEST_CASE("pictures that come in a bunch after the end belong to the clip if they were taken before it") {
  const Told told([](Packet& packet, std::chrono::milliseconds at) {
    if (at < 6000ms || at >= 8200ms) return;
    packet.arrival = MonoTime(1h + 8200ms);
    packet.captured.arrival = kStart + 8200ms;
  });
  CHECK(told.record.status == ClipStatus::kComplete);
  CHECK(told.frames() == 176);
}

TEST_CASE("seconds of pictures that never came are a gap, although the clip's end was reached") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  Answers answers;
  Recorder recorder(io, "/clips", answers.done(), box_muxers());
  const auto stream = recorder.open("yubei", camera());
  stream->request(request('a', 0.0, 9.0));
  for (std::size_t i = 0; i < 250; ++i)
    if (i < 50 || i >= 200) stream->packet(packet_of(h264(), i));
  const ClipRecord record = answers.wait(1);
  CHECK(record.status == ClipStatus::kPartial);
  CHECK(record.reason == "gap");
  CHECK(record.to == kStart + 9s);
}

TEST_CASE("a line of pts that stops or jumps back is not waited for") {
  const Told told([](Packet& packet, std::chrono::milliseconds at) {
    if (at >= 5000ms && at < 9000ms) packet.pts = MediaTime(5000ms + at / 100);
  });
  CHECK(told.record.status == ClipStatus::kComplete);
  CHECK(told.record.to >= kStart + 5s);
}

TEST_CASE("a clip that a crash cut off is complete only if its pictures had arrived to the end, whatever the camera's clock says") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  ClipRequest asked = request('a', 0.0, 8.0);
  asked.clock = ClockSource::kRtcp;
  {
    Answers answers;
    Recorder recorder(io, "/clips", answers.done(), box_muxers());
    const auto stream = recorder.open("yubei", camera());
    stream->request(asked);
    for (std::size_t i = 0; i < 100; ++i) {  // 4 s
      auto packet = std::const_pointer_cast<Packet>(packet_of(h264(), i));
      packet->captured.rtcp = packet->captured.arrival + (i < 50 ? 0s : 4s + 500ms);
      stream->packet(packet);
    }
    stream->run_ended({ErrorKind::kStalled, "no packets"});
    answers.wait(1);
  }
  const std::string sidecar = "/clips/yubei/2026/09/21/" + asked.clip + ".json";
  const auto read = read_sidecar(io, sidecar);
  REQUIRE(read);
  CHECK(read->record.status == ClipStatus::kPartial);
  // The same from the log alone.
  std::string log = times_header(*read);
  for (const SidecarPart& part : read->parts) log += times_part(part);
  for (const SidecarFrame& frame : read->frames) log += times_frame(frame);
  io.put("/clips/yubei/2026/09/21/" + asked.clip + ".times", log);
  REQUIRE(io.remove(sidecar));
  const ClipRecord settled = settle(io, "/clips", asked);
  CHECK(settled.status == ClipStatus::kPartial);
  CHECK(settled.reason == "gateway_restarted");
}

TEST_CASE("retention counts age from arrival: a clip dated in the past stays, one of the future evicts nobody") {
  const WallTime now = kStart;
  const auto clip = [&](char name, WallTime dated, WallTime arrived) {
    Sidecar sidecar;
    sidecar.record.clip = std::string(26, name);
    sidecar.record.from = sidecar.record.to = dated;
    sidecar.record.bytes = 100;
    sidecar.arrived = arrived;
    return sidecar;
  };
  const std::vector<Sidecar> clips{
      clip('a', now - 24h * 3650, now - 2h),                                                     // of a camera whose clock is years behind
      clip('b', now + 24h * 3650, now - 3h),                                                     // and of one that is years ahead
      clip('c', now - 1h, now - 1h),         clip('d', now, wall_from_microseconds(1'000'000)),  // this machine had no time yet
      clip('e', now, now + 24h * 365 * 80),                                                      // or a wrong one
  };
  StorageConfig limits;
  limits.most_age = 24h;
  limits.most_bytes = 500;
  CHECK(plan_retention(limits, clips, now).empty());
  limits.most_bytes = 200;
  const auto leaving = plan_retention(limits, clips, now);
  REQUIRE(leaving.size() == 3);
  CHECK(leaving[0].record.clip.front() == 'd');
  CHECK(leaving[1].record.clip.front() == 'e');
  CHECK(leaving[2].record.clip.front() == 'b');
  limits.most_bytes = 1000;
  CHECK(plan_retention(limits, clips, now + 22h + 30min).size() == 2);
}
