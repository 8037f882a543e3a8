// SPDX-License-Identifier: MIT
#include <atomic>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>

#include "pipelines/ingest/file/run.hpp"
#include "tests/support/mutate.hpp"
#include "tests/unit/pipelines/ingest/ingest_bench.hpp"

using namespace kanhu;
using namespace kanhu::test;

namespace {

void check_promises(const RememberingSink::Memory& memory) {
  CHECK(memory.broken_promises == 0);
  REQUIRE(memory.ends.size() == 1);
}

}  // namespace

TEST_CASE("a replayed recording gives every packet, thinned frames and ticks in the order of frames, then its end") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const std::string name = GENERATE(std::string("a.mp4"), std::string("a.mkv"), std::string("a.h264"), std::string("a.h265"));
  const int b_frames = name == "a.mp4" ? GENERATE(0, 2) : 0;
  CAPTURE(name, b_frames);
  make_recording(folder / name, 60, b_frames);
  const auto memory = run_to_end(replay_of(folder / name));
  check_promises(memory);
  CHECK(memory.ends[0].kind == ErrorKind::kEndOfStream);
  CHECK(memory.packets.size() == 60);
  CHECK(memory.frame_pts.size() == 12);  // 2.4 s at 5 a second
  CHECK(memory.ticks.size() == 2);
  CHECK(memory.width == 320);
  CHECK(memory.height == 240);
  CHECK(memory.packets[0]->is_key);
  CHECK(memory.packets[0]->pts == MediaTime{});
  CHECK(memory.packets[0]->run.size() == 64);
  CHECK(memory.packets[0]->sequence == 0);
  CHECK(memory.packets[59]->sequence == 59);
  CHECK_FALSE(memory.packets[59]->discontinuity);
  CHECK(memory.packets[0]->format == memory.packets[59]->format);
  CHECK(memory.packets[0]->format->caps.find("codec_data") != std::string::npos);
  for (std::size_t i = 1; i < memory.frame_pts.size(); ++i)
    CHECK(memory.frame_pts[i] - memory.frame_pts[i - 1] == std::chrono::milliseconds(200));
  CHECK(memory.frame_times[1].arrival == wall_from_microseconds(1'790'000'000'200'000));
  CHECK(memory.frame_times[1].from_file);
  // The tick at 1 s stands before the frame at 1 s.
  const auto tick =
      std::find_if(memory.order.begin(), memory.order.end(), [](const std::string& line) { return line.starts_with("tick 1000000000 "); });
  REQUIRE(tick != memory.order.end());
  CHECK(tick - memory.order.begin() == 5);
  CHECK((tick + 1)->find(" 1000000000 ") != std::string::npos);
}

TEST_CASE("two replays of a recording say the same to the bit") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mp4", 100, 2);
  const auto first = run_to_end(replay_of(folder / "a.mp4"));
  for (int again = 0; again < 3; ++again) {
    const auto second = run_to_end(replay_of(folder / "a.mp4"));
    CHECK(first.order == second.order);
    REQUIRE(first.packets.size() == second.packets.size());
    CHECK(first.packets.front()->run == second.packets.front()->run);
  }
}

TEST_CASE("a replay without decoding puts its ticks in the order of packets") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mp4", 60);
  auto spec = replay_of(folder / "a.mp4");
  spec.decode = false;
  const auto memory = run_to_end(spec);
  check_promises(memory);
  CHECK(memory.packets.size() == 60);
  CHECK(memory.frame_pts.empty());
  CHECK(memory.ticks.size() == 2);
}

TEST_CASE("capture times of a replay come from the recording's own list where it has them") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mp4", 30);
  auto spec = replay_of(folder / "a.mp4");
  CaptureTime known;
  known.arrival = wall_from_microseconds(5'000'000);
  known.rtcp = wall_from_microseconds(7'000'000);
  spec.recorded_times.push_back({MediaTime(std::chrono::microseconds(200'400)), known});
  const auto memory = run_to_end(spec);
  REQUIRE(memory.frame_times.size() == 6);
  CHECK(memory.frame_times[0].best() == ClockSource::kFile);
  CHECK(memory.frame_times[1] == known);
  CHECK(memory.frame_times[2].best() == ClockSource::kFile);
}

TEST_CASE("a recording that plays as a camera is paced and its end is the end of a stream") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mp4", 30);
  auto spec = replay_of(folder / "a.mp4");
  spec.replay = false;
  const auto began = std::chrono::steady_clock::now();
  const auto memory = run_to_end(spec);
  check_promises(memory);
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(1100));
  CHECK(memory.ends[0].kind == ErrorKind::kEndOfStream);
  CHECK(memory.packets.size() == 30);
  CHECK(memory.packets[0]->run.size() == 32);
  CHECK(memory.packets[0]->captured.best() == ClockSource::kArrival);
}

TEST_CASE("a slow sink holds a replay back and loses nothing") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mp4", 700);
  RememberingSink sink;
  auto source = ingest::make_source(replay_of(folder / "a.mp4"), system_clock());
  REQUIRE(source);
  std::mutex blocker;
  blocker.lock();
  bool first = true;
  sink.at_packet = [&] {
    if (!std::exchange(first, false)) return;
    std::scoped_lock lock(blocker);
  };
  (*source)->start(sink);
  REQUIRE(sink.wait([](const auto& memory) { return memory.packets.size() == 1; }));
  // Bounded: a mailbox, the decoder's queue and what is in hand.
  CHECK((*source)->stats().packets <= 1000);
  blocker.unlock();
  REQUIRE(sink.wait_for_end());
  CHECK(sink.memory().packets.size() == 700);
  CHECK(sink.memory().frame_pts.size() == 140);
}

TEST_CASE("files that are no recordings are refused in words") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) { std::ofstream(folder / name, std::ios::binary) << text; };
  const auto kind_of_end = [&](const std::string& name) {
    const auto memory = run_to_end(replay_of(folder / name));
    REQUIRE(memory.ends.size() == 1);
    CHECK(memory.broken_promises == 0);
    CHECK(memory.frame_pts.empty());
    CHECK(memory.ends[0].message.find(name) != std::string::npos);
    return memory.ends[0].kind;
  };
  write("empty.mp4", "");
  CHECK(kind_of_end("empty.mp4") == ErrorKind::kCorrupt);
  write("text.mp4", "This is a shopping list and no film at all.\n");
  CHECK(kind_of_end("text.mp4") == ErrorKind::kCorrupt);
  write("text.mkv", "This is a shopping list and no film at all.\n");
  CHECK(kind_of_end("text.mkv") == ErrorKind::kCorrupt);
  write("text.h264", "This is a shopping list and no film at all.\n");
  CHECK(kind_of_end("text.h264") == ErrorKind::kCorrupt);
  CHECK(kind_of_end("missing.mp4") == ErrorKind::kNotFound);
  write("film.avi", "RIFF");
  CHECK(kind_of_end("film.avi") == ErrorKind::kUnsupported);
  std::filesystem::create_directory(folder / "folder.mp4");
  CHECK(kind_of_end("folder.mp4") == ErrorKind::kInvalidArgument);
}

TEST_CASE("an mp4 that is cut off is read up to there and says so") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mp4", 100);
  const auto size = std::filesystem::file_size(folder / "a.mp4");
  std::filesystem::resize_file(folder / "a.mp4", size / 2);
  const auto memory = run_to_end(replay_of(folder / "a.mp4"));
  check_promises(memory);
  CHECK(memory.ends[0].kind == ErrorKind::kCorrupt);
  CHECK(memory.packets.size() > 10);
  CHECK(memory.packets.size() < 100);
  std::filesystem::resize_file(folder / "a.mp4", 200);
  const auto nothing = run_to_end(replay_of(folder / "a.mp4"));
  check_promises(nothing);
  CHECK(nothing.ends[0].kind == ErrorKind::kCorrupt);
}

TEST_CASE("pictures beyond the limits never reach a decoder") {
  prepare_gstreamer();
  const ScratchFolder folder;
  run_pipeline(
      "videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=4112,height=160,framerate=25/1 ! x264enc speed-preset=ultrafast "
      "threads=1 ! "
      "h264parse ! mp4mux ! filesink location=" +
      (folder / "wide.mp4").string());
  // A container's frame rate is the demuxer's guess from two pts, so a file is held to size alone.
  const auto memory = run_to_end(replay_of(folder / "wide.mp4"));
  check_promises(memory);
  CHECK(memory.ends[0].kind == ErrorKind::kUnsupported);
  CHECK(memory.packets.empty());
  CHECK(memory.frame_pts.empty());
}

TEST_CASE("a replay that is stopped in the middle ends with closed and says nothing more") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mp4", 200);
  for (int round = 0; round < 20; ++round) {
    RememberingSink sink;
    auto source = ingest::make_source(replay_of(folder / "a.mp4"), system_clock());
    REQUIRE(source);
    (*source)->start(sink);
    REQUIRE(sink.wait([&](const auto& memory) { return memory.packets.size() > static_cast<std::size_t>(round); }));
    (*source)->stop();
    (*source)->stop();
    REQUIRE(sink.wait_for_end());
    source->reset();
    const auto memory = sink.memory();
    CHECK(memory.ends.size() == 1);
    CHECK(memory.broken_promises == 0);
    if (memory.packets.size() < 200) CHECK(memory.ends[0].kind == ErrorKind::kClosed);
  }
}

TEST_CASE("a change of resolution within a stream is a new format from its first packet on, and is decoded") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const auto small = folder / "small.h264";
  const auto both = folder / "both.h264";
  make_recording(both, 20);
  run_pipeline(
      "videotestsrc num-buffers=20 ! video/x-raw,format=I420,width=160,height=128,framerate=25/1 ! x264enc speed-preset=ultrafast "
      "threads=1 ! "
      "h264parse ! video/x-h264,stream-format=byte-stream ! filesink location=" +
      small.string());
  std::ofstream(both, std::ios::binary | std::ios::app) << std::ifstream(small, std::ios::binary).rdbuf();
  const auto memory = run_to_end(replay_of(both));
  check_promises(memory);
  CHECK(memory.ends[0].kind == ErrorKind::kEndOfStream);
  REQUIRE(memory.packets.size() == 40);
  CHECK(memory.packets[19]->format->width == 320);
  CHECK(memory.packets[20]->format->width == 160);
  CHECK(memory.packets[20]->is_key);
  CHECK(memory.packets[20]->format == memory.packets[39]->format);
  CHECK(memory.frame_pts.size() == 8);
  CHECK(memory.width == 160);
}

TEST_CASE("a Matroska file that is cut off is read up to there and says so, one that is whole does not") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.mkv", 100);
  CHECK(run_to_end(replay_of(folder / "a.mkv")).ends[0].kind == ErrorKind::kEndOfStream);
  const auto size = std::filesystem::file_size(folder / "a.mkv");
  const bool closed = GENERATE(true, false);
  if (!closed) {  // its writer never came to write how long it is
    std::fstream file(folder / "a.mkv", std::ios::binary | std::ios::in | std::ios::out);
    std::string head(4096, '\0');
    file.read(head.data(), 4096);
    const auto segment = head.find("\x18\x53\x80\x67");
    REQUIRE(segment != std::string::npos);
    file.seekp(static_cast<std::streamoff>(segment + 4));
    file.write("\x01\xff\xff\xff\xff\xff\xff\xff", 8);
  }
  CAPTURE(closed);
  std::filesystem::resize_file(folder / "a.mkv", size / 2);
  const auto memory = run_to_end(replay_of(folder / "a.mkv"));
  check_promises(memory);
  INFO(memory.ends[0].message);
  CHECK(memory.ends[0].kind == ErrorKind::kCorrupt);
  CHECK(memory.ends[0].message.find("cut off") != std::string::npos);
  CHECK(memory.packets.size() > 10);
  CHECK(memory.frame_pts.size() > 2);
}

TEST_CASE("video that is not 8-bit 4:2:0 is named for what it is, and still recorded where nobody looks at it") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const auto [pixels, profile, words] = GENERATE(table<std::string, std::string, std::string>(
      {{"Y42B", "high-4:2:2", "4:2:2"}, {"Y444", "high-4:4:4", "4:4:4"}, {"I420_10LE", "high-10", "10 bits"}}));
  run_pipeline("videotestsrc num-buffers=10 ! video/x-raw,format=" + pixels +
               ",width=320,height=240,framerate=25/1 ! x264enc speed-preset=ultrafast threads=1 ! video/x-h264,profile=" + profile +
               " ! h264parse ! mp4mux ! filesink location=" + (folder / "a.mp4").string());
  auto spec = replay_of(folder / "a.mp4");
  const auto memory = run_to_end(spec);
  check_promises(memory);
  INFO(memory.ends[0].message);
  CHECK(memory.ends[0].kind == ErrorKind::kUnsupported);
  CHECK(memory.ends[0].message.find(words) != std::string::npos);
  spec.decode = false;
  CHECK(run_to_end(spec).packets.size() == 10);
}

TEST_CASE("a recording whose samples have no end ends as oversized") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const std::string name = GENERATE(std::string("a.h264"), std::string("a.h265"));
  std::ofstream file(folder / name, std::ios::binary);
  file << std::string("\0\0\0\1", 4) << (name == "a.h264" ? "\x65" : "\x26\x01");
  const std::string piece(1u << 20, '\x55');
  for (int i = 0; i < 40; ++i) file << piece;
  file.close();
  const auto memory = run_to_end(replay_of(folder / name));
  check_promises(memory);
  INFO(memory.ends[0].message);
  CHECK(memory.ends[0].kind == ErrorKind::kOversized);
}

TEST_CASE("recordings that were changed in any way come to an end, with every promise kept") {
  prepare_gstreamer();
  const ScratchFolder folder;
  const std::string name = GENERATE(std::string("a.mp4"), std::string("a.mkv"), std::string("a.h264"));
  make_recording(folder / name, 40);
  const std::string good = bytes_of(folder / name);
  const auto bad = folder / ("bad-" + name);
  for (std::uint32_t number = 0; number < 40; ++number) {
    CAPTURE(name, number);
    write_bytes(bad, mutated(good, number));
    const auto memory = run_to_end(replay_of(bad));
    CHECK(memory.broken_promises == 0);
    CHECK(memory.ends.size() == 1);
    CHECK(memory.ticks.size() <= 2 * 86'400 + 60);
  }
}

TEST_CASE("a recording that grows faster than it is read comes to an end") {
  prepare_gstreamer();
  const ScratchFolder folder;
  make_recording(folder / "a.h264", 40);
  const std::string once = bytes_of(folder / "a.h264");
  std::atomic<bool> enough{false};
  std::thread writer([&, file = std::ofstream(folder / "a.h264", std::ios::binary | std::ios::app)]() mutable {
    for (int i = 0; i < 4000 && !enough; ++i) file << once << std::flush;
  });
  RememberingSink sink;
  auto spec = replay_of(folder / "a.h264");
  spec.decode = false;  // how much was there when it was opened is the writer's luck: reading it must not be what takes the time
  auto source = ingest::make_source(spec, system_clock());
  REQUIRE(source);
  (*source)->start(sink);
  CHECK(sink.wait_for_end());
  enough = true;
  writer.join();
}

TEST_CASE("what comes out of a recording is held against what is in it: circles and leaps end it, long quiet times do not") {
  const ScratchFolder folder;
  write_bytes(folder / "a.mp4", std::string(1000, 'x'));
  const std::vector<std::byte> bytes(100'000);
  Packet packet;
  packet.bytes = PacketBytes(bytes, std::make_shared<int>(0), std::make_shared<MemoryAccount>());
  ingest::RecordingBounds circle((folder / "a.mp4").string(), true);
  int taken = 0;
  std::optional<Error> fault;
  for (; !fault && taken < 1000; ++taken) fault = circle.fault(packet);
  REQUIRE(fault);
  CHECK(fault->kind == ErrorKind::kCorrupt);
  CHECK(fault->message.find("a.mp4") != std::string::npos);
  CHECK(fault->message.find("circles") != std::string::npos);
  CHECK(taken == 42);  // 4 MiB and 4,000 bytes
  // 16-bit counts that are packed without loss may be thousands of times as large.
  ingest::RecordingBounds packed((folder / "a.mp4").string(), false);
  for (int i = 0; i < 10'000; ++i) REQUIRE_FALSE(packed.fault(packet));

  ingest::RecordingBounds times((folder / "a.mp4").string(), false);
  packet.pts = MediaTime(std::chrono::hours(24));  // a picture a day
  CHECK_FALSE(times.fault(packet));
  packet.pts = MediaTime(std::chrono::hours(47));
  CHECK_FALSE(times.fault(packet));
  packet.pts = MediaTime(std::chrono::hours(1));
  CHECK_FALSE(times.fault(packet));
  packet.pts = MediaTime(std::chrono::hours(50));
  const auto leap = times.fault(packet);
  REQUIRE(leap);
  CHECK(leap->message.find("leap") != std::string::npos);
  ingest::RecordingBounds slow((folder / "a.mp4").string(), false);
  for (int minute = 0; minute < 30 * 24 * 60; ++minute) {  // a picture a minute for a month
    packet.pts = MediaTime(std::chrono::minutes(minute));
    REQUIRE_FALSE(slow.fault(packet));
  }
}
