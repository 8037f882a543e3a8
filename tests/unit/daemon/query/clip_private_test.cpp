// SPDX-License-Identifier: MIT
// `clip` of what a private zone was seen by: hidden under every name.
#include "pipelines/publish/query_server.hpp"
#include "tests/unit/daemon/query/clip_rig.hpp"

namespace kanhu {

TEST_CASE("of a camera that watches a private zone nobody is given a clip") {
  ClipRig rig;
  Config config;
  config.facilities.emplace_back();
  FacilityConfig& facility = config.facilities.back();
  facility.id = "fuxing";
  facility.zones.emplace_back();
  facility.zones.back().id = "bath";
  facility.cameras.emplace_back();
  facility.cameras.back().id = "hall";
  facility.cameras.back().zones.emplace_back();
  facility.cameras.back().zones.back().zone = "bath";
  for (const bool is_private : {false, true}) {
    config.facilities[0].zones[0].is_private = is_private;
    rig.config = std::make_shared<const Config>(config);
    const auto answer = rig.ask({{"id", rig.id}});
    REQUIRE(answer.has_value() != is_private);
    if (is_private) CHECK(answer.error().kind == ErrorKind::kPermission);
  }
  CHECK(rig.journalled("access.clip") == 1);
}

TEST_CASE("what was recorded of a private zone stays hidden, whatever its camera, zone or facility is called now") {
  ClipRig rig;
  Config config;
  config.facilities.resize(2);
  FacilityConfig& facility = config.facilities.front();
  facility.id = "fuxing";
  config.facilities.back().id = "yubei";
  facility.zones.resize(2);
  facility.zones[0].id = "bath";
  facility.zones[1].id = "yard";
  facility.cameras.emplace_back();
  facility.cameras[0].id = "hall";
  facility.cameras[0].zones.emplace_back();
  facility.cameras[0].zones[0].zone = "bath";
  bool hidden = true;
  SECTION("the camera has another name") {
    facility.zones[0].is_private = true;
    facility.cameras[0].id = "hall-2";
  }
  SECTION("the camera is gone") {
    facility.zones[0].is_private = true;
    facility.cameras.clear();
  }
  SECTION("the camera's name belongs to one that watches nothing private") {
    facility.zones[0].is_private = true;
    facility.cameras[0].zones[0].zone = "yard";
  }
  SECTION("the zone has another name, too") {
    facility.zones[0].id = "shower";
    facility.zones[0].is_private = true;
    facility.cameras[0].zones[0].zone = "yard";
  }
  SECTION("the camera is another facility's now") {
    facility.zones[0].is_private = true;
    config.facilities.back().cameras = std::exchange(facility.cameras, {});
    config.facilities.back().cameras[0].zones.clear();
  }
  SECTION("the facility has another name") {
    facility.zones[0].is_private = true;
    facility.id = "fuxing-2";
  }
  SECTION("something else is private, and camera and zone are there") {
    facility.zones[1].is_private = true;
    hidden = false;
  }
  SECTION("the camera is gone, and nothing is private there") {
    facility.cameras.clear();
    hidden = false;
  }
  rig.config = std::make_shared<const Config>(config);
  const auto answer = rig.ask({{"id", rig.id}});
  REQUIRE(answer.has_value() != hidden);
  if (hidden) CHECK(answer.error().kind == ErrorKind::kPermission);
  CHECK(rig.journalled("access.clip") == (hidden ? 0 : 1));
  CHECK(rig.access.may_be_shown({{"fuxing", "hall", {"bath"}}}).has_value() != hidden);
}

TEST_CASE("a clip whose sidecar names no camera is hidden while its facility has a private zone") {
  ClipRig rig;
  Json json = Json::parse(std::ifstream(rig.paths.sidecar()));
  json["request"]["source"] = json["camera"]["id"] = "";
  json["camera"].erase("zones");
  std::ofstream(rig.paths.sidecar()) << json.dump();
  Config config;
  config.facilities.emplace_back();
  config.facilities[0].id = "fuxing";
  config.facilities[0].zones.emplace_back();
  config.facilities[0].zones[0].id = "bath";
  for (const bool is_private : {false, true}) {
    config.facilities[0].zones[0].is_private = is_private;
    rig.config = std::make_shared<const Config>(config);
    const auto answer = rig.ask({{"id", rig.id}});
    REQUIRE(answer.has_value() != is_private);
    if (is_private) CHECK(answer.error().kind == ErrorKind::kPermission);
  }
}

TEST_CASE("a zone that becomes private while an answer is on its way keeps it back") {
  ClipRig rig;
  Config config;
  config.facilities.emplace_back();
  config.facilities[0].id = "fuxing";
  config.facilities[0].zones.emplace_back();
  config.facilities[0].zones[0].id = "bath";
  config.facilities[0].zones[0].is_private = true;
  const ConfigPtr open = rig.config, closed = std::make_shared<const Config>(config);
  int asked = 0, until = 0;
  AccessControl access{[&] { return asked++ < until ? open : closed; }, rig.clock, rig.log};
  rules::Access what;
  what.request = "clip";
  what.facility = "fuxing";
  what.source = "hall";
  // Before it is journalled, and right before it goes out.
  for (const int late : {0, 2}) {
    asked = 0;
    until = late;
    const auto box = std::make_shared<Once<Result<publish::Answer>>>();
    bool told = false;
    access.give(
        what, {{"fuxing", "hall", {"bath"}}}, {"{}", "bytes", true}, [box](Result<publish::Answer> answer) { box->put(std::move(answer)); },
        [&] { told = true; });
    const auto answer = box->wait();
    REQUIRE_FALSE(answer);
    CHECK(answer.error().kind == ErrorKind::kPermission);
    CHECK_FALSE(told);
    CHECK(rig.journalled("access.clip") == (late == 0 ? 0 : 1));
  }
}

}  // namespace kanhu
