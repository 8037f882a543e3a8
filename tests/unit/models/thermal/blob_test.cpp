// SPDX-License-Identifier: MIT
#include "models/thermal/blob.hpp"

#include <algorithm>
#include <optional>

#include <catch2/catch.hpp>

#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using test::Picture;

namespace {

// An infrared camera over a room: a smooth floor, a warm radiator, noise, an overall level, and at most one person.
struct Room {
  int width = 320, height = 240;
  int noise = 3;       // levels, +-
  int level = 0;       // added to everything
  int radiator = 150;  // grey level
  struct Person {
    int x, y, width, height, grey;
  };
  std::optional<Person> person;

  Picture picture(std::uint32_t number) const {
    Picture out(PixelFormat::kGray8, width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        int grey = 70 + 20 * y / height;
        if (x > width - 60 && y > height - 50) grey = radiator;
        if (person && x >= person->x && x < person->x + person->width && y >= person->y && y < person->y + person->height)
          grey = person->grey;
        const auto random = test::scrambled(number * 1000003U + static_cast<std::uint32_t>(y * width + x));
        grey += level + (noise == 0 ? 0 : static_cast<int>(random % static_cast<std::uint32_t>(2 * noise + 1)) - noise);
        out.row(0, y)[x] = static_cast<std::uint8_t>(std::clamp(grey, 0, 255));
      }
    }
    return out;
  }
};

// Five pictures a second through one detector and one state.
struct Watch {
  std::unique_ptr<models::Detector> detector = std::move(*models::make_thermal_blob({0.6, 20}));
  std::unique_ptr<models::DetectorState> state = detector->make_state();
  std::uint32_t number = 0;

  models::DetectionResult see(const Room& room) {
    const auto picture = room.picture(number);
    return detector->detect(picture.view(), MediaTime(std::chrono::milliseconds(200) * number++), *state);
  }
  models::DetectionResult see(const Room& room, int times) {
    models::DetectionResult last;
    for (int i = 0; i < times; ++i) last = see(room);
    return last;
  }
};

constexpr Room::Person kPerson{100, 60, 40, 120, 180};

}  // namespace

TEST_CASE("an empty room with noise shows nobody, in any of 60 pictures") {
  Room room;
  room.noise = GENERATE(0, 3, 8, 15);
  Watch watch;
  for (int i = 0; i < 60; ++i) {
    const auto result = watch.see(room);
    CHECK(result.detections.empty());
    CHECK(result.blind.empty());
  }
}

TEST_CASE("somebody who comes is one person at the right place, and nobody once gone") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  room.person = kPerson;
  const auto seen = watch.see(room);
  REQUIRE(seen.detections.size() == 1);
  CHECK(seen.detections[0].label == "person");
  CHECK(seen.detections[0].score > 0.8);
  const Box truth{100 / 320., 60 / 240., 40 / 320., 120 / 240.};
  CHECK(intersection_over_union(seen.detections[0].box, truth) > 0.85);
  CHECK(watch.see(room, 300).detections.size() == 1);  // standing still for a minute
  room.person.reset();
  CHECK(watch.see(room).detections.empty());
  CHECK(watch.see(room, 20).detections.empty());
}

TEST_CASE("a jump of the whole level is nobody, and a person is still seen right after it") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  room.level = GENERATE(-50, -20, 25, 60);
  CHECK(watch.see(room).detections.empty());
  CHECK(watch.see(room, 10).detections.empty());
  room.person = kPerson;
  room.person->grey = 150;
  CHECK(watch.see(room).detections.size() == 1);
}

TEST_CASE("a slow warming of the room by 40 levels in 10 minutes is nobody") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  std::size_t seen = 0;
  for (int i = 0; i < 3000; i += 10) {
    room.level = 40 * i / 3000;
    room.radiator = 150 + 20 * i / 3000;
    watch.number += 9;
    seen += watch.see(room).detections.size();
  }
  CHECK(seen == 0);
}

TEST_CASE("what is smaller than asked for is nobody") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  room.person = Room::Person{100, 60, 12, 14, 200};
  CHECK(watch.see(room).detections.empty());
  room.person = Room::Person{100, 60, 14, 26, 200};
  CHECK(watch.see(room).detections.size() == 1);
}

TEST_CASE("two people are two, the warmer first") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  room.person = kPerson;
  auto picture = room.picture(1000);
  for (int y = 80; y < 180; ++y) std::fill_n(picture.row(0, y) + 200, 30, std::uint8_t{140});
  const auto result = watch.detector->detect(picture.view(), MediaTime(std::chrono::seconds(5)), *watch.state);
  REQUIRE(result.detections.size() == 2);
  CHECK(result.detections[0].score > result.detections[1].score);
  CHECK(result.detections[1].box.x == Approx(200 / 320.).margin(0.01));
}

TEST_CASE("one single level is blind, and does not become the background") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  Picture shutter(PixelFormat::kGray8, 320, 240, 90);
  const auto closed = watch.detector->detect(shutter.view(), MediaTime(std::chrono::seconds(5)), *watch.state);
  CHECK(closed.blind == "low_contrast");
  CHECK(closed.detections.empty());
  watch.number = 30;
  const auto open = watch.see(room);
  CHECK(open.blind.empty());
  CHECK(open.detections.empty());
}

TEST_CASE("a picture so bright that nothing warmer could show is blind, not empty") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  room.level = 200;
  CHECK(watch.see(room).blind == "low_contrast");
}

TEST_CASE("another scene is blind once and then watched as the new background") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  auto turned = [&] {  // the camera was turned: stripes of 40 levels where the floor was
    auto picture = room.picture(watch.number);
    for (int y = 0; y < room.height; ++y) {
      for (int x = 0; x < room.width; ++x) picture.row(0, y)[x] = static_cast<std::uint8_t>(picture.row(0, y)[x] + (x / 40 % 2) * 40);
    }
    return watch.detector->detect(picture.view(), MediaTime(std::chrono::milliseconds(200) * watch.number++), *watch.state);
  };
  const auto first = turned();
  CHECK(first.blind == "scene_changed");
  CHECK(first.detections.empty());
  for (int i = 0; i < 10; ++i) {
    const auto next = turned();
    CHECK(next.blind.empty());
    CHECK(next.detections.empty());
  }
}

TEST_CASE("another size of picture starts the background anew") {
  Room room;
  Watch watch;
  watch.see(room, 20);
  room.width = 160;
  room.height = 120;
  const auto result = watch.see(room);
  CHECK(result.blind.empty());
  CHECK(result.detections.empty());
}
