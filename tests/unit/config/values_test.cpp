// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "config/checks.hpp"
#include "config/endpoint.hpp"
#include "config/json.hpp"
#include "config/load.hpp"
#include "config/secrets.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

std::string source_path(const std::string& path) { return std::string(KANHU_SOURCE_DIR) + "/" + path; }

Config loaded(const std::string& path) {
  const LoadReport report = check_config_file(source_path(path));
  for (const Problem& problem : report.problems) UNSCOPED_INFO(to_string(problem));
  REQUIRE(report.config);
  return *report.config;
}

TEST_CASE("the example loads, and its values are those it states") {
  const Config config = loaded("config/kanhu.example.yaml");
  CHECK(config.gateway.id == "fuxing-gw");
  CHECK(config.gateway.data_dir == "/var/lib/kanhu");
  CHECK(config.journal.most_age == 180 * 24h);
  REQUIRE(config.camera("entrance"));
  const CameraConfig& entrance = *config.camera("entrance");
  CHECK(entrance.name == "正门");
  CHECK(entrance.sub->transport == Transport::kAuto);
  CHECK_FALSE(entrance.main->digest_only);
  CHECK(entrance.main->redirect_to.empty());
  CHECK(entrance.sub->digest_only);
  CHECK(entrance.sub->redirect_to == std::vector<std::string>{"10.20.1.12:554"});
  // Who does not use them keeps the digest of a configuration that knows no such keys.
  const Json main = camera_json(entrance).at("main");
  CHECK_FALSE(main.contains("auth"));
  CHECK_FALSE(main.contains("redirect_to"));
  CHECK(entrance.detector == DetectorConfig{"blazeface", 0.7, 8, 24, {}, "auto"});
  CHECK(entrance.presence.leave_after == 6s);
  CHECK(entrance.faces == FacesConfig{true, 32, 3, 3, 0.03});
  CHECK(entrance.clips.longest == 2min);
  CHECK(entrance.record == StreamRole::kMain);
  CHECK(entrance.zones.at(0).polygon.size() == 4);
  CHECK(config.camera("bath")->clips.on.empty());
  CHECK(config.facility_of("yunshan-hall")->id == "yunshan");
  CHECK(config.facility("nobody") == nullptr);
  CHECK(config.camera("nobody") == nullptr);
}

TEST_CASE("the example states the loader's defaults") {
  const Config stated = loaded("config/kanhu.example.yaml");
  const auto least = parse_config(
      "version: 1\ngateway: {id: fuxing-gw}\nfacilities: [{id: f, class: street_centre, cameras: [{id: c, main: {url: \"rtsp://h/x\"}, "
      "detector: {name: "
      "blazeface}}]}]\n",
      "/x.yaml");
  REQUIRE(least);
  CHECK(stated.gateway == least->gateway);
  CHECK(stated.publish == least->publish);
  CHECK(stated.journal == least->journal);
  CHECK(stated.storage == least->storage);
  CHECK(stated.metrics == least->metrics);
  const CameraConfig& camera = *stated.camera("yunshan-hall");
  CHECK(camera.detector == least->camera("c")->detector);
  CHECK(camera.presence == least->camera("c")->presence);
  CHECK(camera.faces == least->camera("c")->faces);
  CHECK(camera.health == least->camera("c")->health);
}

TEST_CASE("the demo has its two facilities and six cameras") {
  const Config config = loaded("config/demo.yaml");
  REQUIRE(config.facilities.size() == 2);
  for (const char* id : {"entrance", "canteen", "bath", "hall", "rest", "office"}) CHECK(config.camera(id) != nullptr);
  CHECK(config.camera("office")->main->credential == "demo-office");
  CHECK(config.camera("bath")->detector.name == "thermal");
  CHECK_FALSE(config.camera("bath")->record);
  CHECK(std::filesystem::path(config.gateway.data_dir) == std::filesystem::path(source_path("run/demo")).lexically_normal());
}

TEST_CASE("relative folders mean the configuration's own folder") {
  const auto config = parse_config(
      "version: 1\ngateway: {id: g, data_dir: ../run, secrets_dir: s/}\nfacilities: [{id: f, class: town_centre}]\n", "/etc/kanhu/k.yaml");
  REQUIRE(config);
  CHECK(config->gateway.data_dir == "/etc/run");
  CHECK(config->gateway.secrets_dir == "/etc/kanhu/s");
}

TEST_CASE("the digest names the values, not the text or the folders they came from") {
  const std::string body = "facilities: [{id: f, class: town_centre}]\n";
  const auto one = parse_config("version: 1\ngateway: {id: g}\n" + body, "/a/k.yaml");
  const auto same = parse_config("# comment\ngateway: {id: \"g\", data_dir: /other}\nversion: 1\n" + body, "/b/k.yaml");
  const auto other = parse_config("version: 1\ngateway: {id: h}\n" + body, "/a/k.yaml");
  REQUIRE((one && same && other));
  CHECK(one->digest == same->digest);
  CHECK(one->digest != other->digest);
  CHECK(one->digest == config_digest(*one));
  CHECK(one->digest.size() == 64);
}

TEST_CASE("a camera goes to JSON and back unchanged, also through canonical text") {
  for (const char* path : {"config/kanhu.example.yaml", "config/demo.yaml"}) {
    const Config config = loaded(path);
    for (const FacilityConfig& facility : config.facilities) {
      for (const CameraConfig& camera : facility.cameras) {
        const auto json = parse_json(canonical_json(camera_json(camera)));
        REQUIRE(json);
        const auto back = camera_from_json(*json);
        REQUIRE(back);
        CHECK(*back == camera);
      }
    }
  }
}

TEST_CASE("a damaged camera description is refused") {
  Json json = camera_json(loaded("config/demo.yaml").facilities[0].cameras[0]);
  json.erase("detector");
  CHECK(camera_from_json(json).error().kind == ErrorKind::kCorrupt);
  CHECK_FALSE(camera_from_json(Json(7)));
}

TEST_CASE("a role without a stream of its own is served by the other") {
  CameraConfig camera;
  CHECK(stream_for(camera, StreamRole::kMain) == nullptr);
  camera.sub = StreamConfig{"rtsp://h/sub", "", Transport::kTcp};
  CHECK(session_role(camera, StreamRole::kMain) == StreamRole::kSub);
  CHECK(stream_for(camera, StreamRole::kMain)->url == "rtsp://h/sub");
  camera.main = StreamConfig{"rtsp://h/main", "", Transport::kTcp};
  CHECK(stream_for(camera, StreamRole::kMain)->url == "rtsp://h/main");
}

TEST_CASE("the key list names every level once") {
  const auto keys = config_keys();
  const auto has = [&](const char* key) { return std::count(keys.begin(), keys.end(), key) == 1; };
  CHECK(has("gateway.data_dir"));
  CHECK(has("defaults.clips.ring_bytes"));
  CHECK(has("facilities[].cameras[].detector.name"));
  CHECK(has("facilities[].cameras[].zones[].polygon"));
  CHECK(std::set<std::string>(keys.begin(), keys.end()).size() == keys.size());
}

TEST_CASE("durations and sizes are read with their units and written back") {
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_duration("90d") == 90 * 24h);
  CHECK(parse_duration("0s") == 0ms);
  for (const char* bad : {"", "8", "8 s", "s", "-1s", "01s", "1.0005s", "1e3s", "8S", "8m", "99999999999999999d"})
    CHECK_FALSE(parse_duration(bad));
  CHECK(parse_bytes("32MiB") == 33554432u);
  for (const char* bad : {"32", "32MB", "32M", "1.0001KiB", "-1B"}) CHECK_FALSE(parse_bytes(bad));
  CHECK(format_duration(90min) == "90min");
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_bytes(5ull << 30) == "5GiB");
}

TEST_CASE("numbers are decimal and nothing else") {
  CHECK(parse_integer("-12") == -12);
  CHECK(parse_number("0.25") == 0.25);
  for (const char* bad : {"", "010", "0x10", "1_000", "+1", "1.", ".5", "1e3", "99999999999999999999"}) CHECK_FALSE(parse_integer(bad));
  for (const char* bad : {"", "00.5", ".5", "1.", "1e3", ".inf", "nan", "-"}) CHECK_FALSE(parse_number(bad));
}

TEST_CASE("endpoints beyond this machine are told apart") {
  CHECK(check_endpoint("tcp://127.0.0.1:0").loopback);
  CHECK(check_endpoint("tcp://[::1]:5556").loopback);
  CHECK(check_endpoint("ipc:///run/kanhu/live").fault.empty());
  CHECK_FALSE(check_endpoint("tcp://10.0.0.1:1").loopback);
  CHECK_FALSE(check_endpoint("tcp://127.0.0.1").fault.empty());
  CHECK_FALSE(check_endpoint("tcp://127.0.0.1:65536").fault.empty());
  CHECK_FALSE(check_endpoint("ipc://" + std::string(200, '/')).fault.empty());
}

std::string make_folder() {
  std::string made = (std::filesystem::temp_directory_path() / "kanhu-secrets-XXXXXX").string();
  REQUIRE(::mkdtemp(made.data()) != nullptr);
  return made;
}

struct Folder {
  std::string path = make_folder();
  Folder() { ::unsetenv("CREDENTIALS_DIRECTORY"); }
  ~Folder() {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    std::filesystem::remove_all(path);
  }
  void write(const std::string& name, const std::string& content, mode_t mode) const {
    std::ofstream(path + "/" + name, std::ios::binary) << content;
    REQUIRE(::chmod((path + "/" + name).c_str(), mode) == 0);
  }
};

TEST_CASE("a stored secret comes back exactly, is 0600, and replaces the one before") {
  const Folder folder;
  const std::string dir = folder.path + "/new";
  REQUIRE(store_secret("cam", dir, {"admin", Secret("old")}));
  const Credential credential{"管理员", Secret(" p@ss:w/ord \\ \" 密码 ")};
  REQUIRE(store_secret("cam", dir, credential));
  CHECK(load_secret("cam", dir) == credential);
  struct stat status {};
  REQUIRE(::stat((dir + "/cam").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(std::distance(std::filesystem::directory_iterator(dir), {}) == 1);
}

TEST_CASE("a secret others may read is refused with the command that mends it") {
  const Folder folder;
  folder.write("cam", "admin\ncanary\n", 0640);
  const auto refused = load_secret("cam", folder.path);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kPermission);
  CHECK(refused.error().message.find("chmod 600 " + folder.path + "/cam") != std::string::npos);
}

TEST_CASE("systemd's folder is looked at first, whatever the mode of its files") {
  const Folder folder, systemd;
  folder.write("cam", "a\nfrom-folder\n", 0600);
  systemd.write("cam", "a\nfrom-systemd\n", 0644);
  ::setenv("CREDENTIALS_DIRECTORY", systemd.path.c_str(), 1);
  CHECK(load_secret("cam", folder.path)->password.reveal() == "from-systemd");
  folder.write("other", "a\nb\n", 0600);
  CHECK(load_secret("other", folder.path)->password.reveal() == "b");
}

TEST_CASE("what is no secret is refused without repeating it") {
  const Folder folder;
  for (const char* content : {"", "canary", "canary\n", "a\ncanary\nmore\n", "a\nca\x01nary\n", "a\ncanary\xff\n"}) {
    folder.write("cam", content, 0600);
    const auto refused = load_secret("cam", folder.path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kInvalidArgument);
    CHECK(refused.error().message.find("canary") == std::string::npos);
  }
  folder.write("cam", "a\n" + std::string(5000, 'x'), 0600);
  CHECK_FALSE(load_secret("cam", folder.path));
  CHECK(load_secret("../cam", folder.path).error().kind == ErrorKind::kInvalidArgument);
  CHECK(load_secret("none", folder.path).error().kind == ErrorKind::kNotFound);
  CHECK_FALSE(store_secret("cam", folder.path, {"a\nb", Secret("x")}));
}

TEST_CASE("a secret with CRLF line ends or without a last one is read") {
  const Folder folder;
  folder.write("cam", "admin\r\npass \r\n", 0600);
  CHECK(load_secret("cam", folder.path)->password.reveal() == "pass ");
  folder.write("cam", "admin\npass", 0600);
  CHECK(load_secret("cam", folder.path)->password.reveal() == "pass");
}

}  // namespace
}  // namespace kanhu
