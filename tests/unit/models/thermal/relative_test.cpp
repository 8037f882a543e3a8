// SPDX-License-Identifier: MIT
#include "models/thermal/relative.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <catch2/catch.hpp>

#include "models/thermal/presence.hpp"
#include "tests/support/thermal_scene/grey.hpp"
#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using namespace kanhu::thermal_scene;
using models::RelativeThermal;
using models::ThermalPalette;

namespace {

MediaTime at_second(double seconds) { return MediaTime(std::chrono::nanoseconds(static_cast<long long>(seconds * 1e9))); }

// A room of 6.4 by 4.8 metres, warmer to the right, with a cool window; somebody where `person_x` says, negative: nobody.
Scene room(
    double seconds, std::function<double(double)> person_x = [](double) { return -1.0; }) {
  Scene scene;
  scene.seconds = seconds;
  scene.sensor = grey_sensor();
  scene.sensor.frames_per_second = 4;
  scene.at = [person_x](double t) {
    Moment now;
    const double x = person_x(t);
    if (x < 0) return now;
    now.bodies.push_back({x, 2.4, 0.24, 0.2, 29.5, 0.2, 1});
    now.bodies.push_back({x, 2.35, 0.10, 0.11, 33, 0.25, 1});
    now.people = 1;
    return now;
  };
  scene.furniture = [](double x, double y) { return 0.15 * x - 1.2 * std::exp(-y / 0.6); };
  return scene;
}

// In from the left at `from` seconds at 0.8 m/s up to `to` metres, where he stays.
std::function<double(double)> walks_in(double from, double to = 3.2) {
  return [=](double t) { return t < from ? -1.0 : std::min(to, 0.8 * (t - from)); };
}

GreyLook small_look() {
  GreyLook look;
  look.width = 160;
  look.height = 120;
  return look;
}

struct Shown {
  double seconds;
  ThermalFrame frame;
  int people;
};

std::vector<Shown> shown(const Scene& scene, const GreyLook& look, ThermalPalette palette = ThermalPalette::kAuto) {
  GreyCamera camera(scene, look, 3);
  RelativeThermal relative({palette});
  std::vector<Shown> all;
  while (const auto picture = camera.next())
    all.push_back({picture->seconds, relative.convert(picture->view(), at_second(picture->seconds)), picture->truth.people});
  return all;
}

const Shown& last_before(const std::vector<Shown>& all, double seconds) {
  REQUIRE(!all.empty());
  const Shown* found = &all.front();
  for (const Shown& one : all)
    if (one.seconds < seconds) found = &one;
  return *found;
}

// Degrees (nominal) of a place given in metres of the room.
double degrees(const ThermalFrame& frame, double x_m, double y_m) {
  const int column = static_cast<int>(x_m / 6.4 * frame.width), row = static_cast<int>(y_m / 4.8 * frame.height);
  return frame.values.at(static_cast<std::size_t>(row * frame.width + column)) / 100.0;
}

// The share of places in which two frames differ by more than a nominal degree.
double differing(const ThermalFrame& a, const ThermalFrame& b) {
  REQUIRE(a.values.size() == b.values.size());
  long count = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) count += std::abs(a.values[i] - b.values[i]) > 100 ? 1 : 0;
  return static_cast<double>(count) / static_cast<double>(a.values.size());
}

long count_blind(const std::vector<Shown>& all, const std::string& reason) {
  return std::count_if(all.begin(), all.end(), [&](const Shown& one) { return one.frame.blind == reason; });
}

}  // namespace

TEST_CASE("a picture becomes a relative frame of at most 80 columns in which warm is more", "[thermal]") {
  const auto all = shown(room(12, walks_in(2)), small_look());
  const ThermalFrame& frame = all.back().frame;
  CHECK(frame.kind == ThermalKind::kRelative);
  CHECK(frame.width == 80);
  CHECK(frame.height == 60);
  CHECK(frame.blind.empty());
  CHECK(all.front().frame.width == 80);
  CHECK(degrees(frame, 3.2, 2.4) > degrees(frame, 3.2, 3.6) + 8);
}

TEST_CASE("a step of the camera's gain leaves the room where it was", "[thermal]") {
  GreyLook look = small_look();
  look.step_at_s = 10;
  const auto all = shown(room(14), look, ThermalPalette::kWhiteHot);
  CHECK(differing(last_before(all, 10).frame, all.back().frame) < 0.02);
  CHECK(count_blind(all, "scene_changed") == 0);
}

TEST_CASE("somebody is as warm after a step of the gain as before", "[thermal]") {
  GreyLook look = small_look();
  look.step_at_s = 12;
  const auto all = shown(room(16, walks_in(2)), look, ThermalPalette::kWhiteHot);
  CHECK(degrees(all.back().frame, 3.2, 2.4) ==
        Approx(degrees(last_before(all, 12).frame, 3.2, 2.4)).margin(8));  // the whitest are cut before
}

TEST_CASE("black hot is found out from whoever walks in", "[thermal]") {
  GreyLook look = small_look();
  look.palette = Palette::kBlackHot;
  look.format = PixelFormat::kGray8;
  const auto all = shown(room(14, walks_in(3)), look);
  CHECK(count_blind(all, "polarity_unknown") > 0);
  CHECK(all.back().frame.blind.empty());
  CHECK(degrees(all.back().frame, 3.2, 2.4) > degrees(all.back().frame, 3.2, 3.6) + 8);
}

TEST_CASE("somebody who was there at the start shows the polarity by leaving", "[thermal]") {
  GreyLook look = small_look();
  look.palette = Palette::kBlackHot;
  const auto all =
      shown(room(24, [](double t) { return t < 6    ? 3.2
                                           : t < 11 ? 3.2 - 0.8 * (t - 6)
                                           : t < 16 ? -1.0
                                                    : 0.8 * (t - 16); }), look);
  CHECK(last_before(all, 6).frame.blind == "polarity_unknown");
  CHECK(all.back().frame.blind.empty());
  CHECK(degrees(all.back().frame, 6.0, 2.4) > degrees(all.back().frame, 6.0, 3.6) + 8);
}

TEST_CASE("an empty room needs no polarity to be shown", "[thermal]") {
  const auto all = shown(room(4), small_look());
  CHECK(all.back().frame.blind.empty());
}

TEST_CASE("a configured polarity is believed from the first picture on", "[thermal]") {
  GreyLook look = small_look();
  look.palette = Palette::kBlackHot;
  const auto all = shown(room(4, [](double) { return 3.2; }), look, ThermalPalette::kBlackHot);
  CHECK(count_blind(all, "polarity_unknown") == 0);
  CHECK(degrees(all.back().frame, 3.2, 2.4) > degrees(all.back().frame, 3.2, 3.6) + 8);
}

TEST_CASE("colours are read as warmth", "[thermal]") {
  for (const Palette palette : {Palette::kIronbow, Palette::kRainbow, Palette::kRedHot}) {
    GreyLook look = small_look();
    look.palette = palette;
    const auto all = shown(room(12, walks_in(2)), look);
    const ThermalFrame& frame = all.back().frame;
    INFO("palette " << static_cast<int>(palette));
    CHECK(frame.blind.empty());
    CHECK(degrees(frame, 3.2, 2.4) > degrees(frame, 3.2, 3.6) + 6);
    CHECK(degrees(frame, 3.2, 2.4) > degrees(frame, 6.0, 3.6) + 5);
  }
}

TEST_CASE("another palette is recognised within a second", "[thermal]") {
  GreyLook look = small_look();
  look.palette_change_at_s = 12;
  const auto all = shown(room(18, walks_in(2)), look);
  for (const Shown& one : all)
    if (one.seconds > 13.1) CHECK((one.frame.blind.empty() && !one.frame.calibrating));
  CHECK(degrees(all.back().frame, 3.2, 2.4) > degrees(all.back().frame, 3.2, 3.6) + 5);
}

TEST_CASE("a negative in mid-stream changes nothing", "[thermal]") {
  GreyLook look = small_look();
  look.inversion_at_s = 12;
  const auto all = shown(room(14, walks_in(2)), look);
  CHECK(differing(last_before(all, 12).frame, all.back().frame) < 0.02);
  CHECK(count_blind(all, "scene_changed") == 0);
}

TEST_CASE("text in the picture is not in the frame", "[thermal]") {
  GreyLook look = small_look();
  look.width = 320;
  look.height = 240;
  const auto without = shown(room(6), look, ThermalPalette::kWhiteHot);
  look.text = true;
  const auto with = shown(room(6), look, ThermalPalette::kWhiteHot);
  CHECK(differing(without.back().frame, with.back().frame) < 0.01);
  CHECK(differing(without.front().frame, with.front().frame) < 0.01);
}

TEST_CASE("somebody under the crosshair stays there", "[thermal]") {
  GreyLook look = small_look();
  look.text = true;
  const auto all = shown(room(14, walks_in(2)), look, ThermalPalette::kWhiteHot);
  const ThermalFrame& frame = all.back().frame;
  for (const double x : {3.1, 3.2, 3.3}) CHECK(degrees(frame, x, 2.4) > degrees(frame, x, 3.6) + 8);
}

TEST_CASE("a picture with noise that stands still is a closed shutter", "[thermal]") {
  Scene scene = room(16);
  scene.at = [](double t) {
    Moment now;
    now.shutter = t > 10 && t < 11.4;
    now.level_k = t >= 11.4 ? 0.7 : 0;
    return now;
  };
  // The scaling of the camera adds its own noise; frozen it repeats the whole picture.
  GreyCamera camera(scene, small_look(), 3);
  RelativeThermal relative({ThermalPalette::kWhiteHot});
  std::vector<std::uint8_t> before;
  long calibrating = 0, other = 0;
  while (auto picture = camera.next()) {
    if (picture->truth.shutter) picture->bytes = before;
    before = picture->bytes;
    const bool says = relative.convert(picture->view(), at_second(picture->seconds)).calibrating;
    (picture->truth.shutter ? calibrating : other) += says ? 1 : 0;
  }
  CHECK(calibrating >= 3);
  CHECK(other == 0);
}

TEST_CASE("pictures that a coder repeats are no closed shutter", "[thermal]") {
  const Scene scene = room(10);
  GreyCamera camera(scene, small_look(), 3);
  RelativeThermal relative({ThermalPalette::kWhiteHot});
  std::vector<std::uint8_t> before;
  long calibrating = 0, number = 0;
  while (auto picture = camera.next()) {
    if (number++ % 4 != 0) picture->bytes = before;
    before = picture->bytes;
    calibrating += relative.convert(picture->view(), at_second(picture->seconds)).calibrating ? 1 : 0;
  }
  CHECK(calibrating == 0);
}

TEST_CASE("one grey everywhere shows nothing", "[thermal]") {
  RelativeThermal relative;
  test::Picture picture(PixelFormat::kGray8, 160, 120, 90);
  CHECK(relative.convert(picture.view(), at_second(0)).blind == "no_contrast");
}

TEST_CASE("another scene is named once, and then the old one is void", "[thermal]") {
  Scene scene = room(16);
  Scene other = room(16);
  other.furniture = [](double x, double y) { return 3 * std::sin(3 * x) * std::cos(4 * y); };
  GreyCamera first(scene, small_look(), 3), second(other, small_look(), 4);
  RelativeThermal relative({ThermalPalette::kWhiteHot});
  long changed = 0, anew = 0;
  double last_blind = 0;
  while (const auto a = first.next()) {
    const auto b = second.next();
    const auto frame = relative.convert(a->seconds < 8 ? a->view() : b->view(), at_second(a->seconds));
    changed += frame.blind == "scene_changed" ? 1 : 0;
    if (!frame.blind.empty()) last_blind = a->seconds;
    anew += a->seconds > 1 && frame.anew ? 1 : 0;
  }
  CHECK(changed == 1);
  CHECK(anew == 1);
  CHECK(last_blind < 9.5);
}

TEST_CASE("something so hot that nobody could be told beside it is low contrast, as long as it is there", "[thermal]") {
  Scene scene = room(20);
  scene.at = [](double t) {
    Moment now;
    if (t > 8 && t < 14) now.bodies.push_back({5, 3.6, 0.3, 0.3, 600, 0.2, 1});
    return now;
  };
  const auto all = shown(scene, small_look(), ThermalPalette::kWhiteHot);
  CHECK(last_before(all, 13).frame.blind == "low_contrast");
  CHECK(all.back().frame.blind.empty());
  CHECK(differing(last_before(all, 8).frame, all.back().frame) < 0.05);
}

TEST_CASE("presence holds through black hot, text, coding and a gain step", "[thermal]") {
  GreyLook look = small_look();
  look.palette = Palette::kBlackHot;
  look.text = true;
  look.coding_step = 3;
  look.step_at_s = 20;
  const Scene scene = room(36, [](double t) { return t < 5 ? -1.0 : t < 28 ? std::min(3.2, 0.8 * (t - 5)) : 3.2 - 0.8 * (t - 28); });
  GreyCamera camera(scene, look, 3);
  RelativeThermal relative;
  models::ThermalPresenceOptions options;
  options.pixel_pitch_m = 0.08;
  models::ThermalPresence presence(options);
  while (const auto picture = camera.next()) {
    const auto now = presence.look(relative.convert(picture->view(), at_second(picture->seconds)), at_second(picture->seconds));
    INFO("second " << picture->seconds << ", " << now.reason);
    if (picture->seconds > 9 && picture->seconds < 30) CHECK(now.state == Presence::kPresent);
    if (picture->seconds < 5) CHECK(now.state != Presence::kPresent);
  }
}
