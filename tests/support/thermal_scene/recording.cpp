// SPDX-License-Identifier: MIT
#include "tests/support/thermal_scene/recording.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/time.hpp"

namespace kanhu::thermal_scene {

Result<void> write_recording(const Scene& scene, std::uint64_t seed, double most_seconds, const std::string& path) {
  const bool to_terminal = path == "-";
  const auto close = [to_terminal](std::FILE* file) {
    if (!to_terminal) std::fclose(file);
  };
  const std::unique_ptr<std::FILE, decltype(close)> file(to_terminal ? stdout : std::fopen(path.c_str(), "wb"), close);
  const auto failed = [&] {
    return fail(ErrorKind::kIo, fmt::format("{}: {}", to_terminal ? "standard output" : path, std::strerror(errno)));
  };
  if (!file) return failed();
  const Sensor& sensor = scene.sensor;
  fmt::memory_buffer text;
  const auto flush = [&] {
    const bool whole = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
    text.clear();
    return whole;
  };
  fmt::format_to(std::back_inserter(text),
                 "# scene: {}, seed {}: {}\n# size: {}x{}\n# unit: centi_celsius\n# rate: {}\n# pitch_m: {:.4f}\nt,people,unknown_allowed",
                 scene.name, seed, scene.about, sensor.width, sensor.height, sensor.frames_per_second, sensor.pixel_pitch_m());
  for (int i = 0; i < sensor.width * sensor.height; ++i) fmt::format_to(std::back_inserter(text), ",p{}", i);
  text.push_back('\n');
  Camera camera(scene, seed);
  while (const auto picture = camera.next()) {
    if (most_seconds > 0 && picture->seconds >= most_seconds) break;
    fmt::format_to(std::back_inserter(text), "{:.4f},{},{:d}", picture->seconds, picture->truth.people, picture->truth.unknown_is_honest);
    for (const auto value : picture->centi_c) fmt::format_to(std::back_inserter(text), ",{}", value);
    text.push_back('\n');
    if (text.size() > (1U << 16) && !flush()) return failed();
  }
  if (!flush() || std::fflush(file.get()) != 0) return failed();
  return {};
}

Result<void> publish_lines(const Scene& scene, std::uint64_t seed, double most_seconds) {
  const Sensor& sensor = scene.sensor;
  if (sensor.width > 80 || sensor.height > 64)
    return fail(
        ErrorKind::kInvalidArgument,
        fmt::format("a sensor of {}x{} is no array that publishes its pictures: grid_eye and mlx90640 are", sensor.width, sensor.height));
  const auto begun = std::chrono::steady_clock::now();
  fmt::memory_buffer text;
  Camera camera(scene, seed);
  while (const auto picture = camera.next()) {
    if (most_seconds > 0 && picture->seconds >= most_seconds) break;
    std::this_thread::sleep_until(
        begun + std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(picture->seconds)));
    text.clear();
    fmt::format_to(std::back_inserter(text), R"({{"v":1,"t":"{}","w":{},"h":{},"unit":"centi_celsius","calibrating":{},"values":[{}]}})",
                   format_utc(std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now())), sensor.width, sensor.height,
                   picture->truth.shutter, fmt::join(picture->centi_c, ","));
    text.push_back('\n');
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      return fail(ErrorKind::kIo, fmt::format("standard output: {}", std::strerror(errno)));
  }
  return {};
}

}  // namespace kanhu::thermal_scene
