// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::thermal_scene {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

double smooth(double share) {
  const double s = std::clamp(share, 0.0, 1.0);
  return s * s * (3 - 2 * s);
}

// Somebody: clothes at 29.5 degrees, head at 33. Nobody keeps still: breath moves the chest, weight shifts within seconds, and
// every minute or two a limb goes elsewhere. `who` makes two of them different.
struct Pose {
  double x_m, y_m;
  double clothes_c = 29.5, head_c = 33;
  double half_width_m = 0.24, half_height_m = 0.20;
  double liveliness = 1;
};

void add_person(Moment& now, const Pose& pose, double seconds, int who) {
  const double phase = 1.7 * who;
  const double shift =
      pose.liveliness * (0.010 * std::sin(kTurn * seconds / 7.3 + phase) + 0.007 * std::sin(kTurn * seconds / 23.1 + 2 * phase));
  const double minute = std::floor((seconds + 40 * phase) / 75), share = (seconds + 40 * phase) / 75 - minute;
  const auto place = [&](double n) { return 0.05 * std::sin(12.9898 * (n + 7 * who)); };
  const double lean = pose.liveliness * (place(minute) + (place(minute + 1) - place(minute)) * smooth((share - 0.97) / 0.03));
  const double breath = pose.liveliness * 0.12 * std::sin(kTurn * 0.25 * seconds + phase);
  const double x = pose.x_m + shift + lean, y = pose.y_m + 0.6 * shift;
  now.bodies.push_back({x, y, pose.half_width_m, pose.half_height_m, pose.clothes_c + breath, 0.2, 1});
  now.bodies.push_back({x + 0.4 * lean, y - 0.05, 0.10, 0.11, pose.head_c, 0.25, 1});
  ++now.people;
}

// From one place to another at a walking pace from `start_s` on; where he is then.
std::pair<double, double> walk(double seconds, double start_s, std::pair<double, double> from, std::pair<double, double> to,
                               double metres_per_second = 0.8) {
  const double length = std::hypot(to.first - from.first, to.second - from.second);
  const double share = std::clamp((seconds - start_s) * metres_per_second / std::max(length, 1e-6), 0.0, 1.0);
  return {from.first + share * (to.first - from.first), from.second + share * (to.second - from.second)};
}

double walk_time(std::pair<double, double> from, std::pair<double, double> to, double metres_per_second = 0.8) {
  return std::hypot(to.first - from.first, to.second - from.second) / metres_per_second;
}

// In by a door on the left, to a seat, stays until `leaves_s`, and out again. Where, or nothing when outside the view.
struct Visit {
  double enters_s, leaves_s;
  std::pair<double, double> seat;
  std::optional<std::pair<double, double>> at(double seconds, const Sensor& sensor) const {
    const std::pair<double, double> door{-0.4, 0.55 * sensor.room_height_m()};
    if (seconds < enters_s || seconds > leaves_s + walk_time(seat, door)) return std::nullopt;
    return seconds < leaves_s ? walk(seconds, enters_s, door, seat) : walk(seconds, leaves_s, seat, door);
  }
};

bool in_view(double x, double y, const Sensor& sensor, double margin_m = 0.1) {
  return x > margin_m && y > margin_m && x < sensor.room_width_m - margin_m && y < sensor.room_height_m() - margin_m;
}

void add_visitor(Moment& now, const Visit& visit, const Sensor& sensor, double seconds, int who, Pose pose = {0, 0}) {
  const auto place = visit.at(seconds, sensor);
  if (!place) return;
  pose.x_m = place->first;
  pose.y_m = place->second;
  const int before = now.people;
  add_person(now, pose, seconds, who);
  if (!in_view(pose.x_m, pose.y_m, sensor)) now.people = before;
}

// What was sat or lain on: warm where the body was, cooling with a time constant.
void add_print(Moment& now, double x, double y, double since_s, double warm_k, double constant_s, double half_width = 0.25,
               double half_height = 0.22) {
  if (since_s < 0) return;
  now.bodies.push_back({x, y, half_width, half_height, now.ambient_c + warm_k * std::exp(-since_s / constant_s), 0.5, 1});
}

class Suite {
 public:
  explicit Suite(const std::optional<Sensor>& sensor) : sensor_(sensor) {}

  std::vector<Scene> all() {
    empty();
    visits();
    stillness();
    warm_things();
    sensors();
    return std::move(scenes_);
  }

 private:
  using At = std::function<Moment(double, const Sensor&)>;

  void add(const char* name, const char* about, double seconds, const At& at, Sensor sensor = mlx90640()) {
    if (sensor_) {
      const auto dead = sensor.dead;
      sensor = *sensor_;
      for (const int pixel : dead) sensor.dead.push_back(pixel % (sensor.width * sensor.height));
    }
    Scene scene{name,
                about,
                seconds,
                sensor,
                [at, sensor](double t) { return at(t, sensor); },
                [](double x, double y) {
                  // A cool window front above, a wall a little warmer on the right: no room is flat.
                  return -1.2 * std::exp(-y / 0.6) + 0.5 * std::exp(-(6.4 - x) / 0.8);
                }};
    scenes_.push_back(std::move(scene));
  }

  static std::pair<double, double> seat(const Sensor& s, double x = 0.55, double y = 0.5) {
    return {x * s.room_width_m, y * s.room_height_m()};
  }

  void empty() {
    add("empty-room", "nobody, for an hour", 3600, [](double, const Sensor&) { return Moment{}; });
    add("empty-drifting", "nobody; the heating raises the room by 3 K in an hour", 3600, [](double t, const Sensor&) {
      Moment now;
      now.ambient_c = 20 + 3 * t / 3600;
      return now;
    });
  }

  void visits() {
    add("comes-and-goes", "somebody enters, sits for two minutes, leaves", 240, [](double t, const Sensor& s) {
      Moment now;
      add_visitor(now, {40, 170, seat(s)}, s, t, 1);
      return now;
    });
    add("four-people", "four people come one after the other and sit apart", 240, [](double t, const Sensor& s) {
      Moment now;
      const std::pair<double, double> seats[] = {seat(s, 0.3, 0.25), seat(s, 0.75, 0.25), seat(s, 0.3, 0.8), seat(s, 0.75, 0.8)};
      for (int i = 0; i < 4; ++i) add_visitor(now, {30 + 25.0 * i, 180 + 10.0 * i, seats[i]}, s, t, i + 1);
      return now;
    });
    add("crossing", "two people walk through each other and back", 150, [](double t, const Sensor& s) {
      Moment now;
      const double w = s.room_width_m, y = 0.5 * s.room_height_m();
      for (int i = 0; i < 2; ++i) {
        const double from = i == 0 ? -0.4 : w + 0.4, to = i == 0 ? w - 0.8 : 0.8;
        if (t < 30 || t > 120) continue;
        const auto place = t < 75 ? walk(t, 30, {from, y + 0.12 * i}, {to, y + 0.12 * i}, 0.7)
                                  : walk(t, 75, {to, y + 0.12 * i}, {from, y + 0.12 * i}, 0.7);
        const int before = now.people;
        add_person(now, {place.first, place.second}, t, i + 1);
        if (!in_view(place.first, place.second, s)) now.people = before;
      }
      return now;
    });
    add("doorway", "somebody stands half in the door at the edge of the view", 150, [](double t, const Sensor& s) {
      Moment now;
      if (t > 40 && t < 110) {
        add_person(now, {0.16, 0.55 * s.room_height_m()}, t, 1);
      }
      return now;
    });
    add("starts-occupied", "somebody sits there when the sensor starts, leaves after five minutes and comes back", 600,
        [](double t, const Sensor& s) {
          Moment now;
          add_visitor(now, {-100, 300, seat(s)}, s, t, 1);
          add_visitor(now, {420, 540, seat(s, 0.35, 0.4)}, s, t, 1);
          now.unknown_is_honest = t < 300;
          return now;
        });
  }

  void stillness() {
    add("still-sitter", "somebody reads for two hours", 7500, [](double t, const Sensor& s) {
      Moment now;
      Pose pose{0, 0};
      pose.liveliness = 0.5;
      add_visitor(now, {60, 7260, seat(s)}, s, t, 1, pose);
      return now;
    });
    add("duvet", "somebody lies down and pulls a duvet up: only the head stays warm at once, the rest comes through in time", 1800,
        [](double t, const Sensor& s) {
          Moment now;
          const Visit visit{40, 1620, seat(s, 0.55, 0.5)};
          const auto place = visit.at(t, s);
          if (!place) return now;
          const bool in_bed = t > 70 && t < 1620;
          const double through = in_bed ? 1 - std::exp(-(t - 70) / 600) : 0;
          Pose pose{place->first, place->second};
          pose.liveliness = in_bed ? 0.4 : 1;
          if (in_bed) {
            pose.clothes_c = now.ambient_c + 1.0 + 3.5 * through;
            pose.half_width_m = 0.28;
            pose.half_height_m = 0.45;
          }
          const int before = now.people;
          add_person(now, pose, t, 1);
          if (!in_view(pose.x_m, pose.y_m, s)) now.people = before;
          return now;
        });
    add("warm-chair", "somebody leaves after ten minutes; the chair stays warm", 1500, [](double t, const Sensor& s) {
      Moment now;
      const auto place = seat(s);
      add_print(now, place.first, place.second, t - 660, 4.5, 240);
      add_visitor(now, {60, 660, place}, s, t, 1);
      return now;
    });
    add("warm-bed", "the same of a bed, larger and slower", 2400, [](double t, const Sensor& s) {
      Moment now;
      const auto place = seat(s);
      add_print(now, place.first, place.second, t - 900, 5.5, 420, 0.3, 0.55);
      add_visitor(now, {60, 900, place}, s, t, 1);
      return now;
    });
  }

  void warm_things() {
    add("tea", "somebody puts down a cup of tea and leaves", 1200, [](double t, const Sensor& s) {
      Moment now;
      const auto place = seat(s, 0.4, 0.4);
      if (t > 50)
        now.bodies.push_back({place.first + 0.5, place.second, 0.06, 0.06, now.ambient_c + 33 * std::exp(-(t - 50) / 900), 0.2, 1});
      add_visitor(now, {40, 120, place}, s, t, 1);
      return now;
    });
    add("urn", "an urn of hot water that keeps its heat, and is filled once", 1800, [](double t, const Sensor& s) {
      Moment now;
      const auto place = seat(s, 0.8, 0.3);
      const double cycle = 2 * std::sin(kTurn * t / 180);
      now.bodies.push_back({place.first, place.second, 0.14, 0.16, 58 + cycle, 0.15, 1});
      add_visitor(now, {900, 960, seat(s, 0.7, 0.4)}, s, t, 1);
      return now;
    });
    add("radiator", "a radiator goes on and off", 3600, [](double t, const Sensor& s) {
      Moment now;
      const double since = std::max(0.0, t - 60), phase = std::fmod(since, 1800);
      const double full = 1 - std::exp(-900.0 / 180), rest = full * std::exp(-900.0 / 300);
      const double on = phase < 900 ? (since < 1800 ? 0 : rest) * std::exp(-phase / 180) + 1 - std::exp(-phase / 180)
                                    : full * std::exp(-(phase - 900) / 300);
      now.bodies.push_back({0.7 * s.room_width_m, 0.06 * s.room_height_m(), 0.6, 0.18, now.ambient_c + 24 * on, 0.1, 1});
      return now;
    });
    add("sun-patch", "the sun's patch wanders over the floor for an hour", 3600, [](double t, const Sensor& s) {
      Moment now;
      const double share = t / 3600, strength = 6 * std::sin(std::numbers::pi * share);
      now.bodies.push_back({(0.2 + 0.6 * share) * s.room_width_m, 0.6 * s.room_height_m(), 0.8, 0.55, now.ambient_c + strength, 0.3, 0.9});
      return now;
    });
    add("cat", "a cat comes in, sleeps, and goes", 600, [](double t, const Sensor& s) {
      Moment now;
      const Visit visit{60, 420, seat(s, 0.5, 0.7)};
      if (const auto place = visit.at(t, s)) now.bodies.push_back({place->first, place->second, 0.15, 0.10, 27.5, 0.3, 1});
      return now;
    });
    add("mirror", "somebody beside a polished cupboard that shows the warmth again", 240, [](double t, const Sensor& s) {
      Moment now;
      const Visit visit{40, 180, seat(s, 0.55, 0.45)};
      add_visitor(now, visit, s, t, 1);
      if (const auto place = visit.at(t, s); place && place->first > 0.25 * s.room_width_m)
        now.bodies.push_back({place->first, s.room_height_m() - 0.2, 0.2, 0.18, 29.5, 0.4, 0.25});
      return now;
    });
    add("hot-room", "an August afternoon: the room passes the warmth of clothes and skin and cools again", 3600,
        [](double t, const Sensor& s) {
          Moment now;
          now.ambient_c = 27 + 8.5 * std::sin(std::numbers::pi * t / 3600);
          Pose pose{0, 0};
          pose.clothes_c = std::max(30.5, 0.5 * (now.ambient_c + 34.5));
          pose.head_c = std::max(33.5, 0.3 * now.ambient_c + 0.7 * 35.0);
          add_visitor(now, {120, 3400, seat(s)}, s, t, 1, pose);
          now.unknown_is_honest = now.ambient_c > 29.5;
          return now;
        });
  }

  void sensors() {
    add("shutter", "the sensor calibrates every three minutes: a repeated picture, then another level", 900, [](double t, const Sensor& s) {
      Moment now;
      add_visitor(now, {100, 700, seat(s)}, s, t, 1);
      const double since = std::fmod(t, 180);
      now.shutter = t > 10 && since < 1.2;
      now.level_k = 0.8 * std::sin(3.1 * std::floor(t / 180));
      return now;
    });
    add("enters-behind-the-shutter", "somebody comes in while the sensor calibrates", 240, [](double t, const Sensor& s) {
      Moment now;
      add_visitor(now, {59.5, 180, seat(s, 0.3, 0.5)}, s, t, 1);
      now.shutter = t > 59 && t < 61;
      now.level_k = t > 60 ? 0.6 : 0;
      now.unknown_is_honest = t > 59 && t < 63;
      return now;
    });
    Sensor with_dead = mlx90640();
    with_dead.dead = {100, 101, 250, 511};
    add(
        "dead-pixels", "four pixels say 85 degrees for ever, two of them side by side", 240,
        [](double t, const Sensor& s) {
          Moment now;
          add_visitor(now, {60, 180, seat(s)}, s, t, 1);
          return now;
        },
        with_dead);
  }

  std::optional<Sensor> sensor_;
  std::vector<Scene> scenes_;
};

}  // namespace

std::vector<Scene> scenes(const std::optional<Sensor>& sensor) { return Suite(sensor).all(); }

}  // namespace kanhu::thermal_scene
