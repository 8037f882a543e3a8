// SPDX-License-Identifier: MIT
// The digest names a configuration in every event: the same text keeps the same digest from release to release.
#include <string>

#include <catch2/catch.hpp>

#include "config/json.hpp"
#include "config/load.hpp"

namespace kanhu {
namespace {

// Every kind of key that the examples leave at its default.
constexpr const char* kRich = R"(version: 1
gateway: {id: gw, sources_per_worker: 3, analysis_threads: 2, worker_memory_bytes: 1GiB}
publish: {live: "tcp://127.0.0.1:6001", query: "tcp://127.0.0.1:6002", plain_tcp_beyond_loopback: true}
journal: {segment_bytes: 2MiB, most_bytes: 64MiB, most_age: 7d, commit_every: 20ms, reserve_bytes: 0KiB}
clips_storage: {most_bytes: 1GiB, most_age: 48h}
metrics: {listen: ""}
mqtt: {brokers: [{id: b, url: "mqtt://127.0.0.1", credential: c, client_id: k}]}
defaults:
  transport: udp
  detector: {name: hog, score_min: 0.25, fps: 7.5, smallest_px: 31}
  presence: {enter_after: 1s, leave_after: 9s, warm_up: 0s}
  faces: {inter_pupil_min_px: 40, shots_per_second: 0.5, shots_needed: 4, margin_min: 0.1}
  health: {stall_after: 2500ms, freeze_after: 45s, dark_after: 6s, dark_below: 12.5}
  clips: {on: [camera.dark, face.appeared], pre_roll: 1s, post_roll: 2s, longest: 30s, ring_bytes: 8MiB}
facilities:
  - id: f1
    name: One
    class: mutual_aid_point
    time_zone: UTC
    occupancy: {every: 90s}
    zones: [{id: z, name: Zone, role: rest}]
    cameras:
      - id: a
        main: {url: "rtsp://h/x", credential: s, auth: digest, redirect_to: ["h:1"]}
        sub: {url: "rtsp://h/y", transport: auto}
        record: main
        faces: {recognize: false, shots_needed: 1}
        presence: {leave_after: 10s}
        zones: [{zone: z, polygon: [[0, 0], [1, 0], [1, 1]]}]
        ignore: [[[0, 0], [0.5, 0], [0.5, 0.5]]]
      - id: t
        enabled: false
        main: {url: "v4l2:///dev/video0", thermal: {size: 80x60, fps: 9, scale: 0.01C, telemetry: footer}}
        detector: {name: thermal, mount: {height: 2.5m, tilt: 10, view: 90x60}, palette: ironbow}
    sensors:
      - {id: p, kind: pir, topic: p/q, hold: 30s, mapping: {values: /a, time: /t, active: [on], inactive: [off]}}
      - {id: d, kind: contact, topic: d/q, openings_per_minute: 5, availability: {topic: d/s, online: up, offline: down}}
      - {id: r, kind: thermal_array, topic: r/q, size: 16x12, silent_after: 5s, mapping: {unit: kelvin, flip: both}, mount: {tilt: 5}}
)";

std::string digest_of(const LoadReport& report) {
  for (const Problem& problem : report.problems) UNSCOPED_INFO(to_string(problem));
  REQUIRE(report.config);
  return report.config->digest;
}

std::string of_file(const std::string& name) { return digest_of(check_config_file(KANHU_SOURCE_DIR "/config/" + name)); }

}  // namespace

TEST_CASE("the digests of the configurations that come along stay what they were") {
  CHECK(of_file("kanhu.example.yaml") == "009af3bcabc7aa37f4e50c0b830911b2fe8d88e34bc68ebc09623510bb645fcd");
  CHECK(of_file("demo.yaml") == "4cf5029dfae411032d6acfea4c3e29af7f8f50be3052def70aac8ed7e3474319");
}

TEST_CASE("the digest of a configuration that sets every kind of key stays what it was") {
  CHECK(digest_of(check_config(kRich, "x.yaml")) == "734dfac3f2991ca58773dc5b64091bba91872ee2b101da2f36b8084eee00cb9e");
}

TEST_CASE("the digest of a configuration that sets next to nothing stays what it was") {
  CHECK(digest_of(check_config("version: 1\ngateway: {id: g}\nfacilities: [{id: f, class: street_centre}]\n", "x.yaml")) ==
        "bfffe9d0cc4274b08905b32c05f8b721240c7427c5e2bbb68a3458be643efe02");
}

}  // namespace kanhu
