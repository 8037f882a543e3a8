// SPDX-License-Identifier: MIT
#include "pipelines/analyze/stillness.hpp"

#include <catch2/catch.hpp>

#include "tests/support/scripted_detector.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using test::media;

namespace {

// A face painted as a gradient with two dark eyes, 40 px wide at (x, y), with sensor noise; `turn` shifts what is inside.
Frame picture(std::int64_t at_ms, double x, double y, int turn = 0, int light = 0) {
  const auto noise = test::noise(at_ms, 0);
  return test::grey_frame(
      "hall", "r", at_ms,
      [=](int px, int py) {
        const int fx = px - static_cast<int>(x);
        const int fy = py - static_cast<int>(y);
        int level = 90 + light;
        if (fx >= 0 && fx < 40 && fy >= 0 && fy < 48) {
          level = 120 + light + fy / 2;
          const int eye = fy > 14 && fy < 22 && ((fx + turn > 8 && fx + turn < 16) || (fx + turn > 24 && fx + turn < 32));
          if (eye) level -= 70;
        }
        return static_cast<std::uint8_t>(level + static_cast<std::int8_t>(noise(px, py)));
      },
      320, 180);
}

Track track_at(double x, double y) {
  Track track;
  track.label = "face";
  track.seen = true;
  track.box = {x / 320, y / 180, 40.0 / 320, 48.0 / 180};
  return track;
}

struct Watch {
  bool look(Track& track, std::int64_t second, double x, double y, int turn = 0, int light = 0) {
    track.box = track_at(x, y).box;
    return stillness.look(picture(second * 1000, x, y, turn, light).image(), track, media(second * 1000));
  }
  Stillness stillness;
};

}  // namespace

TEST_CASE("a portrait is static after two minutes, and not before") {
  Watch watch;
  Track track = track_at(100, 60);
  for (int s = 0; s < 120; ++s) {
    // Detectors draw the same face a little differently each time.
    watch.look(track, s, 100 + s % 3 * 0.0, 60);
    CHECK_FALSE(track.face.is_static);
  }
  CHECK(watch.look(track, 120, 100, 60));
  CHECK(track.face.is_static);
  CHECK_FALSE(watch.look(track, 121, 100, 60));
}

TEST_CASE("a detector that trembles does not make a portrait alive") {
  Watch watch;
  Track track = track_at(100, 60);
  for (int s = 0; s <= 121; ++s) {
    track.box = track_at(100 + s % 3, 60 + s % 2).box;
    watch.stillness.look(picture(s * 1000, 100, 60).image(), track, media(s * 1000));
  }
  CHECK(track.face.is_static);
}

TEST_CASE("who walked in is never static, however still he sits") {
  Watch watch;
  Track track = track_at(40, 60);
  for (int s = 0; s < 5; ++s) watch.look(track, s, 40 + 12 * s, 60);
  for (int s = 5; s < 400; ++s) watch.look(track, s, 100, 60);
  CHECK(track.face.has_moved);
  CHECK_FALSE(track.face.is_static);
}

TEST_CASE("a head that turns in its place is alive again each time") {
  Watch watch;
  Track track = track_at(100, 60);
  for (int s = 0; s < 400; ++s) {
    watch.look(track, s, 100, 60, s / 90 % 2 == 0 ? 0 : 6);
    CHECK_FALSE(track.face.is_static);
  }
}

TEST_CASE("a lamp that is switched on does not bring a portrait to life for longer than two minutes") {
  Watch watch;
  Track track = track_at(100, 60);
  for (int s = 0; s <= 100; ++s) watch.look(track, s, 100, 60);
  for (int s = 101; s <= 225; ++s) watch.look(track, s, 100, 60, 0, 40);
  CHECK(track.face.is_static);
}

TEST_CASE("a static face that moves is static no more, and never again") {
  Watch watch;
  Track track = track_at(100, 60);
  for (int s = 0; s <= 121; ++s) watch.look(track, s, 100, 60);
  REQUIRE(track.face.is_static);
  CHECK(watch.look(track, 122, 125, 60));
  CHECK_FALSE(track.face.is_static);
  for (int s = 123; s < 400; ++s) watch.look(track, s, 125, 60);
  CHECK_FALSE(track.face.is_static);
}

TEST_CASE("somebody hidden for a moment by one who walks by keeps his life; half a minute later it is another's place") {
  Watch watch;
  Track sitting = track_at(40, 60);
  for (int s = 0; s < 10; ++s) watch.look(sitting, s, 40 + 6 * s, 60);
  watch.stillness.forget(sitting, media(10'000));
  Track back = track_at(94, 60);
  watch.look(back, 20, 94, 60);
  CHECK(back.face.has_moved);
  Track late = track_at(94, 60);
  watch.look(late, 60, 94, 60);
  CHECK_FALSE(late.face.has_moved);
}

TEST_CASE("looks of one picture differ by noise alone, of a turned head by much more") {
  const Box box = track_at(100, 60).box;
  const auto first = look_of(picture(1, 100, 60).image(), box);
  REQUIRE(first.size() == 64);
  CHECK(difference(first, look_of(picture(2, 100, 60).image(), box)) < 0.08);
  CHECK(difference(first, look_of(picture(3, 100, 60, 6).image(), box)) > 0.2);
  CHECK(difference(first, {}) == 2);
  CHECK(look_of(picture(1, 100, 60).image(), Box{0.5, 0.5, 0.01, 0.01}).empty());
}

TEST_CASE("figures of looks", "[.figures]") {
  const Box box = track_at(100, 60).box;
  const auto first = look_of(picture(1, 100, 60).image(), box);
  for (int turn : {0, 1, 2, 3, 4, 6})
    WARN("turned by " << turn << " px: " << difference(first, look_of(picture(9, 100, 60, turn).image(), box)));
  for (int moved : {1, 2, 3, 4})
    WARN("moved by " << moved << " px: " << difference(first, look_of(picture(9, 100 + moved, 60).image(), box)));
}
