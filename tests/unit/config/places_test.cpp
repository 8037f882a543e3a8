// SPDX-License-Identifier: MIT
// Paths, addresses and sizes: what is wrong on any machine is refused at its place.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "config/checks.hpp"
#include "config/endpoint.hpp"
#include "config/load.hpp"
#include "config/place_checks.hpp"

namespace kanhu {
namespace {

// Line 2 is `gateway`, line 3 `publish`, line 4 `metrics`, line 5 `mqtt`, line 11 the camera.
struct Parts {
  std::string gateway = "{id: gw}", publish = "{}", metrics = "{}", mqtt = "{}",
              camera = R"({id: cam, main: {url: "rtsp://h/x"}, detector: {name: none}})";
};

std::string text_of(const Parts& parts) {
  return fmt::format(
      "version: 1\ngateway: {}\npublish: {}\nmetrics: {}\nmqtt: {}\n"
      "facilities:\n  - id: f1\n    class: street_centre\n    zones: []\n    cameras:\n      - {}\n",
      parts.gateway, parts.publish, parts.metrics, parts.mqtt, parts.camera);
}

struct Refused {
  const char* what;
  Parts parts;
  int line;
  const char* fragment;
};

std::string camera_at(const char* url) { return fmt::format(R"({{id: cam, main: {{url: "{}"}}, detector: {{name: none}}}})", url); }

Refused of_gateway(const char* what, const char* keys, const char* fragment) {
  return {what, {.gateway = fmt::format("{{id: gw, {}}}", keys)}, 2, fragment};
}
Refused of_publish(const char* what, const char* keys, const char* fragment) {
  return {what, {.publish = fmt::format("{{{}}}", keys)}, 3, fragment};
}

TEST_CASE("paths that are wrong on any machine are refused at their place") {
  const Refused table[] = {
      of_gateway("data in /proc", "data_dir: /proc/kanhu", "the kernel's"),
      of_gateway("data in /sys, spelt another way", "data_dir: /var/../sys/x", "the kernel's"),
      of_gateway("data in /dev", "data_dir: /dev/kanhu", "the kernel's"),
      of_gateway("data in the root", "data_dir: /", "the root of the file system"),
      of_gateway("a tilde", "data_dir: ~/kanhu", "'~' means nothing here"),
      of_gateway("no data_dir at all", "data_dir: \"\"", "a path expected"),
      of_gateway("secrets in /proc", "secrets_dir: /proc/1/fd", "the kernel's"),
      of_gateway("models in /sys", "models_dir: /sys/models", "the kernel's"),
      of_publish("a socket in /proc", "live: \"ipc:///proc/live\"", "the kernel's"),
      of_publish("a socket where the lock is", "live: \"ipc:///var/lib/kanhu/lock\"", "keeps its files"),
      of_publish("a socket in the journal", "query: \"ipc:///var/lib/kanhu/journal/q\"", "keeps its files"),
      of_publish("a socket over endpoints.json", "query: \"ipc:///var/lib/x/../kanhu/endpoints.json\"", "keeps its files"),
      of_publish("a socket in place of the data", "live: \"ipc:///var/lib/kanhu\"", "a folder of this configuration"),
      of_publish("a socket among the secrets", "live: \"ipc:///etc/kanhu/secrets/live\"", "among the secrets"),
      of_publish("a socket over the allow-list", "live: \"ipc:///etc/kanhu/list\", access: /etc/kanhu/list", "is the allow-list"),
      of_publish("a folder as a socket", "live: \"ipc:///run/kanhu/\"", "this is a folder's"),
      of_publish("an allow-list that is a device", "access: /dev/zero", "the kernel's"),
      of_publish("an allow-list over the lock", "access: /var/lib/kanhu/lock", "keeps its files"),
      of_gateway("secrets among the clips, which workers write", "secrets_dir: /var/lib/kanhu/clips", "keeps its files"),
      of_gateway("secrets in the journal", "data_dir: /d, secrets_dir: /d/journal/x", "secrets_dir: \"/d/journal/x\" is where"),
      of_gateway("secrets in place of the lock", "secrets_dir: /var/lib/kanhu/lock", "keeps its files"),
      of_gateway("secrets in place of the data", "data_dir: /d, secrets_dir: /d", "a folder of this configuration"),
      of_gateway("models among the clips", "models_dir: /var/lib/kanhu/clips", "keeps its files"),
      of_gateway("models in place of the secrets", "models_dir: /etc/kanhu/secrets", "a folder of this configuration"),
      of_gateway("models above the secrets", "models_dir: /etc", "workers read all of"),
      of_gateway("models above everything", "models_dir: /", "workers read all of"),
      of_gateway("a name longer than a name can be", ("data_dir: /srv/" + std::string(256, 'x')).c_str(), "at most 255 bytes"),
      of_gateway("data in place of the configuration", "data_dir: x.yaml", "is the configuration itself"),
      of_gateway("secrets below the configuration", "secrets_dir: x.yaml/secrets", "lies below the configuration itself"),
      of_publish("a socket over the configuration", "live: \"ipc:///etc/kanhu/./x.yaml\"", "is the configuration itself"),
      of_publish("an allow-list that is the configuration", "access: x.yaml", "is the configuration itself"),
      of_publish("an allow-list below a socket", "query: \"ipc:///run/s\", access: /run/s/list", "lies below the socket of query"),
      of_publish("a socket below another", "live: \"ipc:///run/s\", query: \"ipc:///run/s/q\"", "lies below the socket of live"),
      {"data below a socket",
       {.gateway = "{id: gw, data_dir: /run/s/data}", .publish = "{query: \"ipc:///run/s\"}"},
       2,
       "lies below the socket of query (/run/s)"},
      {"models below the allow-list", {.gateway = "{id: gw, models_dir: /srv/l/m}", .publish = "{access: /srv/l}"}, 2, "the allow-list"},
      {"a certificate that is a socket",
       {.publish = "{live: \"ipc:///run/s\"}", .mqtt = "{brokers: [{id: b, url: \"mqtts://h\", ca_file: /run/s}]}"},
       5,
       "is the socket of live"},
      {"a recording that is a device", {.camera = camera_at("file:///dev/zero")}, 11, "the kernel's"},
      {"an authority in /proc", {.mqtt = "{brokers: [{id: b, url: \"mqtts://h\", ca_file: /proc/self/environ}]}"}, 5, "the kernel's"},
  };
  for (const Refused& one : table) {
    INFO(one.what << "\n" << text_of(one.parts));
    const LoadReport report = check_config(text_of(one.parts), "/etc/kanhu/x.yaml");
    REQUIRE(report.problems.size() == 1);
    INFO(to_string(report.problems[0]));
    CHECK(report.problems[0].line == one.line);
    CHECK(report.problems[0].column > 1);
    CHECK(report.problems[0].message.find(one.fragment) != std::string::npos);
  }
  CHECK(path_fault("/dev/shm/kanhu").empty());
  CHECK(path_fault("/processed").empty());
  CHECK(path_fault("/srv/" + std::string(255, 'x') + "/y").empty());
  CHECK(path_fault("/srv/device").empty());
}

TEST_CASE("two sockets in one place are refused in any spelling") {
  struct Pair {
    const char *one, *other;
    bool meet;
  };
  const Pair table[] = {
      {"tcp://127.0.0.1:5000", "tcp://localhost:5000", true},
      {"tcp://127.0.0.1:5000", "tcp://[::1]:5000", true},
      {"tcp://[::1]:5000", "tcp://[0:0:0:0:0:0:0:1]:5000", true},
      {"tcp://127.0.0.1:5000", "tcp://[::ffff:127.0.0.1]:5000", true},
      {"tcp://0.0.0.0:5000", "tcp://127.0.0.1:5000", true},
      {"tcp://[::]:5000", "tcp://127.0.0.1:5000", true},
      {"tcp://*:5000", "tcp://10.0.0.1:5000", true},
      {"tcp://eth0:5000", "tcp://*:5000", true},
      {"tcp://lo:5000", "tcp://127.0.0.1:5000", true},
      {"tcp://lo:5000", "tcp://[::1]:5000", true},
      {"tcp://lo:5000", "tcp://[::]:5000", true},
      {"tcp://[fe80::1%eth0]:5000", "tcp://[fe80::1]:5000", true},
      {"tcp://[fe80::1%eth0]:5000", "tcp://[fe80::1%2]:5000", true},
      {"tcp://[fe80::1%eth0]:5000", "tcp://[fe80::1%eth1]:5000", false},
      {"tcp://lo:5000", "tcp://127.0.0.2:5000", false},
      {"ipc:///run/kanhu/live", "ipc:///run//kanhu/./live", true},
      {"tcp://127.0.0.1:5000", "tcp://127.0.0.1:5001", false},
      {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0", false},
      {"tcp://127.0.0.1:5000", "tcp://127.0.0.2:5000", false},
      {"tcp://10.0.0.1:5000", "tcp://10.0.0.2:5000", false},
      {"ipc:///run/kanhu/live", "ipc:///run/kanhu/query", false},
      {"ipc:///run/kanhu/live", "tcp://127.0.0.1:5000", false},
  };
  for (const Pair& pair : table) {
    INFO(pair.one << " and " << pair.other);
    CHECK(same_place(check_endpoint(pair.one), check_endpoint(pair.other)) == pair.meet);
    CHECK(same_place(check_endpoint(pair.other), check_endpoint(pair.one)) == pair.meet);
    const Parts parts{.publish = fmt::format("{{live: \"{}\", query: \"{}\", plain_tcp_beyond_loopback: true}}", pair.one, pair.other)};
    const LoadReport report = check_config(text_of(parts), "x.yaml");
    REQUIRE(report.problems.size() == (pair.meet ? 1 : 0));
    if (pair.meet) CHECK(report.problems[0].message.find("need two endpoints") != std::string::npos);
  }
  for (const char* listen : {"127.0.0.1:5556", "localhost:5557", "[::1]:5556", "[0::1]:5557"}) {
    const LoadReport report = check_config(text_of({.metrics = fmt::format("{{listen: \"{}\"}}", listen)}), "x.yaml");
    INFO(listen);
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].line == 4);
    CHECK(report.problems[0].message.find("metrics.listen need two endpoints") != std::string::npos);
  }
}

TEST_CASE("an address that is none is refused wherever one stands") {
  for (const char* host : {"127.999.1.1", "127.1", "1.2.3", "1.2.3.4.5", "010.0.0.1", "0x7f000001", "2130706433", "[::g]", "[1]", "a..b",
                           "-a.example", "::1", ""}) {
    INFO(host);
    CHECK_FALSE(check_endpoint(fmt::format("tcp://{}:5000", host)).fault.empty());
    CHECK_FALSE(check_listen(fmt::format("{}:5000", host)).fault.empty());
    CHECK_FALSE(url_fault(fmt::format("rtsp://{}/x", host)).empty());
    CHECK_FALSE(check_broker_url(fmt::format("mqtt://{}", host)).fault.empty());
  }
  for (const char* host : {"192.168.1.20", "camera-3.f1.example", "camera_3", "[fe80::1%eth0]", "[2001:db8::1]", "h", "a.example."}) {
    INFO(host);
    CHECK(url_fault(fmt::format("rtsp://{}:8554/x", host)).empty());
    CHECK(check_broker_url(fmt::format("mqtts://{}", host)).fault.empty());
  }
  for (const char* port : {"65536", "-1", "99999999999", "http", "080", "+80", ""}) {
    INFO(port);
    CHECK_FALSE(check_endpoint(fmt::format("tcp://127.0.0.1:{}", port)).fault.empty());
    CHECK_FALSE(check_listen(fmt::format("127.0.0.1:{}", port)).fault.empty());
    CHECK_FALSE(url_fault(fmt::format("rtsp://127.0.0.1:{}/x", port)).empty());
  }
}

TEST_CASE("what can be bound is an address, and a listening address comes apart into plain values") {
  CHECK_FALSE(check_endpoint("tcp://gateway.example.org:5000").fault.empty());  // libzmq binds no names
  CHECK(check_endpoint("tcp://eth0.100:5000").interface);
  CHECK_FALSE(check_listen("gateway:9464").fault.empty());
  for (const char* nobodys :
       {"224.0.0.1", "239.1.2.3", "255.255.255.255", "127.255.255.255", "[ff02::1]", "[ff02::1%eth0]", "[::ffff:224.0.0.1]"}) {
    INFO(nobodys);
    CHECK(check_endpoint(fmt::format("tcp://{}:0", nobodys)).fault.find("multicast or broadcast") != std::string::npos);
    CHECK_FALSE(check_listen(fmt::format("{}:0", nobodys)).fault.empty());
  }
  for (const char* zoned : {"[::1%lo]", "[::%lo]", "[2001:db8::1%eth0]", "[::ffff:127.0.0.1%lo]"}) {
    INFO(zoned);
    CHECK(check_endpoint(fmt::format("tcp://{}:0", zoned)).fault.find("link-local") != std::string::npos);
    CHECK_FALSE(check_listen(fmt::format("{}:0", zoned)).fault.empty());
  }
  CHECK(check_endpoint("tcp://[fe80::1%eth0]:5000").host == "fe80::1%eth0");
  CHECK(check_endpoint("tcp://localhost:5000").authority() == "127.0.0.1:5000");
  CHECK(check_endpoint("tcp://*:5000").authority() == "0.0.0.0:5000");
  const Endpoint listen = check_listen("[::1]:9464");
  CHECK(listen.fault.empty());
  CHECK(listen.loopback);
  CHECK(listen.ipv6);
  CHECK(listen.host == "::1");
  CHECK(listen.port == 9464);
  CHECK(listen.authority() == "[::1]:9464");
  for (const char* loopback : {"127.0.0.1:1", "127.8.8.8:1", "localhost:1", "[0:0::1]:1", "[::ffff:127.0.0.1]:1"})
    CHECK(check_listen(loopback).loopback);
  for (const char* beyond : {"0.0.0.0:1", "*:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "[::2]:1"})
    CHECK_FALSE(check_listen(beyond).loopback);
}

TEST_CASE("folders in folders of their own, and a certificate of two brokers, are nothing wrong") {
  for (const char* keys : {"data_dir: /d, secrets_dir: /d/secrets, models_dir: /d/models", "data_dir: /s/data, secrets_dir: /s",
                           "data_dir: ., secrets_dir: secrets", "data_dir: /etc/kanhu/x.yaml.d"}) {
    INFO(keys);
    CHECK(check_config(text_of({.gateway = fmt::format("{{id: gw, {}}}", keys)}), "/etc/kanhu/x.yaml").problems.empty());
  }
  const char* shared = "{brokers: [{id: b, url: \"mqtts://h\", ca_file: /c}, {id: d, url: \"mqtts://i\", ca_file: /c}]}";
  CHECK(check_config(text_of({.publish = "{access: /list, live: \"ipc:///run/live\"}", .mqtt = shared}), "x.yaml").problems.empty());
}

TEST_CASE("rings that do not fit into the memory of a worker are refused at the largest of them") {
  const auto recording = [](const char* ring, int each, const char* memory, bool enabled = true) {
    return check_config(
        text_of({.gateway = fmt::format("{{id: gw, sources_per_worker: {}, worker_memory_bytes: {}}}", each, memory),
                 .camera = fmt::format("{{id: cam, enabled: {}, main: {{url: \"rtsp://h/x\"}}, record: main, detector: {{name: none}}, "
                                       "clips: {{ring_bytes: {}}}}}\n"
                                       "      - {{id: two, main: {{url: \"rtsp://h/y\"}}, record: main, detector: {{name: none}}}}",
                                       enabled, ring)}),
        "x.yaml");
  };
  const LoadReport one = recording("1GiB", 1, "1GiB");
  REQUIRE(one.problems.size() == 1);
  CHECK(one.problems[0].line == 11);
  CHECK(one.problems[0].message.find("has 1024 MiB") != std::string::npos);
  CHECK(recording("300MiB", 2, "512MiB").problems.empty());
  CHECK(recording("340MiB", 2, "512MiB").problems.size() == 1);  // with the other camera's
  CHECK(recording("340MiB", 1, "512MiB").problems.empty());
  CHECK(recording("1GiB", 1, "256MiB", false).problems.empty());
  CHECK(recording("1GiB", 0, "256MiB").problems.empty());  // in one process, which nobody limits
}

TEST_CASE("one camera under two names is as private as the more private of them") {
  const auto two = [](const char* url, const char* zones) {
    return check_config(fmt::format("version: 1\ngateway: {{id: gw}}\nfacilities:\n  - id: f1\n    class: street_centre\n"
                                    "    zones: [{{id: bath, private: true}}, {{id: hall}}]\n    cameras:\n"
                                    "      - {{id: heat, main: {{url: \"rtsp://h/visible\"}}, sub: {{url: \"rtsp://h/heat\"}}, detector: "
                                    "{{name: thermal}}, zones: [{{zone: bath}}]}}\n"
                                    "      - {{id: same, main: {{url: \"{}\"}}, detector: {{name: thermal}}, zones: [{}]}}\n",
                                    url, zones),
                        "x.yaml");
  };
  for (const char* url : {"rtsp://h/visible", "rtsp://h/heat", "rtsp://H/Heat", "rtsp://h.:554/heat/", "rtsp://h//x/../%68eat"}) {
    const LoadReport report = two(url, "{zone: hall}");
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].line == 9);
    CHECK(report.problems[0].message.find("camera heat has this address and watches a private zone") != std::string::npos);
    CHECK(two(url, "{zone: hall}, {zone: bath}").problems.empty());
  }
  CHECK(two("rtsp://h/other", "{zone: hall}").problems.empty());
}

TEST_CASE("two spellings of one camera's address compare as one, two cameras as two") {
  for (const auto& [one, other] : {std::pair{"rtsp://CAM.example./Main", "rtsp://cam.example:554/main/"},
                                   {"rtsp://127.0.0.1:8554/a", "rtsp://LocalHost:8554/a"},
                                   {"rtsp://127.0.0.2/a", "rtsp://[::1]/a"},
                                   {"rtsp://[::ffff:127.0.0.1]/a", "rtsp://localhost./a"},
                                   {"rtsp://[2001:DB8:0:0::1]/a", "rtsp://[2001:db8::1]:554/a"},
                                   {"rtsp://h/a?channel=1", "rtsp://h/%61/?channel=1"},
                                   {"rtsp://h", "rtsp://h/"},
                                   {"rtsp://h/a#x", "rtsp://h/a"},
                                   {"file:///a/./b.mp4", "file:////a/b.mp4"},
                                   {"v4l2:///dev/video0", "v4l2:///dev//video0"}}) {
    CAPTURE(one, other);
    CHECK(comparable_url(one) == comparable_url(other));
  }
  for (const auto& [one, other] : {std::pair{"rtsp://h/a?channel=1", "rtsp://h/a?channel=2"},
                                   {"rtsp://h:8554/a", "rtsp://h/a"},
                                   {"rtsp://h1/a", "rtsp://h2/a"},
                                   {"rtsp://h/a", "rtsp://h/a/b"},
                                   {"file:///a/B.mp4", "file:///a/b.mp4"},
                                   {"rtsp://h/a%2", "rtsp://h/a"}}) {
    CAPTURE(one, other);
    CHECK(comparable_url(one) != comparable_url(other));
  }
}

}  // namespace
}  // namespace kanhu
