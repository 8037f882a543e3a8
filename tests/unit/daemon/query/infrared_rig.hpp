// SPDX-License-Identifier: MIT
// A gateway's configuration with infrared sources, and what they might say: for tests of everything behind the infrared.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "config/config.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::test {

inline CameraConfig infrared_camera(const std::string& id, const std::string& detector = "thermal") {
  CameraConfig camera;
  camera.id = id;
  camera.main = StreamConfig{"rtsp://127.0.0.1/x", "", Transport::kTcp};
  camera.detector.name = detector;
  return camera;
}

inline CameraConfig infrared_sensor(const std::string& id, SensorKind kind) {
  CameraConfig camera;
  camera.id = id;
  camera.sensor = SensorConfig{};
  camera.sensor->kind = kind;
  camera.sensor->broker = "house";
  camera.sensor->topic = "rooms/" + id;
  camera.detector.name = "thermal";
  return camera;
}

// station-a: bed-1 (video; zones bed and floor), array-1, pir-1, front-door (contact), lobby (a camera that sees faces).
inline Config infrared_config() {
  Config config;
  FacilityConfig facility;
  facility.id = "station-a";
  CameraConfig bed = infrared_camera("bed-1");
  bed.name = "一号床";
  bed.zones = {{"bed", {{0.1, 0.1}, {0.6, 0.1}, {0.6, 0.9}, {0.1, 0.9}}}, {"floor", {}}};
  bed.detector.mount = {2.6, 10, 110, 75};
  facility.cameras = {bed, infrared_sensor("array-1", SensorKind::kThermalArray), infrared_sensor("pir-1", SensorKind::kPir),
                      infrared_sensor("front-door", SensorKind::kContact), infrared_camera("lobby", "blazeface")};
  config.facilities.push_back(std::move(facility));
  return config;
}

inline MonoTime mono_at(double seconds) {
  return MonoTime(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)));
}
inline WallTime wall_at(int seconds) { return wall_from_microseconds(1'790'000'000'000'000 + std::int64_t{1'000'000} * seconds); }

template <typename Body>
Observation said(const std::string& source, Body body, int second = 0) {
  Observation observation;
  observation.source = source;
  observation.time = wall_at(second);
  observation.body = std::move(body);
  return observation;
}

// 8 x 4 cells of 20 °C, a person of 30 °C in two columns at the left, an urn of 60 °C in the lower right corner.
inline ThermalObservation warm_room() {
  ThermalObservation seen;
  seen.matrix.width = 8;
  seen.matrix.height = 4;
  seen.matrix.low_centi = 2000;
  seen.matrix.step_centi = 20;
  seen.matrix.cells.assign(32, 0);
  for (const std::size_t cell : {9, 10, 17, 18}) seen.matrix.cells[cell] = 50;
  seen.matrix.cells[31] = 200;
  seen.people = {{7, {0.125, 0.25, 0.25, 0.5}, 9.87654321, 185}};
  seen.hot_spots = {{{0.875, 0.75, 0.125, 0.25}, 60}};
  return seen;
}

}  // namespace kanhu::test
