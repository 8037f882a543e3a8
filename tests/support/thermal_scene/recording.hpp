// SPDX-License-Identifier: MIT
// A scene written down: temperatures with what was true, in the form that `kanhu bench thermal` reads.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::thermal_scene {

// Comment lines (scene, size, unit, rate, pitch_m), a header, and a row a frame: t, people, unknown_allowed, p0, p1, ... in hundredths
// of a degree. To standard output for "-". Frames after `most_seconds` are not made; 0: all. kIo.
Result<void> write_recording(const Scene& scene, std::uint64_t seed, double most_seconds, const std::string& path);

// What such a sensor would publish (docs/sensors.md): a line of JSON a frame on standard output, at the sensor's rate, until the scene is
// over or nobody reads. kIo, kInvalidArgument: the sensor is larger than an array is.
Result<void> publish_lines(const Scene& scene, std::uint64_t seed, double most_seconds);

}  // namespace kanhu::thermal_scene
