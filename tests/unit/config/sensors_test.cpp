// SPDX-License-Identifier: MIT
#include <chrono>
#include <string>

#include <catch2/catch.hpp>

#include "config/checks.hpp"
#include "config/json.hpp"
#include "config/load.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

const std::string kBroker = "mqtt: {brokers: [{id: b, url: \"mqtt://127.0.0.1\"}]}\n";

std::string with(const std::string& mqtt, const std::string& sensor) {
  return "version: 1\ngateway: {id: gw}\n" + mqtt +
         "facilities:\n"
         "  - id: f1\n"
         "    class: street_centre\n"
         "    zones: [{id: lobby}, {id: bath, private: true}]\n"
         "    sensors:\n"
         "      - id: s\n" +
         sensor;
}

// Three keys a good one has; what follows begins in line 13.
const std::string kArray =
    "        kind: thermal_array\n"
    "        topic: t/s\n"
    "        zones: [{zone: bath}]\n";

Result<Config> read(const std::string& text) { return parse_config(text, "/etc/kanhu/k.yaml"); }

struct Refused {
  const char* what;
  std::string mqtt, sensor;
  int line;
  const char* fragment;
};

void check_refused(const Refused& broken) {
  const std::string text = with(broken.mqtt, broken.sensor);
  INFO(broken.what << "\n" << text);
  const LoadReport report = check_config(text, "x.yaml");
  CHECK_FALSE(report.config);
  REQUIRE_FALSE(report.problems.empty());
  INFO(to_string(report.problems.front()));
  CHECK(report.problems.size() == 1);
  CHECK(report.problems.front().line == broken.line);
  CHECK(report.problems.front().message.find(broken.fragment) != std::string::npos);
}

std::string broker(const std::string& keys) { return "mqtt: {brokers: [{id: b, " + keys + "}]}\n"; }

}  // namespace

TEST_CASE("a thermal array is a source with detector thermal that may watch a private zone") {
  const auto config = read(with(kBroker, kArray));
  REQUIRE(config);
  REQUIRE(config->camera("s"));
  const CameraConfig& source = *config->camera("s");
  REQUIRE(source.sensor);
  CHECK(source.detector.name == "thermal");
  CHECK(source.detector.smallest_px == 1);
  CHECK_FALSE(source.main);
  CHECK_FALSE(source.record);
  CHECK(source.clips.on.empty());
  CHECK(source.sensor->broker == "b");
  CHECK(source.sensor->width == 32);
  CHECK(source.sensor->silent_after == 10s);
  CHECK(source.health.stall_after == 10s);
}

TEST_CASE("a slow array is judged at the rate its silence allows for") {
  const auto config = read(with(kBroker, kArray + "        silent_after: 60s\n"));
  REQUIRE(config);
  CHECK(config->camera("s")->detector.frames_per_second == Approx(0.05));
  CHECK(config->camera("s")->health.freeze_after == 3min);
}

TEST_CASE("a motion detector and a contact have no detector and a patience of hours") {
  for (const char* kind : {"pir", "contact"}) {
    const std::string keys = std::string("        kind: ") + kind + "\n        topic: t\n";
    const auto config = read(with(kBroker, keys));
    REQUIRE(config);
    CHECK(config->camera("s")->detector.name == "none");
    CHECK(config->camera("s")->sensor->silent_after == 2h);
    const auto available = read(with(kBroker, keys + "        availability: {topic: t/status}\n"));
    REQUIRE(available);
    CHECK(available->camera("s")->sensor->silent_after == 25h);
  }
}

TEST_CASE("a broker's port follows from its scheme") {
  CHECK(check_broker_url("mqtt://h").port == 1883);
  CHECK(check_broker_url("mqtts://h").port == 8883);
  CHECK(check_broker_url("mqtts://h").tls);
  CHECK(check_broker_url("mqtt://[::1]:9/").host == "::1");
  CHECK(check_broker_url("mqtt://[::1]:9/").port == 9);
  CHECK(check_broker_url("mqtt://127.0.0.1").loopback);
  CHECK_FALSE(check_broker_url("mqtt://127.example.org").loopback);
  for (const char* bad : {"h", "http://h", "mqtt://", "mqtt://h:0", "mqtt://h:99999", "mqtt://u:p@h", "mqtt://h/path"}) {
    INFO(bad);
    CHECK_FALSE(check_broker_url(bad).fault.empty());
  }
}

TEST_CASE("a password goes unprotected over a network only when that is said") {
  const std::string open = broker("url: \"mqtt://10.0.0.1\", credential: c");
  CHECK_FALSE(read(with(open, kArray)));
  CHECK(read(with(broker("url: \"mqtt://10.0.0.1\", credential: c, plain_password: true"), kArray)));
  CHECK(read(with(broker("url: \"mqtts://10.0.0.1\", credential: c"), kArray)));
  CHECK(read(with(broker("url: \"mqtt://127.0.0.1\", credential: c"), kArray)));
  CHECK(read(with(broker("url: \"mqtt://10.0.0.1\""), kArray)));
}

TEST_CASE("what a sensor cannot mean is refused at its place") {
  const std::string two = "mqtt: {brokers: [{id: north, url: \"mqtt://127.0.0.1\"}, {id: south, url: \"mqtt://127.0.0.1:2\"}]}\n";
  const std::string pir = "        kind: pir\n        topic: t\n", contact = "        kind: contact\n        topic: t\n";
  const Refused table[] = {
      {"no broker", "mqtt: {}\n", kArray, 9, "needs a message broker"},
      {"which broker", two, kArray, 9, "broker is missing: there are several"},
      {"unknown broker", two, kArray + "        broker: nort\n", 13, "has no \"nort\"; did you mean north?"},
      {"wildcard", kBroker, "        kind: pir\n        topic: a/+/b\n", 11, "without the wildcards"},
      {"hash", kBroker, "        kind: pir\n        topic: \"a/#\"\n", 11, "without the wildcards"},
      {"the broker's own", kBroker, "        kind: pir\n        topic: $SYS/x\n", 11, "'$'"},
      {"no topic", kBroker, "        kind: pir\n", 9, "topic is missing"},
      {"no kind", kBroker, "        topic: t\n", 9, "kind is missing: one of thermal_array, pir, contact"},
      {"unknown kind", kBroker, "        kind: thermal_aray\n        topic: t\n", 10, "did you mean thermal_array?"},
      {"too small", kBroker, kArray + "        size: 3x24\n", 13, "from 4x4 to 80x64"},
      {"too large", kBroker, kArray + "        size: 160x120\n", 13, "from 4x4 to 80x64"},
      {"no size", kBroker, kArray + "        size: 32\n", 13, "such as 32x24"},
      {"unit", kBroker, kArray + "        mapping: {unit: celcius}\n", 13, "did you mean celsius?"},
      {"pointer", kBroker, kArray + "        mapping: {values: data}\n", 13, "JSON pointer (RFC 6901)"},
      {"half a pair", kBroker, pir + "        mapping: {values: /a, active: [\"yes\"]}\n", 12, "active and inactive are said together"},
      {"both", kBroker, pir + "        mapping: {active: [a], inactive: [a]}\n", 12, "a\" stands in active"},
      {"words of an array", kBroker, kArray + "        mapping: {active: [a], inactive: [b]}\n", 13, "temperatures, not words"},
      {"temperatures of a pir", kBroker, pir + "        mapping: {unit: celsius}\n", 12, "only a thermal_array"},
      {"size of a pir", kBroker, pir + "        size: 32x24\n", 12, "size: only a thermal_array has it, this is a pir"},
      {"ignore of a pir", kBroker, pir + "        ignore: []\n", 12, "ignore: only a thermal_array has it"},
      {"hold of an array", kBroker, kArray + "        hold: 60s\n", 13, "hold: only a pir has it"},
      {"openings of a pir", kBroker, pir + "        openings_per_minute: 60\n", 12,
       "openings_per_minute: only a contact has it, this is a pir"},
      {"no openings at all", kBroker, contact + "        openings_per_minute: 0\n", 12, "0 is outside 1 to 6000"},
      {"polygon of a pir", kBroker, pir + "        zones: [{zone: lobby, polygon: [[0, 0], [1, 0], [1, 1]]}]\n", 12, "no picture"},
      {"mistyped key", kBroker, kArray + "        silent_afer: 10s\n", 13, "did you mean silent_after?"},
      {"detector of a sensor", kBroker, kArray + "        detector: {name: thermal}\n", 13, "unknown key \"detector\""},
      {"height", kBroker, kArray + "        mount: {height: 270}\n", 13, "metres from 1m to 20m"},
      {"view", kBroker, kArray + "        mount: {view: 110}\n", 13, "such as 110x75"},
      {"one topic for two", kBroker, kArray + "        availability: {topic: t/s}\n", 13, "two topics"},
      {"availability without topic", kBroker, kArray + "        availability: {online: up}\n", 13, "availability.topic is missing"},
      {"password in the URL", broker("url: \"mqtt://u:geheim@h\""), kArray, 3, "use credential: NAME"},
      {"certificate without TLS", broker("url: \"mqtt://127.0.0.1\", ca_file: x.pem"), kArray, 3, "checks no certificate"},
      {"password readable", broker("url: \"mqtt://10.0.0.1\", credential: c"), kArray, 3, "plain_password: true"},
      {"broker twice", "mqtt: {brokers: [{id: b, url: \"mqtt://127.0.0.1\"}, {id: b, url: \"mqtt://127.0.0.1\"}]}\n",
       kArray + "        broker: b\n", 3, "stands twice"},
      {"id twice", kBroker, kArray + "      - id: s\n        kind: pir\n        topic: t\n", 13, "unique over the gateway"},
  };
  for (const Refused& broken : table) check_refused(broken);
  CHECK(to_string(check_config(with(broker("url: \"mqtt://u:geheim@h\""), kArray), "x").problems.front()).find("geheim") ==
        std::string::npos);
}

TEST_CASE("a mount belongs to detector thermal") {
  const auto camera = [](const char* name) {
    return std::string(
               "version: 1\ngateway: {id: g}\nfacilities: [{id: f, class: town_centre, cameras: [{id: c, main: {url: \"rtsp://h/x\"}, ") +
           "detector: {name: " + name + ", mount: {height: 2.5m, tilt: 20, view: 50x38}}}]}]\n";
  };
  const auto good = read(camera("thermal"));
  REQUIRE(good);
  CHECK(good->camera("c")->detector.mount == MountConfig{2.5, 20, 50, 38});
  const auto bad = read(camera("thermal-blob"));
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.find("only detector thermal uses it") != std::string::npos);
}

TEST_CASE("a sensor goes to JSON and back unchanged, and every one of its values is in the digest") {
  const std::string keys = kArray +
                           "        size: 8x8\n        mapping: {values: /a, time: /t, unit: kelvin, flip: both}\n"
                           "        availability: {topic: t/up, online: \"1\", offline: \"0\"}\n"
                           "        mount: {height: 2.7m, tilt: 5, view: 60x60}\n";
  const auto config = read(with(kBroker, keys));
  REQUIRE(config);
  const auto back = camera_from_json(camera_json(*config->camera("s")));
  REQUIRE(back);
  CHECK(*back == *config->camera("s"));
  std::string other = keys;
  other.replace(other.find("kelvin"), 6, "celsius");
  CHECK(read(with(kBroker, other))->digest != config->digest);
  CHECK(read(with(broker("url: \"mqtts://127.0.0.1\""), keys))->digest != config->digest);
}

TEST_CASE("an authority's file is looked for beside the configuration") {
  const auto config = read(with(broker("url: \"mqtts://h\", ca_file: ca.pem"), kArray));
  REQUIRE(config);
  CHECK(config->brokers.front().ca_file == "/etc/kanhu/ca.pem");
}

}  // namespace kanhu
