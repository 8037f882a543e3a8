// SPDX-License-Identifier: MIT
// What a clip says when the disk fails, lies, or the process dies.
#include <future>

#include <catch2/catch.hpp>

#include "pipelines/record/catalogue.hpp"
#include "pipelines/record/fragments.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/sidecar.hpp"
#include "tests/support/faulty_file_io.hpp"
#include "tests/unit/pipelines/record/box_muxer.hpp"
#include "tests/unit/pipelines/record/media.hpp"

using namespace kanhu;
using namespace kanhu::record;
using namespace kanhu::test;
using namespace std::chrono_literals;

namespace {

const std::string kFaultFolder = "/clips/yubei/2026/09/21/";

// Records 1.0 s .. 5.0 s of h264() and gives the answer.
ClipRecord record_clip(FileIo& io, const MuxerFactory& muxers, char name = 'a') {
  Answers answers;
  Recorder recorder(io, "/clips", answers.done(), muxers);
  const auto stream = recorder.open("yubei", camera());
  for (std::size_t i = 0; i < 60; ++i) stream->packet(packet_of(h264(), i));
  stream->request(request(name, 1.0, 5.0));
  for (std::size_t i = 60; i < 130; ++i) stream->packet(packet_of(h264(), i));
  return answers.wait(1);
}

// Waits until the record thread has done all that was asked before.
void barrier(RecordedStream& stream, Answers& answers) {
  static int number = 0;
  ClipRequest nothing = request('z', 2.0, 1.0);
  nothing.clip = "not a clip " + std::to_string(++number);
  const std::size_t before = answers.count();
  stream.request(nothing);
  answers.wait(before + 1);
}

// The files as a killed process leaves them.
void copy(FaultyFileIo& from, FaultyFileIo& to) {
  for (const std::string& path : from.files()) to.put(path, from.content(path));
}

// A disk that returns other bytes than were written: changes a media file once it has been synced.
class LyingIo final : public FileIo {
 public:
  explicit LyingIo(FaultyFileIo& io) : io_(io) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = io_.open(path, mode);
    if (!file || mode == OpenMode::kRead || !path.ends_with(".mp4")) return file;
    return std::make_unique<Lying>(io_, path, std::move(*file));
  }
  Result<void> rename(const std::string& from, const std::string& to) override { return io_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return io_.remove(path); }
  Result<void> make_directories(const std::string& path) override { return io_.make_directories(path); }
  Result<void> sync_directory(const std::string& path) override { return io_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return io_.list(path); }
  bool exists(const std::string& path) override { return io_.exists(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return io_.free_bytes(path); }

 private:
  struct Lying final : File {
    Lying(FaultyFileIo& disk, std::string name, std::unique_ptr<File> real) : io(disk), path(std::move(name)), file(std::move(real)) {}
    Result<void> append(std::span<const std::byte> bytes) override { return file->append(bytes); }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override { return file->read_at(offset, into); }
    Result<void> sync() override {
      auto ok = file->sync();
      const std::string content = io.content(path);
      io.corrupt(path, content.size() - 5, static_cast<char>(content[content.size() - 5] ^ 1));
      return ok;
    }
    Result<void> allocate(std::uint64_t bytes) override { return file->allocate(bytes); }
    Result<void> truncate(std::uint64_t bytes) override { return file->truncate(bytes); }
    Result<std::uint64_t> size() override { return file->size(); }
    FaultyFileIo& io;
    std::string path;
    std::unique_ptr<File> file;
  };
  FaultyFileIo& io_;
};

}  // namespace

TEST_CASE("whichever call to the disk fails, a clip called complete is whole, durable and verified") {
  const ErrorKind kind = GENERATE(ErrorKind::kIo, ErrorKind::kNoSpace);
  std::uint64_t calls = 0;
  {
    FaultyFileIo io;
    REQUIRE(io.make_directories("/clips"));
    const std::uint64_t before = io.calls();
    REQUIRE(record_clip(io, box_muxers()).status == ClipStatus::kComplete);
    calls = io.calls() - before;
  }
  REQUIRE(calls > 20);
  std::size_t partial = 0, missing = 0, complete = 0;
  for (std::uint64_t nth = 1; nth <= calls; ++nth) {
    FaultyFileIo io;
    REQUIRE(io.make_directories("/clips"));
    io.fail_any_call(nth, Error{kind, "told to fail"}, 100);
    const ClipRecord record = record_clip(io, box_muxers());
    INFO("call " << nth << " of " << calls << " failed: " << to_string(record.status) << " " << record.reason);
    io.heal();
    io.crash();
    const std::string sidecar_file = kFaultFolder + record.clip + ".json";
    if (record.status == ClipStatus::kComplete) {
      ++complete;
      const auto sidecar = read_sidecar(io, sidecar_file);
      REQUIRE(sidecar);
      CHECK(sidecar->record.status == ClipStatus::kComplete);
      CHECK(sidecar->record.sha256 == record.sha256);
      CHECK(verify_clip(io, "/clips", *sidecar));
      CHECK(sidecar->frames.size() == 101);
    } else if (record.status == ClipStatus::kPartial) {
      ++partial;
      CHECK(record.reason == (kind == ErrorKind::kNoSpace && record.reason != "io_error" ? "disk_full" : "io_error"));
      CHECK(record.parts.size() == 1);
      const auto sidecar = read_sidecar(io, sidecar_file);
      if (sidecar) CHECK(sidecar->record.status != ClipStatus::kMissing);
    } else {
      ++missing;
      CHECK((record.reason == "disk_full" || record.reason == "io_error"));
      CHECK(record.parts.empty());
    }
  }
  CHECK(partial > 5);
  CHECK(missing > 3);
  CHECK(complete <= 6);  // calls that only clean up, or whose answer decides nothing
}

TEST_CASE("a disk that fills up leaves the fragments that fitted, and a sidecar that says disk_full") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  io.set_capacity((256 << 10) + 60'000);
  const ClipRecord record = record_clip(io, make_gst_muxer);
  CHECK(record.status == ClipStatus::kPartial);
  CHECK(record.reason == "disk_full");
  const auto sidecar = read_sidecar(io, kFaultFolder + record.clip + ".json");
  REQUIRE(sidecar);
  CHECK(sidecar->record.reason == "disk_full");
  CHECK(verify_clip(io, "/clips", *sidecar));
  const Played played = play(io.content("/clips/" + record.parts.at(0)), Codec::kH264);
  CHECK(played.decoded == sidecar->frames.size());
  CHECK(played.decoded >= 25);
  CHECK(played.decoded < 101);
}

TEST_CASE("a full disk at the start gives a missing clip and no files") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  io.set_capacity(1000);
  const ClipRecord record = record_clip(io, box_muxers());
  CHECK(record.status == ClipStatus::kMissing);
  CHECK(record.reason == "disk_full");
  CHECK(io.files().empty());
}

TEST_CASE("a file that reads back differently is never called complete") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  LyingIo lying(io);
  const ClipRecord record = record_clip(lying, box_muxers());
  CHECK(record.status == ClipStatus::kPartial);
  CHECK(record.reason == "io_error");
  const auto sidecar = read_sidecar(io, kFaultFolder + record.clip + ".json");
  REQUIRE(sidecar);
  CHECK(sidecar->record.status == ClipStatus::kPartial);
}

TEST_CASE("a clip whose process was killed plays up to its last fragment, and settle says what it holds") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  Answers answers;
  FaultyFileIo left;
  const std::string file = kFaultFolder + std::string(26, 'a') + ".mp4";
  {
    Recorder recorder(io, "/clips", answers.done());
    const auto stream = recorder.open("yubei", camera());
    for (std::size_t i = 0; i < 60; ++i) stream->packet(packet_of(h264_b_frames(), i));
    stream->request(request('a', 1.0, 9.5));
    const auto fragments = [&] {
      auto opened = io.open(file, OpenMode::kRead);
      return opened ? scan_fragments(**opened).value().fragments : 0;
    };
    for (std::size_t i = 60; i < 230 && fragments() < 3; ++i) {
      stream->packet(packet_of(h264_b_frames(), i));
      barrier(*stream, answers);
    }
    // The muxer works behind.
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (fragments() < 2 && std::chrono::steady_clock::now() < deadline) barrier(*stream, answers);
    REQUIRE(fragments() >= 2);
    copy(io, left);
  }
  left.put(file, left.content(file) + std::string("\0\0\1\0moof torn", 14));
  // The muxer works behind; how many fragments it had written by then is its own affair, what they hold is not.
  CHECK(play(left.content(file), Codec::kH264).decoded >= 25);
  const ClipRecord record = settle(left, "/clips", request('a', 1.0, 9.5));
  CHECK(record.status == ClipStatus::kPartial);
  CHECK(record.reason == "gateway_restarted");
  CHECK(record.from <= kStart + 1s);
  CHECK(record.to >= kStart + 1900ms);
  const auto sidecar = read_sidecar(left, kFaultFolder + record.clip + ".json");
  REQUIRE(sidecar);
  CHECK(verify_clip(left, "/clips", *sidecar));
  const Played played = play(left.content(file), Codec::kH264);
  REQUIRE(played.pts.size() == sidecar->frames.size());
  CHECK(played.decoded == played.pts.size());
  for (std::size_t i = 0; i < played.pts.size(); ++i) CHECK(std::chrono::abs(played.pts[i] - sidecar->frames[i].pts) < 100us);
  CHECK(sidecar->camera_name == "门口");
  CHECK(sidecar->zones == std::vector<std::string>{"hall", "stairs"});
  CHECK_FALSE(left.exists(kFaultFolder + record.clip + ".times"));
  CHECK(settle(left, "/clips", request('a', 1.0, 9.5)).sha256 == record.sha256);  // the second time finds its own words
}

TEST_CASE("settle is right wherever the writing stopped") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  io.fail_always(FileCall::kRename, Error{ErrorKind::kIo, "no sidecar, please"});
  const ClipRecord whole = record_clip(io, box_muxers());
  CHECK(whole.status == ClipStatus::kPartial);
  io.heal();
  const std::string file = "/clips/" + whole.parts.at(0);
  const std::string times = kFaultFolder + whole.clip + ".times";
  const std::string media = io.content(file);
  const std::string log = io.content(times);
  REQUIRE_FALSE(log.empty());
  const ClipRequest asked = request('a', 1.0, 5.0);

  std::size_t last = 0;
  for (std::size_t cut = 0; cut < media.size(); cut += std::max<std::size_t>(1, media.size() / 60)) {
    FaultyFileIo left;
    left.put(file, media.substr(0, cut));
    left.put(times, log);
    const ClipRecord record = settle(left, "/clips", asked);
    INFO("cut at " << cut);
    CHECK(record.status != ClipStatus::kComplete);
    CHECK(record.reason == "gateway_restarted");
    const auto sidecar = read_sidecar(left, kFaultFolder + record.clip + ".json");
    REQUIRE(sidecar);
    CHECK(verify_clip(left, "/clips", *sidecar));
    CHECK(sidecar->frames.size() % 25 <= 1);
    CHECK(sidecar->frames.size() >= last);
    last = sidecar->frames.size();
  }
  SECTION("everything is there: complete") {
    FaultyFileIo left;
    left.put(file, media);
    left.put(times, log);
    const ClipRecord record = settle(left, "/clips", asked);
    CHECK(record.status == ClipStatus::kComplete);
    CHECK(record.to == kStart + 5s);
    CHECK(settle(left, "/clips", request('b', 1.0, 5.0)).status == ClipStatus::kMissing);
  }
  SECTION("the end was to be later: partial") {
    FaultyFileIo left;
    left.put(file, media);
    left.put(times, log);
    CHECK(settle(left, "/clips", request('a', 1.0, 6.0)).reason == "gateway_restarted");
  }
  SECTION("the log knows of a flaw: partial for that") {
    FaultyFileIo left;
    left.put(file, media);
    left.put(times, log + "{\"reason\":\"queue_overflow\"}\n");
    CHECK(settle(left, "/clips", asked).reason == "queue_overflow");
  }
  SECTION("no times: it plays, but nobody can say when it was") {
    FaultyFileIo left;
    left.put(file, media);
    CHECK(settle(left, "/clips", asked).status == ClipStatus::kPartial);
  }
  SECTION("the power failed before anything was synced: missing") {
    FaultyFileIo left;
    left.put(file, "");
    left.put(times, log.substr(0, 100));
    const ClipRecord record = settle(left, "/clips", asked);
    CHECK(record.status == ClipStatus::kMissing);
    CHECK(record.reason == "gateway_restarted");
    CHECK_FALSE(left.exists(file));
  }
}

TEST_CASE("a recorder that is asked for a clip of an earlier process answers what is on disk") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  const ClipRecord first = record_clip(io, box_muxers());
  const ClipRecord again = record_clip(io, box_muxers());
  CHECK(again.status == ClipStatus::kComplete);
  CHECK(again.sha256 == first.sha256);
}

TEST_CASE("a disk slower than the camera costs a clip pictures, never memory, and it says so") {
  FaultyFileIo io;
  REQUIRE(io.make_directories("/clips"));
  std::promise<void> disk_is_back;
  auto back = disk_is_back.get_future().share();
  const MuxerFactory slow = [back](const StreamFormat&) -> Result<std::unique_ptr<ClipMuxer>> {
    back.wait();
    return std::make_unique<BoxMuxer>();
  };
  CameraConfig config = camera();
  config.clips.ring_bytes = 1 << 20;
  const std::uint64_t bound = config.clips.ring_bytes + (8u << 20);
  Answers answers;
  Recorder recorder(io, "/clips", answers.done(), slow);
  const auto stream = recorder.open("yubei", config);
  stream->request(request('a', 0.0, 3.0));
  const std::vector<std::byte> large(200'000);
  Encoded encoded{h264().format, {}};
  for (int i = 0; i < 76; ++i) encoded.units.push_back({large, 40ms * i, i % 5 == 0});
  const auto account = std::make_shared<MemoryAccount>();
  for (std::size_t i = 0; i < 75; ++i) {
    stream->packet(packet_of(encoded, i, "run1", {}, account));
    REQUIRE(stream->stats().queue_bytes <= bound);
    REQUIRE(account->held_bytes() <= bound + config.clips.ring_bytes);
  }
  CHECK(stream->stats().queue_drops > 10);
  disk_is_back.set_value();
  barrier(*stream, answers);
  stream->packet(packet_of(encoded, 75, "run1", {}, account));
  const ClipRecord record = answers.wait(2);
  CHECK(record.status == ClipStatus::kPartial);
  CHECK(record.reason == "queue_overflow");
  CHECK(record.to == kStart + 3s);  // went on with the next key frame
}
