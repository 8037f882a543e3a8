// SPDX-License-Identifier: MIT
#include <string>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "config/load.hpp"

namespace kanhu {
namespace {

struct Broken {
  const char* what;
  std::string text;
  int line;
  int column;
  const char* fragment;
};

// A whole configuration around one facility; line 3 begins it.
std::string around(const std::string& facility) { return "version: 1\ngateway: {id: gw}\n" + facility; }

// Around one camera: its keys begin in line 8, column 9.
std::string camera(const std::string& keys) {
  return around(
             "facilities:\n"
             "  - id: f1\n"
             "    class: street_centre\n"
             "    zones: [{id: lobby}, {id: bath, private: true}]\n"
             "    cameras:\n") +
         "      - id: cam\n" + keys;
}

const char kGood[] =
    "        main: {url: \"rtsp://10.0.0.1/x\"}\n"
    "        detector: {name: blazeface}\n";

std::string good_and(const std::string& keys) { return camera(kGood + keys); }  // `keys` begin in line 11

void check(const Broken& broken) {
  INFO(broken.what << "\n" << broken.text);
  const LoadReport report = check_config(broken.text, "x.yaml");
  CHECK_FALSE(report.config);
  REQUIRE_FALSE(report.problems.empty());
  const Problem& problem = report.problems.front();
  INFO(to_string(problem));
  CHECK(report.problems.size() == 1);
  CHECK(problem.line == broken.line);
  CHECK(problem.column == broken.column);
  CHECK(problem.message.find(broken.fragment) != std::string::npos);
}

TEST_CASE("the configuration the broken ones are made from is good") {
  const LoadReport report = check_config(good_and(""), "x.yaml");
  for (const Problem& problem : report.problems) UNSCOPED_INFO(to_string(problem));
  CHECK(report.config);
}

TEST_CASE("faults of the text are refused at their place") {
  const Broken table[] = {
      {"anchor", "version: 1\ngateway: &g {id: gw}\n", 2, 10, "anchors (&name) are refused"},
      {"recursive alias", "a: &a [*a]\n", 1, 4, "anchors"},
      {"alias", "version: *one\n", 1, 10, "aliases (*name) are refused"},
      {"tag", "version: !!int 1\n", 1, 10, "tags (!type) are refused"},
      {"merge key", good_and("        <<: {enabled: true}\n"), 11, 9, "merge keys (<<) are refused"},
      {"second document", "version: 1\n---\nversion: 1\n", 2, 1, "a second document begins here"},
      {"document end", "version: 1\n...\n", 2, 1, "a configuration is one document"},
      {"directive", "%YAML 1.1\n---\nversion: 1\n", 1, 1, "directives"},
      {"tab", "gateway:\n\tid: gw\n", 2, 1, "a tab"},
      {"tab after a colon", "version:\t1\n", 1, 9, "a tab"},
      {"block text", "gateway:\n  id: |\n    gw\n", 2, 7, "block text"},
      {"complex key", "? a\n: b\n", 1, 1, "complex keys"},
      {"open quote", "gateway: {id: \"gw}\n", 1, 15, "quote is not closed"},
      {"open bracket", "version: 1\nfacilities: [\n", 2, 13, "'[' is never closed"},
      {"wrong bracket", "version: 1\nfacilities: [}\n", 2, 14, "'}' does not close '['"},
      {"control character", "version: 1 \x01\n", 1, 12, "control character U+0001"},
      {"invalid UTF-8", "# 看护 \xff\n", 1, 6, "not valid UTF-8"},
      {"bad indent", "version: 1\n gateway: {id: gw}\n", 2, 9, "not valid YAML"},
      {"missing key", "version: 1\n: 2\n", 2, 1, "a key is missing"},
  };
  for (const Broken& broken : table) check(broken);
}

TEST_CASE("a text without a key is refused at its beginning") {
  for (const char* text : {"", "\n\n", "# who\n# knows\n"}) {
    const LoadReport report = check_config(text, "x");
    REQUIRE_FALSE(report.problems.empty());
    CHECK(to_string(report.problems.front()) == "x:1:1: a configuration is a mapping of keys; found nothing");
  }
}

TEST_CASE("faults of keys and types are refused at their place with the nearest known key") {
  const Broken table[] = {
      {"unknown key at the top", "versoin: 1\n" + good_and(""), 1, 1, "did you mean version?"},
      {"unknown key in a camera", good_and("        detecter: {}\n"), 11, 9,
       "unknown key \"detecter\" in facilities[].cameras[]; did you mean detector?"},
      {"unknown key far from all", good_and("        colour: red\n"), 11, 9, "known are id, name, enabled"},
      {"duplicate key", good_and("        enabled: true\n        enabled: false\n"), 12, 9,
       "key \"enabled\" stands twice; the first is in line 11"},
      {"duplicate key in flow", "version: 1\ngateway: {id: a, id: b}\n", 2, 18, "key \"id\" stands twice"},
      {"a list for a mapping", good_and("        presence: [400ms]\n"), 11, 19, "is a mapping of keys; found a list"},
      {"nothing for a mapping", good_and("        health:\n"), 11, 9, "found nothing"},
      {"a mapping for a list", good_and("        zones: {zone: lobby}\n"), 11, 16, "expected a list, found a mapping"},
      {"a mapping for text", good_and("        name: {zh: 门}\n"), 11, 15, "name: expected text, found a mapping"},
      {"octal", good_and("        presence: {}\n        health: {dark_below: 010}\n"), 12, 30,
       "without quotes or leading zeros, found \"010\""},
      {"hexadecimal",
       good_and("        detector: {score_min: 0x1}\n").substr(0, 0) +
           camera("        main: {url: \"rtsp://h/x\"}\n        detector: {name: hog, fps: 0x8}\n"),
       10, 36, "expected a number"},
      {"a number in quotes", camera("        main: {url: \"rtsp://h/x\"}\n        detector: {name: hog, fps: \"8\"}\n"), 10, 36,
       "found text in quotes"},
      {"yes", good_and("        enabled: yes\n"), 11, 18, "expected true or false, found \"yes\""},
      {"True", good_and("        enabled: True\n"), 11, 18, "expected true or false"},
      {"no unit", good_and("        presence: {enter_after: 400}\n"), 11, 33, "a duration with its unit"},
      {"wrong unit", good_and("        presence: {enter_after: 4sec}\n"), 11, 33, "a duration with its unit"},
      {"decimal size", good_and("        clips: {ring_bytes: 32MB}\n"), 11, 29, "a size with its unit"},
      {"too long", good_and("        health: {stall_after: 9s}\n"), 11, 31, "9s is outside 1s to 8s"},
      {"too much", camera("        main: {url: \"rtsp://h/x\"}\n        detector: {name: hog, score_min: 1.5}\n"), 10, 42,
       "1.5 is outside 0 to 1"},
      {"wrong version", "version: 2\n" + good_and("").substr(11), 1, 10, "2 is outside 1 to 1"},
      {"identifier", "version: 1\ngateway: {id: GW 1}\n" + good_and("").substr(good_and("").find("facilities")), 2, 15,
       "\"GW 1\" is no identifier"},
      {"missing id", "version: 1\ngateway: {}\n" + good_and("").substr(good_and("").find("facilities")), 2, 10, "gateway.id is missing"},
  };
  for (const Broken& broken : table) check(broken);
}

TEST_CASE("faults between values are refused at their place") {
  const std::string other = "      - id: cam\n        main: {url: \"rtsp://h/x\"}\n        detector: {name: none}\n";
  const std::string zone_twice = around("facilities:\n  - id: f1\n    class: street_centre\n    zones: [{id: a}, {id: a}]\n");
  const Broken table[] = {
      {"camera twice", good_and(other), 11, 13,
       "camera cam stands twice; ids of cameras and sensors are unique over the gateway, the first is in line 8"},
      {"facility twice", good_and("  - id: f1\n    class: street_centre\n"), 11, 9, "facility f1 stands twice"},
      {"zone twice", zone_twice, 6, 27, "zone a stands twice"},
      {"recognition without eyes",
       camera("        main: {url: \"rtsp://h/x\"}\n        detector: {name: hog}\n        faces: {recognize: true}\n"), 11, 16,
       "faces.recognize: detector hog gives no eyes to align a face by"},
      {"dangling zone", good_and("        zones: [{zone: lobbi}]\n"), 11, 24, "facility f1 has no zone \"lobbi\"; did you mean lobby?"},
      {"zone twice in a camera", good_and("        zones: [{zone: lobby}, {zone: lobby}]\n"), 11, 39, "lobby stands twice in this camera"},
      {"private zone", good_and("        zones: [{zone: bath}]\n"), 11, 24,
       "bath is private; only a camera with detector thermal or thermal-blob"},
      {"private zone, other stream recorded",
       camera("        main: {url: \"rtsp://h/x\"}\n        sub: {url: \"rtsp://h/t\"}\n        record: main\n        detector: {name: "
              "thermal-blob}\n"
              "        zones: [{zone: bath}]\n"),
       11, 17, "zone bath is private, so no video of it is kept"},
      {"private zone, the thermal stream recorded",
       camera("        main: {url: \"rtsp://h/x\"}\n        record: main\n        detector: {name: thermal}\n"
              "        zones: [{zone: lobby}, {zone: bath}]\n"),
       10, 17, "zone bath is private, so no video of it is kept"},
      {"record without stream", good_and("        record: sub\n"), 11, 17, "record: this camera has no stream sub"},
      {"analyze without stream", good_and("        analyze: sub\n"), 11, 18, "analyze: this camera has no stream sub"},
      {"no stream", camera("        detector: {name: hog}\n"), 8, 9, "a camera has main"},
      {"detector", camera("        main: {url: \"rtsp://h/x\"}\n        detector: {name: blazefase}\n"), 10, 26, "did you mean blazeface?"},
      {"no detector", camera("        main: {url: \"rtsp://h/x\"}\n"), 8, 9, "detector.name is missing"},
      {"clip event", good_and("        record: main\n        clips: {on: [face.apeared]}\n"), 12, 22, "did you mean face.appeared?"},
      {"clips without record", good_and("        clips: {on: [face.appeared]}\n"), 11, 16, "record is none"},
      {"clip too short", good_and("        clips: {pre_roll: 30s, longest: 10s}\n"), 11, 41,
       "shorter than pre_roll and post_roll together (35s)"},
      {"two points", good_and("        ignore: [[[0, 0], [1, 1]]]\n"), 11, 18, "a polygon has 3 to 64 points, found 2"},
      {"point outside", good_and("        ignore: [[[0, 0], [1, 0], [1, 1.1]]]\n"), 11, 35, "fractions 0 to 1"},
      {"bow tie", good_and("        ignore: [[[0, 0], [1, 1], [1, 0], [0, 1]]]\n"), 11, 18, "crosses itself"},
      {"spike", good_and("        ignore: [[[0, 0], [1, 0], [0.5, 0], [0.5, 1]]]\n"), 11, 18, "crosses itself"},
      {"point twice", good_and("        ignore: [[[0, 0], [1, 0], [1, 0], [0, 1]]]\n"), 11, 18, "are the same"},
      {"no area", good_and("        ignore: [[[0, 0], [0.5, 0], [1, 0]]]\n"), 11, 18, "polygon"},
      {"class", around("facilities: [{id: f, class: street_center}]\n"), 3, 29, "did you mean street_centre?"},
      {"time zone", around("facilities: [{id: f, class: street_centre, time_zone: \"../etc/passwd\"}]\n"), 3, 55, "no IANA time zone"},
      {"live beyond loopback", "publish: {live: \"tcp://0.0.0.0:5556\"}\n" + good_and(""), 1, 17, "plain_tcp_beyond_loopback: true"},
      {"every interface", "publish: {query: \"tcp://*:5557\"}\n" + good_and(""), 1, 18, "reached from other machines"},
      {"a name that begins like loopback", "publish: {live: \"tcp://127.0.0.1.example.org:1\"}\n" + good_and(""), 1, 17,
       "an address of this machine expected"},
      {"same endpoints", "publish: {query: \"tcp://127.0.0.1:5556\"}\n" + good_and(""), 1, 18, "two endpoints"},
      {"endpoint", "publish: {live: \"http://h:1\"}\n" + good_and(""), 1, 17, "tcp://host:port or ipc:///path expected"},
      {"metrics", "metrics: {listen: \"0.0.0.0:9464\"}\n" + good_and(""), 1, 19, "this machine only"},
      {"journal", "journal: {most_bytes: 16MiB}\n" + good_and(""), 1, 23, "at least 4 segments"},
  };
  for (const Broken& broken : table) check(broken);
}

TEST_CASE("a URL is refused when it is of another scheme, has no host, or holds a password, which is never repeated") {
  for (const char* url : {"rtsp://admin:canary@h/x", "rtsp://canary@h/x", "rtsp://h/user=a&password=canary", "rtsp://h/x?PWD=canary",
                          "http://h/canary", "rtsp:///canary", "rtsp://h:0/canary", "rtsp://h:99999/canary", "rtsp://h:x/canary",
                          "file://canary", "file://", "rtsp://h/a canary", "canary"}) {
    const std::string text = camera(fmt::format("        main: {{url: \"{}\"}}\n        detector: {{name: none}}\n", url));
    const LoadReport report = check_config(text, "x.yaml");
    INFO(url);
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].line == 9);
    CHECK(report.problems[0].column == 21);
    CHECK(to_string(report.problems[0]).find("canary") == std::string::npos);
  }
}

TEST_CASE("a password written where the name of a secret belongs is not repeated either") {
  for (const char* keys : {"credential: \"admin:canary\"", "password: canary", "user: canary"}) {
    const std::string text = camera(fmt::format("        main: {{url: \"rtsp://h/x\", {}}}\n        detector: {{name: none}}\n", keys));
    const LoadReport report = check_config(text, "x.yaml");
    REQUIRE(report.problems.size() == 1);
    INFO(to_string(report.problems[0]));
    CHECK(report.problems[0].message.find("canary") == std::string::npos);
    CHECK(report.problems[0].message.find("kanhu secret set") != std::string::npos);
  }
}

TEST_CASE("all problems are reported at once, in order of their lines") {
  const LoadReport report =
      check_config("version: 3\npublish: {live: x}\ngateway: {id: gw, datadir: /x}\nfacilities: [{id: A, class: town}]\n", "x.yaml");
  REQUIRE(report.problems.size() == 5);
  CHECK(to_string(report.problems[0]) == "x.yaml:1:10: version: 3 is outside 1 to 1");
  CHECK(report.problems[1].line == 2);
  CHECK(report.problems[2].line == 3);
  CHECK(report.problems[3].line == 4);
  CHECK(report.problems[4].line == 4);
  const auto result = parse_config("version: 3\n", "x.yaml");
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == ErrorKind::kInvalidConfig);
  CHECK(result.error().message.find("(and 2 more)") != std::string::npos);
}

TEST_CASE("columns count characters, not bytes") {
  const LoadReport report = check_config(
      camera("        name: \"正门\"  # 看护\n        main: {url: \"rtsp://h/x\", 门: 1}\n        detector: {name: none}\n"), "x.yaml");
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].line == 10);
  CHECK(report.problems[0].column == 35);
}

TEST_CASE("a file that cannot be read is a configuration refused, and the system's reason is told") {
  const auto missing = load_config("/nowhere/kanhu.yaml");
  CHECK(missing.error().kind == ErrorKind::kInvalidConfig);
  CHECK(missing.error().message == "cannot read the configuration /nowhere/kanhu.yaml: No such file or directory");
  CHECK(load_config("/").error().kind == ErrorKind::kInvalidConfig);
  CHECK(check_config_file("/nowhere/kanhu.yaml").problems.size() == 1);
}

TEST_CASE("where a camera may redirect to is a host and a port, and a login is one that is known") {
  const auto with = [](const std::string& keys) {
    return camera("        main: {url: \"rtsp://10.0.0.1/x\", " + keys + "}\n        detector: {name: none}\n");
  };
  for (const char* place :
       {"cam", "cam:", ":554", "cam:0", "cam:70000", "rtsp://cam:554", "user@cam:554", "cam:554/x", "cam:5 5", "[]:554", "a:b:554"}) {
    CAPTURE(place);
    const LoadReport report = check_config(with(std::string("redirect_to: [\"") + place + "\"]"), "x.yaml");
    CHECK_FALSE(report.config);
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].message.find("host:port") != std::string::npos);
  }
  CHECK(check_config(with("redirect_to: [\"cam:554\", \"[2001:db8::1]:8554\"], auth: digest"), "x.yaml").config);
  CHECK_FALSE(check_config(with("auth: basic"), "x.yaml").config);
  const auto file =
      check_config(camera("        main: {url: \"file:///a.mp4\", auth: digest}\n        detector: {name: none}\n"), "x.yaml");
  CHECK_FALSE(file.config);
  REQUIRE(file.problems.size() == 1);
  CHECK(file.problems[0].message.find("rtsp://") != std::string::npos);
}

}  // namespace
}  // namespace kanhu
