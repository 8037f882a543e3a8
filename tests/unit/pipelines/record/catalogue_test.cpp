// SPDX-License-Identifier: MIT
#include "pipelines/record/catalogue.hpp"

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "pipelines/record/decode_times.hpp"
#include "pipelines/record/fragments.hpp"
#include "pipelines/record/recorder.hpp"
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

const std::string kFolder = "/clips/yubei/2026/09/21/";

struct Three {
  FaultyFileIo io;
  Three() {
    REQUIRE(io.make_directories("/clips"));
    Answers answers;
    Recorder recorder(io, "/clips", answers.done(), box_muxers());
    const auto stream = recorder.open("yubei", camera());
    for (std::size_t i = 0; i < 100; ++i) stream->packet(packet_of(h264(), i));
    stream->request(request('a', 0.0, 1.0));
    stream->request(request('b', 1.0, 2.0));
    stream->request(request('c', 2.0, 3.0));
    for (std::size_t n = 1; n <= 3; ++n) REQUIRE(answers.wait(n).status == ClipStatus::kComplete);
  }
  std::string replaced(const std::string& path, const std::string& from, const std::string& to) {
    std::string text = io.content(path);
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  }
};

}  // namespace

TEST_CASE("clips are listed newest first, and a changed file is noticed") {
  Three three;
  const auto clips = list_clips(three.io, "/clips");
  REQUIRE(clips);
  REQUIRE(clips->size() == 3);
  CHECK((*clips)[0].record.clip == std::string(26, 'c'));
  CHECK((*clips)[2].record.clip == std::string(26, 'a'));
  for (const Sidecar& clip : *clips) CHECK(verify_clip(three.io, "/clips", clip));
  CHECK(read_sidecar(three.io, sidecar_path("/clips", (*clips)[0]))->frames.size() == 26);

  const std::string file = "/clips/" + (*clips)[1].record.parts[0];
  three.io.corrupt(file, three.io.content(file).size() - 1, '\x7f');
  const auto changed = verify_clip(three.io, "/clips", (*clips)[1]);
  REQUIRE_FALSE(changed);
  CHECK(changed.error().kind == ErrorKind::kCorrupt);
  CHECK(settle(three.io, "/clips", (*clips)[1].request).reason == "io_error");
  CHECK(list_clips(three.io, "/nowhere")->empty());
}

TEST_CASE("retention takes the oldest first, by age and by bytes, and removal leaves nothing behind") {
  Three three;
  const auto clips = list_clips(three.io, "/clips");
  REQUIRE(clips);
  StorageConfig limits;
  CHECK(plan_retention(limits, *clips, kStart + 1h).empty());
  CHECK(plan_retention(limits, *clips, kStart + limits.most_age + 1h).size() == 3);

  limits.most_bytes = (*clips)[0].record.bytes + (*clips)[1].record.bytes;
  auto leaving = plan_retention(limits, *clips, kStart + 1h);
  REQUIRE(leaving.size() == 1);
  CHECK(leaving[0].record.clip == std::string(26, 'a'));
  limits.most_bytes -= 1;
  CHECK(plan_retention(limits, *clips, kStart + 1h).size() == 2);

  REQUIRE(remove_clip(three.io, "/clips", leaving[0]));
  CHECK(list_clips(three.io, "/clips")->size() == 2);
  CHECK(three.io.files().size() == 4);
}

TEST_CASE("a sidecar of a newer version is refused and left untouched") {
  Three three;
  const std::string path = kFolder + std::string(26, 'a') + ".json";
  const std::string newer = three.replaced(path, "\"version\":1", "\"version\":2");
  three.io.put(path, newer);
  const auto read = read_sidecar(three.io, path);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::kNewerFormat);
  CHECK(settle(three.io, "/clips", request('a', 0.0, 1.0)).reason == "newer_format");
  CHECK(three.io.content(path) == newer);
  CHECK(list_clips(three.io, "/clips")->size() == 2);
}

TEST_CASE("a sidecar cannot lead to another file, and a damaged one is an error, not a crash") {
  Three three;
  const std::string path = kFolder + std::string(26, 'a') + ".json";
  const std::string good = three.io.content(path);
  three.io.put(path, three.replaced(path, "yubei/2026/09/21/aaaaaaaaaaaaaaaaaaaaaaaaaa.mp4", "../../etc/passwd"));
  CHECK(read_sidecar(three.io, path).error().kind == ErrorKind::kCorrupt);
  for (std::size_t cut = 0; cut + 2 < good.size(); cut += 37) {
    three.io.put(path, good.substr(0, cut));
    CHECK_FALSE(read_sidecar(three.io, path));
  }
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    three.io.put(path, bad);
    (void)read_sidecar(three.io, path);
  }
  three.io.put(path, good);
  CHECK(read_sidecar(three.io, path));
}

TEST_CASE("boxes that contradict themselves end the scan at the last whole fragment") {
  Three three;
  const std::string path = kFolder + std::string(26, 'a') + ".mp4";
  const std::string good = three.io.content(path);
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    bad[random() % std::min<std::size_t>(bad.size(), 120)] = static_cast<char>(random());
    three.io.put(path, bad);
    auto file = three.io.open(path, OpenMode::kRead);
    REQUIRE(file);
    const auto scan = scan_fragments(**file);
    REQUIRE(scan);
    REQUIRE(scan->whole_bytes <= scan->file_bytes);
  }
}

TEST_CASE("decode times rise strictly and never pass their pictures, whatever the order") {
  std::mt19937 random(3);
  for (std::size_t depth : {0u, 1u, 2u, 4u, 8u, 16u}) {
    std::vector<MediaTime> pts;
    for (int i = 0; i < 300; ++i) pts.push_back(MediaTime(40ms * i + std::chrono::microseconds(random() % 9000)));
    for (std::size_t i = 0; i + depth < pts.size(); i += depth + 1)
      std::rotate(pts.begin() + static_cast<std::ptrdiff_t>(i), pts.begin() + static_cast<std::ptrdiff_t>(i + depth),
                  pts.begin() + static_cast<std::ptrdiff_t>(i + depth + 1));
    DecodeTimes times(std::span<const MediaTime>(pts).first(DecodeTimes::kLookAhead));
    CHECK(times.depth() == (depth == 0 ? 0u : 1u));
    std::optional<MediaTime> last;
    for (MediaTime each : pts) {
      const auto given = times.next(each);
      REQUIRE(given.pts == each);
      REQUIRE(given.dts <= given.pts);
      if (last) REQUIRE(given.dts > *last);
      last = given.dts;
    }
  }
  // A picture later than the first 32 let expect: its presentation moves rather than the file breaks.
  std::vector<MediaTime> flat;
  for (int i = 0; i < 32; ++i) flat.push_back(MediaTime(40ms * i));
  DecodeTimes times{std::span<const MediaTime>(flat)};
  for (MediaTime each : flat) times.next(each);
  const auto late = times.next(MediaTime(1200ms));
  CHECK(late.dts > MediaTime(1240ms));
  CHECK(late.pts == late.dts);
}
