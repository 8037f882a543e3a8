// SPDX-License-Identifier: MIT
// How often infrared invents somebody: hours of simulated rooms in which nobody is, by seed, without files between.
//   bench_thermal_week [HOURS]      default 168, a sensor-week; ends with one line of JSON
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include <opencv2/core.hpp>

#include "models/thermal/presence.hpp"
#include "tests/support/thermal_scene/scene.hpp"

using namespace kanhu;

int main(int count, char** arguments) {
  cv::setNumThreads(1);
  const double wanted_h = count > 1 ? std::atof(arguments[1]) : 168;
  double hours = 0, present_s = 0, unknown_s = 0;
  int invented = 0;
  for (std::uint64_t seed = 1; hours < wanted_h; ++seed) {
    for (const char* name : {"empty-room", "empty-drifting", "radiator", "sun-patch"}) {
      for (const thermal_scene::Scene& scene : thermal_scene::scenes()) {
        if (scene.name != name || hours >= wanted_h) continue;
        models::ThermalPresenceOptions options;
        options.pixel_pitch_m = scene.sensor.pixel_pitch_m();
        models::ThermalPresence presence(options);
        thermal_scene::Camera camera(scene, seed);
        bool was = false;
        while (const auto picture = camera.next()) {
          const auto said =
              presence.look({ThermalKind::kRadiometric, scene.sensor.width, scene.sensor.height, picture->centi_c, false, "", false},
                            MediaTime(std::chrono::nanoseconds(static_cast<std::int64_t>(picture->seconds * 1e9))));
          const bool is = said.state == Presence::kPresent;
          if (is && !was) {
            ++invented;
            std::fprintf(stderr, "%s, seed %llu: somebody at %.1f s\n", name, static_cast<unsigned long long>(seed), picture->seconds);
          }
          was = is;
          (is ? present_s : unknown_s) += said.state == Presence::kAbsent ? 0 : 1 / scene.sensor.frames_per_second;
        }
        hours += scene.seconds / 3600;
      }
    }
  }
  std::printf("{\"hours\": %.0f, \"false_present\": %d, \"per_sensor_week\": %.2f, \"present_s\": %.1f, \"unknown_s\": %.1f}\n", hours,
              invented, invented * 168 / hours, present_s, unknown_s);
}
