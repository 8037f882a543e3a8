// SPDX-License-Identifier: MIT
// What an infrared source sees: the infrared that keeps it and the answers made of it.
#include "daemon/query/look_answer.hpp"

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "tests/unit/daemon/query/infrared_rig.hpp"

namespace kanhu {
namespace {

using test::infrared_config;
using test::mono_at;
using test::said;
using test::wall_at;
using test::warm_room;

struct Outlook {
  Outlook() { infrared.use(config); }
  Json look(const std::string& source, double at_s) const {
    auto answer = look_at(config, infrared, source, mono_at(at_s));
    REQUIRE(answer);
    return *answer;
  }
  Config config = infrared_config();
  InfraredState infrared;
};

HealthObservation connection(Truth connected, const std::string& cause = "") {
  HealthObservation made;
  made.set(HealthFact::kConnected, connected);
  made.cause = cause;
  return made;
}

TEST_CASE("the infrared keeps the newest picture of infrared sources only, and nothing of sources it does not know") {
  Outlook outlook;
  outlook.infrared.observe(said("lobby", PresenceObservation{"", Presence::kPresent, "", 1, 0, 0, 0, ""}), mono_at(1));
  outlook.infrared.observe(said("stranger", warm_room()), mono_at(1));
  CHECK_FALSE(outlook.infrared.row("lobby"));
  CHECK_FALSE(outlook.infrared.row("stranger"));
  outlook.infrared.observe(said("bed-1", warm_room(), 1), mono_at(1));
  ThermalObservation newer = warm_room();
  newer.people.clear();
  outlook.infrared.observe(said("bed-1", newer, 2), mono_at(2));
  REQUIRE(outlook.infrared.row("bed-1")->picture);
  CHECK(outlook.infrared.row("bed-1")->picture->seen.people.empty());
  CHECK(outlook.infrared.row("bed-1")->picture->time == wall_at(2));
}

TEST_CASE("a tick is no sign of life") {
  Outlook outlook;
  outlook.infrared.observe(said("bed-1", TickObservation{}), mono_at(1));
  CHECK_FALSE(outlook.infrared.row("bed-1")->heard);
}

TEST_CASE("a picture is as old as its arrival at this machine, not as its way through analysis") {
  Outlook outlook;
  Observation late = said("bed-1", warm_room());
  late.arrival = mono_at(8);
  outlook.infrared.observe(late, mono_at(10));
  CHECK(outlook.look("bed-1", 12)["age_s"] == 4.0);
}

TEST_CASE("since says when a zone's state began, not when it was last said") {
  Outlook outlook;
  const auto bed = [](Presence state, int count) { return PresenceObservation{"bed", state, "", count, 0, 0, 1, "person"}; };
  outlook.infrared.observe(said("bed-1", bed(Presence::kPresent, 1), 1), mono_at(1));
  outlook.infrared.observe(said("bed-1", bed(Presence::kPresent, 2), 5), mono_at(5));
  CHECK(outlook.infrared.row("bed-1")->zones.at("bed").since == wall_at(1));
  CHECK(outlook.infrared.row("bed-1")->zones.at("bed").count == 2);
  outlook.infrared.observe(said("bed-1", bed(Presence::kAbsent, 0), 9), mono_at(9));
  CHECK(outlook.infrared.row("bed-1")->zones.at("bed").since == wall_at(9));
}

TEST_CASE("when its worker is gone a source's zones are unknown, never what they were") {
  Outlook outlook;
  outlook.infrared.observe(said("bed-1", PresenceObservation{"bed", Presence::kPresent, "", 1, 0, 0, 1, ""}, 1), mono_at(1));
  outlook.infrared.lose({"bed-1", "stranger"}, wall_at(3));
  const Json zone = outlook.look("bed-1", 4)["zones"][0];
  CHECK(zone["state"] == "unknown");
  CHECK(zone["reason"] == "not_analysed");
  CHECK(zone["count"] == 0);
}

TEST_CASE("another configuration keeps what is known of sources that stay and forgets sources, zones and disabled ones that go") {
  Outlook outlook;
  for (const char* zone : {"bed", "floor"})
    outlook.infrared.observe(said("bed-1", PresenceObservation{zone, Presence::kAbsent, "", 0, 0, 0, 1, ""}), mono_at(1));
  outlook.infrared.observe(said("array-1", warm_room()), mono_at(1));
  outlook.infrared.observe(said("front-door", ContactObservation{true}), mono_at(1));
  auto& cameras = outlook.config.facilities[0].cameras;
  cameras[0].zones.pop_back();
  cameras[1].enabled = false;
  cameras.erase(cameras.begin() + 3);
  outlook.infrared.use(outlook.config);
  CHECK(outlook.infrared.row("bed-1")->zones.count("bed") == 1);
  CHECK(outlook.infrared.row("bed-1")->zones.count("floor") == 0);
  CHECK_FALSE(outlook.infrared.row("array-1")->picture);
  CHECK_FALSE(outlook.infrared.row("front-door"));
  CHECK(outlook.look("array-1", 2)["waiting"] == "the configuration says enabled: false");
}

TEST_CASE("zones of one source are bounded whatever is said of them") {
  Outlook outlook;
  for (int i = 0; i < 1000; ++i)
    outlook.infrared.observe(said("bed-1", PresenceObservation{"z" + std::to_string(i), Presence::kAbsent, "", 0, 0, 0, 1, ""}),
                             mono_at(1));
  CHECK(outlook.infrared.row("bed-1")->zones.size() <= 64);
}

TEST_CASE("an answer holds picture, people, hot things, zones and mount of a radiometric source") {
  Outlook outlook;
  outlook.infrared.observe(said("bed-1", warm_room()), mono_at(10));
  outlook.infrared.observe(said("bed-1", PresenceObservation{"bed", Presence::kPresent, "", 1, 0, 0, 1, ""}), mono_at(10));
  const Json look = outlook.look("bed-1", 10.5);
  CHECK(look["facility"] == "station-a");
  CHECK(look["name"] == "一号床");
  CHECK(look["kind"] == "radiometric");
  CHECK(look["age_s"] == 0.5);
  CHECK(look["low_c"] == 20.0);
  CHECK(look["step_c"] == 0.2);
  CHECK(look["coolest_c"] == 20.0);
  CHECK(look["warmest_c"] == 60.0);
  CHECK(from_base64(look["cells"].get<std::string>()) == warm_room().matrix.cells);
  CHECK(look["people"] ==
        Json::parse(R"([{"id":7,"box":{"x":0.125,"y":0.25,"width":0.25,"height":0.5},"warmth_k":9.8765,"still_s":185.0}])"));
  CHECK(look["hot_spots"][0]["hottest_c"] == 60.0);
  CHECK(look["zones"][0]["state"] == "present");
  CHECK(look["zones"][0]["polygons"][0].size() == 4);
  CHECK(look["zones"][1] == Json::parse(R"({"zone":"floor","state":"unknown","count":0,"reason":"starting"})"));
  CHECK(look["mount"] == Json::parse(R"({"height_m":2.6,"tilt_degrees":10.0,"view_degrees":[110.0,75.0]})"));
  CHECK_FALSE(look.contains("waiting"));
}

TEST_CASE("a hot urn does not take the palette away from people, and noise does not get it") {
  Outlook outlook;
  outlook.infrared.observe(said("bed-1", warm_room()), mono_at(1));
  // 40 °C is cell 100 of steps of 0.2 K from 20 °C.
  CHECK(outlook.look("bed-1", 1)["palette"] == Json::parse(R"({"from_cell":0.0,"to_cell":100.0})"));
  ThermalObservation empty = warm_room();
  empty.matrix.cells.assign(32, 3);
  empty.matrix.cells[4] = 4;
  outlook.infrared.observe(said("bed-1", empty), mono_at(2));
  CHECK(outlook.look("bed-1", 2)["palette"] == Json::parse(R"({"from_cell":3.0,"to_cell":43.0})"));
}

TEST_CASE("no degree Celsius is in the answer of a relative source") {
  Outlook outlook;
  ThermalObservation seen = warm_room();
  seen.matrix.kind = ThermalKind::kRelative;
  outlook.infrared.observe(said("bed-1", seen), mono_at(1));
  const std::string text = outlook.look("bed-1", 1).dump() + look_list(outlook.config, outlook.infrared, mono_at(1)).dump();
  CHECK(text.find("_c\"") == std::string::npos);
  CHECK(outlook.look("bed-1", 1)["step_nominal_k"] == 0.2);
}

TEST_CASE("a source that never spoke says what it waits for") {
  Outlook outlook;
  CHECK(outlook.look("bed-1", 1)["waiting"] == "waits for its video to connect");
  CHECK(outlook.look("array-1", 1)["waiting"] == R"(waits for a message on topic "rooms/array-1" of broker house)");
  outlook.infrared.observe(said("bed-1", connection(Truth::kFalse, "wrong user or password")), mono_at(1));
  CHECK(outlook.look("bed-1", 1)["waiting"] == "wrong user or password");
  outlook.infrared.observe(said("bed-1", connection(Truth::kTrue)), mono_at(2));
  CHECK(outlook.look("bed-1", 2)["waiting"] == "waits for a picture that detector thermal can judge");
  CHECK_FALSE(outlook.look("bed-1", 2).contains("cells"));
}

TEST_CASE("a contact says open or closed, and neither after it was lost") {
  Outlook outlook;
  outlook.infrared.observe(said("front-door", ContactObservation{true}), mono_at(1));
  CHECK(outlook.look("front-door", 1)["open"] == true);
  outlook.infrared.observe(said("front-door", connection(Truth::kFalse, "its broker does not answer")), mono_at(2));
  CHECK_FALSE(outlook.look("front-door", 2).contains("open"));
  CHECK(outlook.look("front-door", 2)["waiting"] == "its broker does not answer");
}

TEST_CASE("a PIR has spoken when it says anything but unknown") {
  Outlook outlook;
  outlook.infrared.observe(said("pir-1", PresenceObservation{"", Presence::kUnknown, "starting", 0, 0, 0, 0, ""}), mono_at(1));
  CHECK(outlook.look("pir-1", 1).contains("waiting"));
  outlook.infrared.observe(said("pir-1", PresenceObservation{"", Presence::kPresent, "", 1, 1, 0, 1, "motion"}), mono_at(2));
  CHECK_FALSE(outlook.look("pir-1", 2).contains("waiting"));
  CHECK(outlook.look("pir-1", 2)["zones"][0]["state"] == "present");
}

TEST_CASE("whose silence says nothing is never shown as absent, and a contact shows no presence") {
  Outlook outlook;
  outlook.infrared.observe(said("pir-1", PresenceObservation{"", Presence::kAbsent, "", 0, 0, 0, 1, ""}), mono_at(2));
  CHECK(outlook.infrared.row("pir-1")->zones.at("").state == Presence::kUnknown);
  CHECK(outlook.infrared.row("pir-1")->zones.at("").reason == "no_motion");
  outlook.infrared.observe(said("front-door", PresenceObservation{"", Presence::kPresent, "", 1, 1, 0, 1, ""}), mono_at(2));
  CHECK(outlook.infrared.row("front-door")->zones.empty());
  // What is known to tell an empty room keeps its word.
  outlook.infrared.observe(said("array-1", PresenceObservation{"", Presence::kAbsent, "", 0, 0, 0, 1, ""}), mono_at(2));
  CHECK(outlook.infrared.row("array-1")->zones.at("").state == Presence::kAbsent);
}

TEST_CASE("an id that is none names the nearest one, and a camera that is not infrared says so") {
  Outlook outlook;
  const auto near = look_at(outlook.config, outlook.infrared, "bed-2", mono_at(1));
  REQUIRE_FALSE(near);
  CHECK(near.error().kind == ErrorKind::kNotFound);
  CHECK(near.error().message == R"(there is no infrared source "bed-2"; did you mean bed-1?)");
  const auto visible = look_at(outlook.config, outlook.infrared, "lobby", mono_at(1));
  REQUIRE_FALSE(visible);
  CHECK(visible.error().kind == ErrorKind::kInvalidArgument);
  CHECK_THAT(visible.error().message, Catch::Contains("its detector is blazeface"));
  const auto none = look_at(Config(), outlook.infrared, "bed-1", mono_at(1));
  REQUIRE_FALSE(none);
  CHECK_THAT(none.error().message, Catch::Contains("no infrared source"));
}

TEST_CASE("the list has every infrared source in the configuration's order, the silent ones too") {
  Outlook outlook;
  outlook.infrared.observe(said("bed-1", warm_room()), mono_at(1));
  const Json list = look_list(outlook.config, outlook.infrared, mono_at(3));
  REQUIRE(list.size() == 4);
  CHECK(list[0]["source"] == "bed-1");
  CHECK(list[0]["age_s"] == 2.0);
  CHECK(list[0]["warmest_c"] == 60.0);
  CHECK(list[0]["people"] == 1);
  CHECK_FALSE(list[0].contains("cells"));
  CHECK(list[1]["sensor"] == "thermal_array");
  CHECK_FALSE(list[1].contains("age_s"));
  CHECK(list[3]["source"] == "front-door");
}

}  // namespace
}  // namespace kanhu
