// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/support/thermal_scene/grey.hpp"

namespace kanhu::thermal_scene {
namespace {

const Scene& named(const std::vector<Scene>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const Scene& scene) { return scene.name == name; });
}

}  // namespace

Sensor grey_sensor() {
  Sensor sensor = bolometer();
  sensor.width = 80;
  sensor.height = 60;
  sensor.frames_per_second = 8;
  return sensor;
}

std::vector<GreyScene> grey_scenes(double longest_s) {
  const auto rooms = scenes(grey_sensor());
  std::vector<GreyScene> all;
  const auto add = [&](const char* name, const char* about, const char* room, const std::function<void(GreyLook&)>& change) {
    GreyScene one{name, about, named(rooms, room), {}};
    one.look.text = true;
    one.look.coding_step = 3;
    change(one.look);
    all.push_back(std::move(one));
  };
  add("grey-agc-step", "the gain halves while somebody sits there", "comes-and-goes", [](GreyLook& look) { look.step_at_s = 100; });
  add("grey-black-hot", "black is warm, and nobody says so", "comes-and-goes", [](GreyLook& look) { look.palette = Palette::kBlackHot; });
  add("grey-ironbow", "in colour", "comes-and-goes", [](GreyLook& look) { look.palette = Palette::kIronbow; });
  add("grey-rainbow", "in other colours", "comes-and-goes", [](GreyLook& look) { look.palette = Palette::kRainbow; });
  add("grey-red-hot", "grey, and red where it is hottest", "comes-and-goes", [](GreyLook& look) { look.palette = Palette::kRedHot; });
  add("grey-palette-change", "somebody chooses another palette while somebody sits there", "comes-and-goes",
      [](GreyLook& look) { look.palette_change_at_s = 100; });
  add("grey-palette-to-black-hot", "the same, from colour to black hot", "comes-and-goes", [](GreyLook& look) {
    look.palette = Palette::kIronbow;
    look.palette_change_at_s = 100;
    look.then = Palette::kBlackHot;
  });
  add("grey-polarity-inversion", "the picture becomes its negative while somebody sits there", "comes-and-goes",
      [](GreyLook& look) { look.inversion_at_s = 100; });
  add("grey-osd-clock", "nobody; a clock ticks", "empty-room", [](GreyLook&) {});
  add("grey-large", "640x512", "comes-and-goes", [](GreyLook& look) { look.width = 640, look.height = 512; });
  add("grey-plain", "grey pixels, neither text nor coding", "comes-and-goes", [](GreyLook& look) {
    look.format = PixelFormat::kGray8;
    look.text = false;
    look.coding_step = 0;
  });
  add("grey-hot-object", "something of 400 degrees is carried in and takes nearly all levels", "comes-and-goes", [](GreyLook&) {});
  all.back().scene.at = [at = all.back().scene.at](double t) {
    Moment now = at(t);
    if (t < 70 || t > 130) return now;
    now.bodies.push_back({5.6, 4.0, 0.25, 0.2, 400, 0.2, 1});
    now.unknown_is_honest = true;
    return now;
  };
  for (const Scene& room : rooms) {
    add(("grey-" + room.name).c_str(), room.about.c_str(), room.name.c_str(), [](GreyLook&) {});
    if (room.name == "dead-pixels") all.pop_back();  // 8-bit cameras repair theirs
  }
  // Until somebody comes in nothing says which end is warm.
  for (GreyScene& one : all) {
    if (one.look.palette != Palette::kBlackHot) continue;
    one.scene.at = [at = one.scene.at](double t) {
      Moment now = at(t);
      now.unknown_is_honest = now.unknown_is_honest || t < 43;
      return now;
    };
  }
  for (GreyScene& one : all) one.scene.seconds = std::min(one.scene.seconds, longest_s);
  return all;
}

}  // namespace kanhu::thermal_scene
