// SPDX-License-Identifier: MIT
#include <fstream>

#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::thermal_scene {
namespace {

constexpr int kZeroCelsius_count = 27315;  // of 0.01 K

}  // namespace

int write_y16(const Scene& scene, std::uint64_t seed, const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  Camera camera(scene, seed);
  int frames = 0;
  while (const auto picture = camera.next()) {
    std::string bytes;
    for (const std::int16_t centi_c : picture->centi_c) {
      const int count = kZeroCelsius_count + centi_c;
      bytes += static_cast<char>(count & 0xff);
      bytes += static_cast<char>(count >> 8 & 0xff);
    }
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ++frames;
  }
  return file.flush() ? frames : -1;
}

}  // namespace kanhu::thermal_scene
