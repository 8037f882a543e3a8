// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "pipelines/record/catalogue.hpp"
#include "pipelines/record/fragments.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/sidecar.hpp"
#include "tests/support/faulty_file_io.hpp"
#include "tests/unit/pipelines/record/media.hpp"

using namespace kanhu;
using namespace kanhu::record;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

const std::string kClipFolder = "/clips/yubei/2026/09/21/";

struct Setup {
  FaultyFileIo io;
  Answers answers;
  std::optional<Recorder> recorder;
  std::unique_ptr<RecordedStream> stream;

  explicit Setup(const CameraConfig& config = camera()) {
    REQUIRE(io.make_directories("/clips"));
    recorder.emplace(io, "/clips", answers.done());
    stream = recorder->open("yubei", config);
  }
  ~Setup() {
    stream.reset();
    recorder.reset();
  }
  void feed(const Encoded& encoded, std::size_t from, std::size_t to, const std::string& run = "run1",
            std::chrono::microseconds offset = {}) {
    for (std::size_t i = from; i < to; ++i) stream->packet(packet_of(encoded, i, run, offset));
  }
  std::string content(const ClipRecord& record, std::size_t part = 0) { return io.content("/clips/" + record.parts.at(part)); }
  Sidecar sidecar(const ClipRecord& record) {
    auto read = read_sidecar(io, kClipFolder + record.clip + ".json");
    INFO((read ? "" : read.error().message));
    REQUIRE(read);
    return *read;
  }
};

void plays_as_its_sidecar_says(Setup& setup, const ClipRecord& record, Codec codec) {
  const Sidecar sidecar = setup.sidecar(record);
  std::size_t row = 0;
  for (std::size_t part = 0; part < record.parts.size(); ++part) {
    const Played played = play(setup.content(record, part), codec);
    CHECK(played.decoded == played.pts.size());
    for (const auto pts : played.pts) {
      REQUIRE(row < sidecar.frames.size());
      CHECK(sidecar.frames[row].part == static_cast<int>(part) + 1);
      INFO("row " << row << " sidecar " << sidecar.frames[row].pts.count() << " demuxer " << pts.count());
      CHECK(std::chrono::abs(sidecar.frames[row].pts - pts) < 100us);
      ++row;
    }
  }
  CHECK(row == sidecar.frames.size());
}

}  // namespace

TEST_CASE("a clip holds exactly the pictures from the key frame before its start to its end, in every codec") {
  struct Case {
    const char* name;
    const Encoded& encoded;
    Codec codec;
    const char* extension;
  };
  const Case each = GENERATE(Case{"h264", h264(), Codec::kH264, "mp4"}, Case{"h264 with B-frames", h264_b_frames(), Codec::kH264, "mp4"},
                             Case{"h265", h265(), Codec::kH265, "mp4"}, Case{"mjpeg", mjpeg(), Codec::kMjpeg, "mov"});
  INFO(each.name);
  Setup setup;
  setup.feed(each.encoded, 0, 60);
  setup.stream->request(request('a', 1.2, 3.0));
  setup.feed(each.encoded, 60, 100);
  const ClipRecord record = setup.answers.wait(1);
  CHECK(record.reason == "");
  REQUIRE(record.status == ClipStatus::kComplete);
  REQUIRE(record.parts.size() == 1);
  CHECK(record.parts[0] == "yubei/2026/09/21/" + std::string(26, 'a') + "." + each.extension);
  const Sidecar sidecar = setup.sidecar(record);
  CHECK(record.from <= kStart + 1200ms);
  CHECK(record.to >= kStart + 3000ms);
  CHECK(record.to <= kStart + 3160ms);
  CHECK(sidecar.frames.front().is_key);
  CHECK(sidecar.frames.front().captured.arrival <= kStart + 1200ms);
  if (each.codec == Codec::kMjpeg) CHECK(record.from == kStart + 1200ms);
  if (std::string(each.name) == "h264") {
    CHECK(record.from == kStart + 1000ms);
    CHECK(record.to == kStart + 3000ms);
    CHECK(sidecar.frames.size() == 51);
  }
  // Every picture between the first and the last is there: 25 frames/s.
  const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(record.to - record.from);
  CHECK(static_cast<std::int64_t>(sidecar.frames.size()) >= span / 40ms + 1);
  plays_as_its_sidecar_says(setup, record, each.codec);
  CHECK(verify_clip(setup.io, "/clips", sidecar));
  CHECK_FALSE(setup.io.exists(kClipFolder + record.clip + ".times"));
}

TEST_CASE("a sidecar gives back request, camera and the capture time of every frame") {
  Setup setup;
  for (std::size_t i = 0; i < 75; ++i) {
    auto packet = std::const_pointer_cast<Packet>(packet_of(h264(), i));
    if (i >= 30) packet->captured.rtcp = packet->captured.arrival - 250ms;
    if (i == 40) packet->discontinuity = true;
    if (i == 60) {
      ClipRequest asked = request('b', 1.0, 2.0);
      asked.clock = ClockSource::kRtcp;
      asked.offset = -250ms;
      setup.stream->request(asked);
    }
    setup.stream->packet(packet);
  }
  const ClipRecord record = setup.answers.wait(1);
  REQUIRE(record.status == ClipStatus::kComplete);
  const Sidecar sidecar = setup.sidecar(record);
  CHECK(sidecar.request.subject == "subject-b");
  CHECK(sidecar.request.clock == ClockSource::kRtcp);
  CHECK(sidecar.request.from == kStart + 1s);
  CHECK(sidecar.camera_name == "门口");
  CHECK(sidecar.zones == std::vector<std::string>{"hall", "stairs"});
  CHECK(sidecar.codec == Codec::kH264);
  CHECK(sidecar.parts.at(0).caps == h264().format->caps);
  CHECK(sidecar.record.sha256 == record.sha256);
  REQUIRE(sidecar.frames.size() > 20);
  CHECK_FALSE(sidecar.frames[0].captured.rtcp);
  const auto& late = sidecar.frames.at(40 - 25);
  CHECK(to_microseconds(late.captured.arrival) == to_microseconds(kStart + 1600ms));
  CHECK(late.captured.rtcp == kStart + 1350ms);
  CHECK(late.lost_before);
  CHECK(record.to == kStart + 2030ms);  // the first frame at or after 2 s by the camera's clock
}

TEST_CASE("a later request moves the end of a running clip and adds its subject") {
  Setup setup;
  setup.feed(h264(), 0, 50);
  setup.stream->request(request('a', 1.0, 3.0));
  setup.feed(h264(), 50, 70);
  ClipRequest later = request('a', 1.0, 5.0);
  later.subject = "somebody-else";
  setup.stream->request(later);
  setup.stream->request(request('a', 1.0, 2.0));  // never earlier
  setup.feed(h264(), 70, 140);
  const ClipRecord record = setup.answers.wait(1);
  CHECK(record.status == ClipStatus::kComplete);
  CHECK(record.to == kStart + 5s);
  const Sidecar sidecar = setup.sidecar(record);
  CHECK(sidecar.subjects == std::vector<std::string>{"subject-a", "somebody-else"});
  CHECK(sidecar.request.to == kStart + 5s);
  setup.stream->request(later);  // over: no second answer
  setup.recorder.reset();
  CHECK(setup.answers.count() == 1);
}

TEST_CASE("a camera lost inside a clip leaves a clip that plays and says so") {
  Setup setup;
  setup.feed(h264(), 0, 60);
  setup.stream->request(request('a', 1.0, 8.0));
  setup.feed(h264(), 60, 100);
  setup.stream->run_ended(Error{ErrorKind::kStalled, "no packets for 8 s"});
  const ClipRecord record = setup.answers.wait(1);
  CHECK(record.status == ClipStatus::kPartial);
  CHECK(record.reason == "camera_lost");
  CHECK(record.to == kStart + 3960ms);
  plays_as_its_sidecar_says(setup, record, Codec::kH264);

  setup.stream->request(request('b', 2.0, 3.0));  // decided late; the ring still has it
  CHECK(setup.answers.wait(2).status == ClipStatus::kComplete);
  setup.stream->request(request('c', 3.0, 9.0));
  CHECK(setup.answers.wait(3).reason == "camera_lost");
}

TEST_CASE("ticks close a clip whose camera has fallen silent") {
  Setup setup;
  setup.feed(h264(), 0, 60);
  setup.stream->request(request('a', 1.0, 3.0));
  setup.stream->request(request('b', 1.0, 9.0));
  setup.stream->request(request('c', 1.0, 3.0, "a run that never comes"));
  setup.stream->tick(kStart + 4900ms);
  CHECK(setup.stream->stats().clips_open == 3);
  setup.stream->tick(kStart + 5000ms);
  CHECK(setup.stream->stats().clips_open == 1);
  const ClipRecord first = setup.answers.wait(1);
  CHECK(first.status == ClipStatus::kComplete);  // the last picture came 0.6 s before the end
  const ClipRecord second = setup.answers.wait(2);
  CHECK(second.status == ClipStatus::kMissing);
  CHECK(second.reason == "no_packets");
  setup.stream->tick(kStart + 11s);
  CHECK(setup.answers.wait(3).reason == "camera_lost");
}

TEST_CASE("a change of format or of the time line starts a new part that plays by itself") {
  Setup setup;
  setup.feed(h264(), 0, 75);
  setup.stream->request(request('a', 1.0, 5.9));
  setup.feed(h264_small(), 75, 100);       // continues at 3.0 s with another size
  for (std::size_t i = 0; i < 100; ++i) {  // pts start again from 20 s, capture times go on
    auto packet = std::const_pointer_cast<Packet>(packet_of(h264_small(), i, "run1", 4s));
    packet->pts += 20s;
    setup.stream->packet(packet);
  }
  const ClipRecord record = setup.answers.wait(1);
  CHECK(record.reason == "");
  CHECK(record.status == ClipStatus::kComplete);
  REQUIRE(record.parts.size() == 3);
  CHECK(record.parts[1] == "yubei/2026/09/21/" + std::string(26, 'a') + ".2.mp4");
  plays_as_its_sidecar_says(setup, record, Codec::kH264);
  CHECK(setup.sidecar(record).parts[1].caps == h264_small().format->caps);
}

TEST_CASE("a clip whose camera connected after its start says so") {
  Setup setup;
  setup.feed(h264(), 0, 50);
  setup.stream->request(request('a', -3.0, 1.0));
  CHECK(setup.answers.wait(1).reason == "camera_connected_late");
}

TEST_CASE("a clip asked for too late gets what the ring still has, or nothing, and says which") {
  Setup setup;
  setup.feed(h264(), 0, 250);  // 10 s; the ring keeps 5 to 6
  CHECK(setup.stream->stats().seconds >= 5);
  CHECK(setup.stream->stats().seconds < 6.1);
  setup.stream->request(request('a', 1.0, 9.0));
  setup.stream->request(request('b', 0.5, 1.5));
  const ClipRecord first = setup.answers.wait(1);
  CHECK(first.status == ClipStatus::kPartial);
  CHECK(first.reason == "pre_roll_missing");
  CHECK(first.from == kStart + 4s);
  const ClipRecord second = setup.answers.wait(2);
  CHECK(second.status == ClipStatus::kMissing);
  CHECK(second.reason == "request_too_late");
}

TEST_CASE("the ring never holds more than its bound, and the clip says what that cost") {
  CameraConfig config = camera();
  std::uint64_t gop_bytes = 0;
  for (std::size_t i = 0; i < 25; ++i) gop_bytes += h264().units[i].bytes.size() + 512;
  const auto account = std::make_shared<MemoryAccount>();

  SECTION("a GOP and a half fit") {
    config.clips.ring_bytes = gop_bytes * 3 / 2;
    Setup setup(config);
    for (std::size_t i = 0; i < 110; ++i) {
      setup.stream->packet(packet_of(h264(), i, "run1", {}, account));
      REQUIRE(account->held_bytes() <= config.clips.ring_bytes);
    }
    CHECK(setup.stream->stats().overflow_drops > 0);
    setup.stream->request(request('a', 2.0, 4.3));
    const ClipRecord record = setup.answers.wait(1);
    CHECK(record.status == ClipStatus::kPartial);
    CHECK(record.reason == "ring_overflow");
    plays_as_its_sidecar_says(setup, record, Codec::kH264);
  }
  SECTION("not even one GOP fits") {
    config.clips.ring_bytes = gop_bytes / 2;
    Setup setup(config);
    for (std::size_t i = 0; i < 74; ++i) {
      setup.stream->packet(packet_of(h264(), i, "run1", {}, account));
      REQUIRE(account->held_bytes() <= config.clips.ring_bytes);
    }
    setup.stream->request(request('a', 1.0, 3.5));
    setup.feed(h264(), 74, 100);
    const ClipRecord record = setup.answers.wait(1);
    CHECK(record.status == ClipStatus::kPartial);
    CHECK(record.reason == "ring_overflow");
    CHECK(record.from == kStart + 3s);
  }
}

TEST_CASE("a request that names no possible file is answered, not written") {
  Setup setup;
  setup.feed(h264(), 0, 50);
  ClipRequest bad = request('a', 0.0, 1.0);
  bad.clip = "../../../../etc/passwd";
  setup.stream->request(bad);
  CHECK(setup.answers.wait(1).reason == "invalid_request");
  bad = request('a', 2.0, 1.0);
  setup.stream->request(bad);
  CHECK(setup.answers.wait(2).status == ClipStatus::kMissing);
  bad = request('b', 0.0, 1.0);
  bad.facility = "..";
  setup.stream->request(bad);
  CHECK(setup.answers.wait(3).status == ClipStatus::kMissing);
  CHECK(setup.io.files().empty());
}

TEST_CASE("a recorder that ends closes its clips with a reason, each exactly once") {
  Setup setup;
  setup.feed(h264(), 0, 50);
  setup.stream->request(request('a', 1.0, 9.0));
  setup.recorder.reset();
  CHECK(setup.answers.count() == 1);
  CHECK(setup.answers.wait(1).reason == "recorder_closed");
  setup.feed(h264(), 50, 75);
  setup.stream.reset();
  CHECK(setup.answers.count() == 1);
}
