// SPDX-License-Identifier: MIT
#include "config/detectors.hpp"

#include <catch2/catch.hpp>

#include "config/load.hpp"

using namespace kanhu;

namespace {

CameraConfig camera_with(const std::string& detector) {
  CameraConfig camera;
  camera.detector.name = detector;
  return camera;
}

CameraConfig sensor_of(SensorKind kind) {
  CameraConfig source = camera_with(kind == SensorKind::kThermalArray ? "thermal" : "none");
  source.sensor = SensorConfig{};
  source.sensor->kind = kind;
  return source;
}

std::string with_cameras(const std::string& zones, const std::string& cameras) {
  return "version: 1\ngateway: {id: g}\nfacilities:\n  - id: f1\n    class: street_centre\n    zones:\n" + zones + "    cameras:\n" +
         cameras;
}

std::string camera_line(const std::string& id, const std::string& detector, const std::string& zone, const std::string& more = "") {
  return "      - {id: " + id + ", main: {url: \"rtsp://192.0.2.1/x\"}, detector: {name: " + detector + "}, zones: [{zone: " + zone + "}]" +
         more + "}\n";
}

}  // namespace

TEST_CASE("only what looks for warm bodies may say that nobody is there") {
  for (const char* name : {"thermal", "thermal-blob"}) CHECK(silence_of(camera_with(name)).means == Silence::kNobody);
  for (const char* name : {"blazeface", "yunet", "hog"}) {
    CHECK(silence_of(camera_with(name)).means == Silence::kNothing);
    CHECK(silence_of(camera_with(name)).reason == "no_face");
  }
  for (const char* name : {"none", "of tomorrow"}) CHECK(silence_of(camera_with(name)).means == Silence::kNothing);
  CHECK(silence_of(sensor_of(SensorKind::kThermalArray)).means == Silence::kNobody);
  CHECK(silence_of(sensor_of(SensorKind::kPir)).reason == "no_motion");
  CHECK(silence_of(sensor_of(SensorKind::kContact)).means == Silence::kNothing);
  CHECK_FALSE(tells_presence(sensor_of(SensorKind::kContact)));
  CHECK_FALSE(tells_presence(camera_with("none")));
  CHECK(tells_presence(sensor_of(SensorKind::kPir)));
}

TEST_CASE("every row says what silence means, and gives a reason where it means nothing and somebody is looked for") {
  for (const DetectorTraits& row : kDetectorTraits) {
    INFO(row.name);
    const bool needs_reason = row.silence == Silence::kNothing && row.family != DetectorTraits::Family::kNone;
    CHECK(row.silence_reason.empty() != needs_reason);
    CHECK((row.silence == Silence::kNothing || row.family == DetectorTraits::Family::kPeople));
  }
}

TEST_CASE("a zone in which nothing can ever say absent is warned of, with its line") {
  const std::string zones = "      - {id: canteen}\n      - {id: bath}\n      - {id: yard}\n";
  const LoadReport report =
      check_config(with_cameras(zones, camera_line("c1", "hog", "canteen") + camera_line("c2", "thermal", "bath")), "kanhu.yaml");
  REQUIRE(report.config);
  REQUIRE(report.warnings.size() == 2);
  CHECK(report.warnings[0].line == 7);
  CHECK(report.warnings[0].file == "kanhu.yaml");
  CHECK(report.warnings[0].message.find("zone canteen: nothing that watches it can tell that nobody is there") == 0);
  CHECK(report.warnings[0].message.find("c1 (hog)") != std::string::npos);
  CHECK(report.warnings[1].line == 9);
  CHECK(report.warnings[1].message.find("zone yard: nothing that is enabled looks for people") == 0);
}

TEST_CASE("one source that can say absent is enough, unless it is switched off") {
  const std::string zones = "      - {id: canteen}\n";
  const std::string faces = camera_line("c1", "hog", "canteen");
  CHECK(check_config(with_cameras(zones, faces + camera_line("c2", "thermal", "canteen")), "k").warnings.empty());
  CHECK(check_config(with_cameras(zones, faces + camera_line("c2", "thermal", "canteen", ", enabled: false")), "k").warnings.size() == 1);
}
