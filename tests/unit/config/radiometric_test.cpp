// SPDX-License-Identifier: MIT
#include <string>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "config/json.hpp"
#include "config/load.hpp"

namespace kanhu {
namespace {

std::string one_camera(const std::string& keys) {
  return "version: 1\ngateway: {id: gw}\nfacilities:\n  - id: f1\n    class: street_centre\n    cameras:\n      - id: cam\n" + keys;
}

// One camera whose main stream is `stream`; its own keys follow.
std::string camera_with(const std::string& stream, const std::string& keys = "        detector: {name: none}\n") {
  return one_camera("        main: {" + stream + "}\n" + keys);
}

CameraConfig good(const std::string& text) {
  const LoadReport report = check_config(text, "x.yaml");
  for (const Problem& problem : report.problems) UNSCOPED_INFO(to_string(problem));
  REQUIRE(report.config);
  return *report.config->camera("cam");
}

std::string refused(const std::string& text, int line, int column) {
  const LoadReport report = check_config(text, "x.yaml");
  INFO(text);
  REQUIRE(report.problems.size() == 1);
  INFO(to_string(report.problems[0]));
  CHECK(report.problems[0].line == line);
  CHECK(report.problems[0].column == column);
  return report.problems[0].message;
}

bool says(const std::string& message, const char* fragment) {
  INFO(message);
  return message.find(fragment) != std::string::npos;
}

}  // namespace

TEST_CASE("a radiometric device or file is configured with how its counts are read") {
  const auto device = good(camera_with("url: \"v4l2:///dev/video0\", thermal: {scale: 0.1K}"));
  CHECK(device.main->thermal == RadiometricConfig{0, 0, 0, CountScale::kDeciKelvin, TelemetryRows::kNone});
  const auto file = good(camera_with("url: \"file:///a/b.y16\", thermal: {size: 160x120, fps: 8.7, telemetry: header}"));
  CHECK(file.main->thermal == RadiometricConfig{160, 120, 8.7, CountScale::kUnknown, TelemetryRows::kHeader});
  const auto other = good(camera_with("url: \"file:///a/b.raw16\", thermal: {size: 256x192, fps: 25, scale: 1/64K}"));
  CHECK(other.main->thermal == RadiometricConfig{256, 192, 25, CountScale::kKelvin64th, TelemetryRows::kNone});
  CHECK(good(camera_with("url: \"file:///a/b.mkv\", thermal: {scale: 0.01K}")).main->thermal);
  CHECK_FALSE(good(camera_with("url: \"file:///a/b.mkv\"")).main->thermal);
  CHECK_FALSE(good(camera_with("url: \"rtsp://h/x\"")).main->thermal);
}

TEST_CASE("how counts are read goes to JSON and back, and is part of the digest") {
  const auto camera = good(camera_with("url: \"v4l2:///dev/video0\", thermal: {size: 80x60, fps: 9, scale: 0.01C, telemetry: footer}"));
  const auto json = parse_json(canonical_json(camera_json(camera)));
  REQUIRE(json);
  CHECK(*camera_from_json(*json) == camera);
  auto other = camera;
  other.main->thermal->scale = CountScale::kDeciCelsius;
  CHECK(canonical_json(camera_json(other)) != canonical_json(camera_json(camera)));
}

TEST_CASE("counts that nobody could read are refused with what is missing") {
  const char kDevice[] = "url: \"v4l2:///dev/video0\"";
  const char kFile[] = "url: \"file:///a/b.y16\"";
  CHECK(says(refused(camera_with(kDevice), 8, 21), "16-bit numbers mean nothing without scale"));
  CHECK(says(refused(camera_with(std::string(kDevice) + ", thermal: {size: 160x120}"), 8, 52), "mean nothing without scale"));
  CHECK(says(refused(camera_with(std::string(kFile) + ", thermal: {scale: 0.01K, fps: 9}"), 8, 49), "say size: 160x120"));
  CHECK(says(refused(camera_with(std::string(kFile) + ", thermal: {scale: 0.01K, size: 8x8}"), 8, 49), "say fps: 8.7"));
  CHECK(says(refused(camera_with(std::string(kDevice) + ", thermal: {size: 320x240, telemetry: footer}"), 8, 52),
             "rows are those of a Lepton"));
  CHECK(says(refused(camera_with("url: \"rtsp://h/x\", thermal: {scale: 0.01K}"), 8, 44), "only 16-bit sources"));
}

TEST_CASE("wrong words and sizes of counts are refused at their place") {
  const std::string begin = "url: \"v4l2:///dev/video0\", thermal: {";
  CHECK(says(refused(camera_with(begin + "scale: 0.01k}"), 8, 60), "did you mean 0.01K?"));
  CHECK(says(refused(camera_with(begin + "scale: 0.1K, telemetry: foot}"), 8, 77), "is not one of none, header, footer"));
  for (const char* size : {"160", "160x", "x120", "7x8", "1281x8", "160x120x2", "160 x 120", "-8x8", "08x8"})
    CHECK(says(refused(camera_with(begin + "scale: 0.1K, size: " + size + "}"), 8, 72), "width x height expected"));
  CHECK(says(refused(camera_with(begin + "scale: 0.1K, fps: 61}"), 8, 71), "61 is outside 0.1 to 60"));
  CHECK(says(refused(camera_with(begin + "scale: 0.1K, resolution: 1}"), 8, 66), "unknown key \"resolution\""));
}

TEST_CASE("a V4L2 address names a device below /dev") {
  for (const char* url : {"v4l2://video0", "v4l2:///dev/", "v4l2:///dev/../etc/shadow", "v4l2:///etc/passwd"})
    CHECK(says(refused(camera_with(fmt::format("url: \"{}\", thermal: {{scale: 0.1K}}", url)), 8, 21), "v4l2:///dev/video0"));
}

TEST_CASE("temperatures reach no detector of pictures and no recording") {
  const std::string stream = "url: \"v4l2:///dev/video0\", thermal: {scale: 0.01K}";
  CHECK(says(refused(camera_with(stream, "        detector: {name: blazeface}\n"), 9, 19), "use detector: {name: thermal}"));
  CHECK(says(refused(camera_with(stream, "        record: main\n        detector: {name: none}\n"), 9, 17),
             "raw 16-bit video is not recorded"));
  // The visible stream beside it may be analysed and recorded as ever.
  const auto both = good(camera_with(stream, "        sub: {url: \"rtsp://h/x\"}\n        record: sub\n        detector: {name: hog}\n"));
  CHECK(both.main->thermal);
}

TEST_CASE("how counts are read can be said in one word on a command line") {
  CHECK(*parse_radiometric("160x120,8.7,0.01K,footer") ==
        RadiometricConfig{160, 120, 8.7, CountScale::kCentiKelvin, TelemetryRows::kFooter});
  CHECK(*parse_radiometric("0.1K") == RadiometricConfig{0, 0, 0, CountScale::kDeciKelvin, TelemetryRows::kNone});
  CHECK(*parse_radiometric("") == RadiometricConfig{});
  for (const char* bad : {"160", "0.01k", "160x120,,0.1K", "fast", "-1", "160x120;0.1K"}) {
    const auto read = parse_radiometric(bad);
    CAPTURE(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::kInvalidArgument);
  }
}

}  // namespace kanhu
