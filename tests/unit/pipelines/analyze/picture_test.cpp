// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "base/text.hpp"
#include "pipelines/analyze/geometry.hpp"
#include "pipelines/analyze/health_facts.hpp"
#include "pipelines/analyze/ignore_mask.hpp"
#include "pipelines/analyze/picture_watch.hpp"
#include "tests/support/scripted_detector.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using std::chrono::milliseconds;
using test::grey_frame;
using test::media;

namespace {

HealthConfig health() {
  HealthConfig config;
  config.freeze_after = milliseconds(10000);
  config.dark_after = milliseconds(3000);
  return config;
}

using Pixels = std::function<std::function<std::uint8_t(int, int)>(int frame)>;

PictureWatch::Verdict watch(const Pixels& pixels, int seconds, const std::vector<Polygon>& ignore = {},
                            milliseconds freeze_after = milliseconds(10000)) {
  HealthConfig config = health();
  config.freeze_after = freeze_after;
  PictureWatch picture(config);
  IgnoreMask mask(ignore);
  PictureWatch::Verdict verdict;
  for (int i = 0; i <= 5 * seconds; ++i) {
    const Frame frame = grey_frame("c", "r", 200 * i, pixels(i));
    const ImageView image = mask.apply(frame.image());
    verdict = picture.look(image, mask, frame.pts);
  }
  return verdict;
}

}  // namespace

TEST_CASE("a picture that never changes is frozen after the configured time") {
  const auto still = [](int) { return test::noise(1); };
  CHECK(watch(still, 19, {}, milliseconds(20000)).changing == Truth::kUnknown);
  CHECK(watch(still, 20, {}, milliseconds(20000)).changing == Truth::kFalse);
}

TEST_CASE("no picture is called frozen sooner than 12 s, however short the configured time") {
  const auto still = [](int) { return test::noise(1); };
  CHECK(watch(still, 11, {}, milliseconds(2000)).changing == Truth::kUnknown);
  CHECK(watch(still, 12, {}, milliseconds(2000)).changing == Truth::kFalse);
}

TEST_CASE("a living room that is sent as skipped blocks between key frames 10 s apart is alive") {
  const Pixels skipped = [](int i) { return test::noise(1 + i / 50); };
  for (int seconds = 1; seconds < 120; seconds += 7) CHECK(watch(skipped, seconds).changing != Truth::kFalse);
  CHECK(watch(skipped, 120).changing == Truth::kTrue);
}

TEST_CASE("a room that freezes is frozen, and alive again with its first living picture") {
  const auto at = [](int from, int to) -> Pixels { return [=](int i) { return test::noise(i >= 5 * from && i < 5 * to ? 5 * from : i); }; };
  CHECK(watch(at(20, 60), 31).changing == Truth::kTrue);
  CHECK(watch(at(20, 60), 33).changing == Truth::kFalse);
  CHECK(watch(at(20, 60), 59).changing == Truth::kFalse);
  CHECK(watch(at(20, 60), 61).changing == Truth::kTrue);
}

TEST_CASE("a frozen picture that the encoder refines all through each GOP, and never twice from the same start, is frozen") {
  // Each key frame is off by another pattern; nine frames bring it back to the same picture.
  const Pixels refined = [](int i) -> std::function<std::uint8_t(int, int)> {
    const auto still = test::noise(1);
    const auto coarse = test::noise(100 + i / 10);
    const int left = 9 - i % 10;
    return [=](int x, int y) {
      return (x * 7 + y * 3) % 9 < left ? static_cast<std::uint8_t>((still(x, y) + coarse(x, y)) / 2) : still(x, y);
    };
  };
  CHECK(watch(refined, 60).changing == Truth::kFalse);
}

TEST_CASE("sensor noise of an empty room is life") {
  CHECK(watch([](int i) { return test::noise(i); }, 30).changing == Truth::kTrue);
}

TEST_CASE("a frozen picture that is encoded anew at each key frame is still frozen") {
  // A key frame every second changes a quarter of the pixels by 2 to 6 levels, one refining frame follows.
  const Pixels pulsing = [](int i) -> std::function<std::uint8_t(int, int)> {
    const auto still = test::noise(1);
    const int phase = i % 5;
    return [=](int x, int y) {
      const int pop = (x + y) % 4 == 0 ? (phase == 0 ? 2 + (i / 5) % 5 : phase == 1 ? 1 : 0) : 0;
      return static_cast<std::uint8_t>(still(x, y) + pop);
    };
  };
  CHECK(watch(pulsing, 30).changing == Truth::kFalse);
}

TEST_CASE("something small that moves in a noiseless picture is life") {
  const Pixels moving = [](int i) -> std::function<std::uint8_t(int, int)> {
    const int left = 4 * (i % 25);
    return [=](int x, int y) { return static_cast<std::uint8_t>(x >= left && x < left + 8 && y >= 30 && y < 38 ? 200 : 60); };
  };
  CHECK(watch(moving, 20).changing == Truth::kTrue);
}

TEST_CASE("a clock burnt into a frozen picture can be masked away") {
  const Pixels clock = [](int i) -> std::function<std::uint8_t(int, int)> {
    return [=](int x, int y) { return static_cast<std::uint8_t>(x < 30 && y < 10 ? (i / 5 % 2 ? 240 : 10) : 80); };
  };
  CHECK(watch(clock, 20).changing == Truth::kTrue);
  CHECK(watch(clock, 20, {{{0, 0}, {0.25, 0}, {0.25, 0.15}, {0, 0.15}}}).changing == Truth::kFalse);
}

TEST_CASE("a picture is dark when it stays below the limit, and not because of what is masked") {
  const Pixels black = [](int i) { return test::noise(i, 10); };
  CHECK(watch(black, 2).dim);
  CHECK_FALSE(watch(black, 2).dark);
  CHECK(watch(black, 3).dark);
  const Pixels half = [](int i) -> std::function<std::uint8_t(int, int)> {
    const auto noise = test::noise(i, 30);
    return [=](int x, int y) { return x < 96 ? noise(x, y) : std::uint8_t{60}; };
  };
  CHECK_FALSE(watch(half, 5, {{{0.75, 0}, {1, 0}, {1, 1}, {0.75, 1}}}).dim);
}

TEST_CASE("masked pixels are blank in every plane and the others are untouched") {
  constexpr int kMaskedWidth = 64, kMaskedHeight = 32;
  std::vector<std::uint8_t> bytes(kMaskedWidth * kMaskedHeight * 3 / 2, 77);
  ImageView image;
  image.width = kMaskedWidth;
  image.height = kMaskedHeight;
  const bool planar = GENERATE(true, false);
  image.format = planar ? PixelFormat::kI420 : PixelFormat::kNv12;
  image.planes[0] = {bytes.data(), kMaskedWidth};
  image.planes[1] = {bytes.data() + kMaskedWidth * kMaskedHeight, planar ? kMaskedWidth / 2 : kMaskedWidth};
  if (planar) image.planes[2] = {bytes.data() + kMaskedWidth * kMaskedHeight * 5 / 4, kMaskedWidth / 2};

  IgnoreMask mask({{{0.25, 0.25}, {0.5, 0.25}, {0.5, 0.75}, {0.25, 0.75}}});
  const ImageView masked = mask.apply(image);
  int wrong = 0;
  for (int y = 0; y < kMaskedHeight; ++y)
    for (int x = 0; x < kMaskedWidth; ++x) {
      const bool inside = x >= 16 && x < 32 && y >= 8 && y < 24;
      wrong += masked.planes[0].data[y * masked.planes[0].stride + x] != (inside ? 16 : 77);
      const int cx = planar ? x / 2 : x / 2 * 2;
      wrong += masked.planes[1].data[y / 2 * masked.planes[1].stride + cx] != (inside ? 128 : 77);
      wrong += mask.covers(x, y) != inside;
    }
  CHECK(wrong == 0);
  CHECK(bytes == std::vector<std::uint8_t>(bytes.size(), 77));
}

TEST_CASE("without ignored regions the picture is passed through uncopied") {
  const Frame frame = grey_frame("c", "r", 0, test::noise(1));
  IgnoreMask mask({});
  CHECK(mask.apply(frame.image()).planes[0].data == frame.image().planes[0].data);
  CHECK_FALSE(mask.covers(0, 0));
}

TEST_CASE("a place belongs to the first zone that holds its foot point") {
  const Polygon left{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}};
  const std::vector<ZoneView> views{{"left", left}, {"all", {}}};
  CHECK(zone_of(views, {0.25, 0.5}) == "left");
  CHECK(zone_of(views, {0.75, 0.5}) == "all");
  CHECK(zone_of({{"left", left}}, {0.75, 0.5}).empty());
  CHECK(contains(left, foot_point({0.2, 0.8, 0.1, 0.2}, "person")));  // cut off by the lower edge
  CHECK(foot_point({0.2, 0.4, 0.2, 0.2}, "face") == Point{0.30000000000000004, 0.5});
}

TEST_CASE("the words of an error are said, and packets are told as they came") {
  struct Row {
    Error why;
    bool packets_arrive;
    Truth packets, decodable;
  };
  const auto row = GENERATE(
      Row{{ErrorKind::kStalled, "no whole picture for 4 s although packets arrive"}, true, Truth::kTrue, Truth::kFalse},
      Row{{ErrorKind::kStalled, "no packets for 4 s although the connection is open"}, false, Truth::kFalse, Truth::kUnknown},
      Row{{ErrorKind::kUnsupported, "the camera takes the password only in the clear (Basic)"}, false, Truth::kFalse, Truth::kUnknown},
      Row{{ErrorKind::kCorrupt, "packets arrive, but none could be decoded for 8 s"}, true, Truth::kTrue, Truth::kFalse},
      Row{{ErrorKind::kNoBandwidth, "the camera is too busy to serve (status 503)"}, false, Truth::kFalse, Truth::kUnknown});
  HealthFacts facts{HealthConfig{}};
  facts.run_ended(row.why, row.packets_arrive);
  const auto said = *facts.report();
  CHECK(said.cause == row.why.message);
  CHECK(said.fact(HealthFact::kPacketsArriving) == row.packets);
  CHECK(said.fact(HealthFact::kDecodable) == row.decodable);
}

TEST_CASE("words without end are cut between characters") {
  HealthFacts facts{HealthConfig{}};
  std::string words = "x";
  while (words.size() < 5000) words += "码";
  facts.run_ended({ErrorKind::kIo, words}, std::nullopt);
  const std::string cause = facts.report()->cause;
  CHECK(cause.size() <= 303);
  CHECK(find_invalid_utf8(cause) == std::string::npos);
}
