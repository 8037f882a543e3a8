// SPDX-License-Identifier: MIT
#include "config/load_radiometric.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/checks.hpp"
#include "config/detectors.hpp"

namespace kanhu {

void read_radiometric(Section& stream_section, StreamConfig& stream) {
  const bool there = stream_section.has("thermal");
  Section section = stream_section.section("thermal");
  ConfigReading& reading = section.reading();
  const std::size_t before = reading.problems.size();
  RadiometricConfig config;
  std::string size, scale, telemetry;
  if (section.text("size", size, 16) && !read_size(size, config.width, config.height))
    reading.refuse(section.mark("size"), fmt::format("size: width x height expected, from 8x8 to {0}x{0}: 160x120", kMostRadiometricSide));
  section.number("fps", config.frames_per_second, 0.1, kMostRadiometricRate);
  if (section.choice("scale", scale, count_scales())) config.scale = count_scale(scale);
  if (section.choice("telemetry", telemetry, telemetry_words())) config.telemetry = telemetry_rows(telemetry);
  section.finish();
  if (reading.problems.size() != before || reading.keys != nullptr) return;
  if (!there && !is_radiometric(stream.url)) return;
  if (!url_fault(stream.url).empty()) return;  // said already
  if (const std::string fault = radiometric_fault(config, stream.url); !fault.empty())
    return reading.refuse(there ? section.where() : stream_section.mark("url"), fmt::format("thermal: {}", fault));
  stream.thermal = config;
}

void check_radiometric(Section& camera_section, const CameraConfig& camera) {
  const auto is_raw = [&](StreamRole role) {
    const StreamConfig* stream = stream_for(camera, role);
    return stream != nullptr && stream->thermal.has_value();
  };
  ConfigReading& reading = camera_section.reading();
  if (reading.keys != nullptr) return;
  const std::string& name = camera.detector.name;
  if (is_raw(camera.analyze) && !name.empty() && !takes_temperatures(name))
    reading.refuse(
        camera_section.mark("detector"),
        fmt::format("detector: {} looks at pictures, this stream holds temperatures; use detector: {{name: thermal}} or none", name));
  if (camera.record && is_raw(*camera.record))
    reading.refuse(camera_section.mark("record"), "record: raw 16-bit video is not recorded; the series in the events is the evidence");
}

}  // namespace kanhu
