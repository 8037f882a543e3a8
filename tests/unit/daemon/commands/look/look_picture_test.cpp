// SPDX-License-Identifier: MIT
// What people see of it: the picture in the terminal, the words around it, the list, the pages in the browser.
#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "daemon/commands/look/look_text.hpp"
#include "daemon/http/look_page.hpp"
#include "daemon/query/look_answer.hpp"
#include "tests/unit/daemon/query/infrared_rig.hpp"

namespace kanhu {
namespace {

using Lines = std::vector<std::string>;
using test::infrared_config;
using test::mono_at;
using test::said;
using test::warm_room;

Json look_of(const std::string& source, const ThermalObservation& seen, double age_s = 0) {
  const Config config = infrared_config();
  InfraredState infrared;
  infrared.use(config);
  infrared.observe(said(source, seen), mono_at(10));
  return look_at(config, infrared, source, mono_at(10 + age_s)).value();
}

Json look_without_marks() {
  ThermalObservation seen = warm_room();
  seen.people.clear();
  seen.hot_spots.clear();
  return look_of("array-1", seen);
}

Screen plain(int columns, int rows = 0) { return {Screen::Colours::kNone, false, columns, rows}; }

// Lines with `wanted` in them.
std::size_t count_with(const Lines& lines, const std::string& wanted) {
  std::size_t found = 0;
  for (const std::string& line : lines) found += line.find(wanted) != std::string::npos ? 1 : 0;
  return found;
}

TEST_CASE("a matrix is plain characters, warmer is darker ink, each the warmer of two cells above one another") {
  // Cells 0 to 100 make the palette: 30 °C is in its middle, 60 °C beyond its end.
  CHECK(picture_lines(sight_of(look_without_marks()), plain(8)) == Lines{" oo     ", " oo    @"});
}

TEST_CASE("a wider terminal shows the same cells larger, by whole numbers") {
  CHECK(picture_lines(sight_of(look_without_marks()), plain(17)) ==
        Lines{"                ", "  oooo          ", "  oooo          ", "              @@"});
  // Fewer rows than columns would allow.
  CHECK(picture_lines(sight_of(look_without_marks()), plain(100, 4)).size() == 4);
}

TEST_CASE("a terminal narrower than the matrix leaves cells out") {
  ThermalObservation wide = warm_room();
  wide.people.clear();
  wide.hot_spots.clear();
  wide.matrix.width = 32;
  wide.matrix.height = 24;
  wide.matrix.cells.assign(32 * 24, 0);
  const Lines lines = picture_lines(sight_of(look_of("array-1", wide)), plain(16));
  CHECK(lines == Lines(6, std::string(16, ' ')));
}

TEST_CASE("people and hot things are outlined around what is seen of them, with number and degrees, borders dotted") {
  const Lines lines = picture_lines(sight_of(look_of("array-1", warm_room())), plain(32));
  CHECK(lines == Lines{
                     "                                ",
                     "   +7-------+                   ",
                     "   |oooooooo|                   ",
                     "   |oooooooo|                   ",
                     "   |oooooooo|                   ",
                     "   |oooooooo|              +!60+",
                     "   +--------+              |@@@|",
                     "                           +---+",
                 });
  Json bordered = look_without_marks();
  bordered["zones"][0]["polygons"] = Json::parse("[[[0,0],[0.5,0],[0.5,1],[0,1]]]");
  CHECK(picture_lines(sight_of(bordered), plain(8)) == Lines{",,,,,   ", ",,,,,  @"});
}

TEST_CASE("half blocks carry two cells of colour a character, 24 bits or 256 colours, and reset at every line's end") {
  const Json look = look_without_marks();
  const Lines truly = picture_lines(sight_of(look), {Screen::Colours::kTrue, true, 8, 0});
  REQUIRE(truly.size() == 2);
  // Upper row black, lower row with the person's middle of the palette.
  CHECK(truly[0].rfind("\033[48;2;4;2;20m\033[38;2;4;2;20m▀\033[48;2;206;64;86m▀▀\033[48;2;4;2;20m▀", 0) == 0);
  CHECK(truly[0].substr(truly[0].size() - 4) == "\033[0m");
  const Lines few = picture_lines(sight_of(look), {Screen::Colours::k256, true, 8, 0});
  CHECK(few[0].find("\033[48;5;16m") != std::string::npos);
  CHECK(few[0].find(";2;") == std::string::npos);
  // Colours without Unicode: blank characters in the mean colour.
  CHECK(picture_lines(sight_of(look), {Screen::Colours::k256, false, 8, 0})[0].find("▀") == std::string::npos);
}

TEST_CASE("the words around a picture say scale, age, people and stillness, hot things, zones and mount") {
  const Lines lines = look_text(look_of("bed-1", warm_room(), 0.4), plain(40));
  CHECK(lines[0] == "station-a/bed-1  一号床");
  CHECK(lines[1] == "8x4 radiometric, 0.4 s ago");
  const Lines after(lines.end() - 8, lines.end());
  CHECK(after == Lines{"20.0 [ .:=o*%#@] 40.0 C; coolest 20.0 C, warmest 60.0 C", "1 person",
                       "  7     9.9 K above the room, still for 3 min, at 25 % from the left, 50 % from the top",
                       "1 thing hotter than people", "  !     60.0 C, at 94 % from the left, 88 % from the top",
                       "zone bed              unknown (starting)", "zone floor            unknown (starting)",
                       "hangs at 2.60 m, tilted by 10 degrees"});
}

TEST_CASE("a picture older than 5 s is red where there are colours") {
  const Screen screen{Screen::Colours::k256, true, 40, 0};
  CHECK(look_text(look_of("bed-1", warm_room(), 12), screen)[1] == "8x4 radiometric, \033[1;31m12 s ago\033[0m");
  CHECK(look_text(look_of("bed-1", warm_room(), 4.9), screen)[1] == "8x4 radiometric, 4.9 s ago");
}

TEST_CASE("a relative picture is shown without degrees") {
  ThermalObservation seen = warm_room();
  seen.matrix.kind = ThermalKind::kRelative;
  const Lines lines = look_text(look_of("bed-1", seen), plain(40));
  CHECK(count_with(lines, " C") == 0);
  CHECK(count_with(lines, "cooler [ .:=o*%#@] warmer") == 1);
  CHECK(count_with(lines, "9.9 nominal K") == 1);
}

TEST_CASE("all of it fits the terminal's rows") {
  for (const int rows : {20, 24, 40, 60}) {
    CAPTURE(rows);
    CHECK(look_text(look_of("bed-1", warm_room()), plain(200, rows)).size() <= static_cast<std::size_t>(rows));
  }
}

TEST_CASE("a source that never spoke has no picture but says what it waits for") {
  const Config config = infrared_config();
  InfraredState infrared;
  infrared.use(config);
  const Lines lines = look_text(look_at(config, infrared, "array-1", mono_at(1)).value(), plain(40));
  CHECK(lines == Lines{"station-a/array-1", R"(waits for a message on topic "rooms/array-1" of broker house)",
                       "whole view            unknown (starting)"});
}

TEST_CASE("the list is one line a source, for status too") {
  const Config config = infrared_config();
  InfraredState infrared;
  infrared.use(config);
  infrared.observe(said("bed-1", warm_room()), mono_at(10));
  infrared.observe(said("bed-1", PresenceObservation{"bed", Presence::kPresent, "", 1, 0, 0, 1, ""}), mono_at(10));
  infrared.observe(said("front-door", ContactObservation{false}), mono_at(10));
  const Lines lines = look_table(look_list(config, infrared, mono_at(11)), plain(80));
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "infrared                 sensor        picture        coolest  warmest people  presence");
  CHECK(lines[1] ==
        "station-a/bed-1          video         1.0 s ago       20.0 C   60.0 C      1  bed present (1), floor unknown (starting)");
  CHECK(lines[4] == "station-a/front-door     contact       -                    -        -      -  closed");
  CHECK(look_table(Json::array(), plain(80)).empty());
}

TEST_CASE("answers of another shape are shown as far as they go, and nothing throws") {
  for (const Json& odd :
       {Json(), Json("text"), Json::array({1}), Json{{"width", 1e300}, {"height", -1}, {"cells", 5}},
        Json{{"width", 2}, {"height", 2}, {"cells", "AAA"}},
        Json{{"width", 1}, {"height", 1}, {"cells", "AA=="}, {"people", {{"id", 1}}}, {"zones", "z"}, {"palette", 3}},
        Json{{"width", 1},
             {"height", 1},
             {"cells", "AA=="},
             {"people", Json::array({1, Json{{"box", {{"x", 1e9}}}}})},
             {"zones", Json::array({Json{{"polygons", Json::array({1, Json::array({1, 2, 3}), Json::array({Json::array({"x"})})})}}})}}}) {
    CAPTURE(odd.dump());
    CHECK_NOTHROW(look_text(odd, plain(80, 24)));
    CHECK_NOTHROW(look_text(odd, {Screen::Colours::kTrue, true, 1, 1}));
    CHECK_NOTHROW(look_table(odd, plain(80)));
    CHECK_NOTHROW(look_table(Json::array({odd}), plain(80)));
    CHECK_NOTHROW(look_list_page(Json::array({odd})));
  }
}

TEST_CASE("control characters in names and causes never reach the terminal") {
  Json look = look_of("bed-1", warm_room());
  look["name"] =
      "a\033[2J\x07\xc2\x9b"
      "31mé";
  CHECK(look_text(look, plain(40))[0] == "station-a/bed-1  a?[2J??31mé");
}

TEST_CASE("names reach the pages as text, and the pages' own script and style are all the policy lets run") {
  Json row{{"source", "bed-1"}, {"facility", "station-a"}, {"name", R"(<script>alert("1")</script>&'x')"}};
  const std::string list = look_list_page(Json::array({row}));
  CHECK_THAT(list, Catch::Contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;x&#39;") &&
                       Catch::Contains("href=\"/look/bed-1\"") && !Catch::Contains("<script>alert"));
  const std::string page = look_source_page("bed-1");
  const auto begin = page.find("<script>") + 8;
  const Sha256 digest = sha256(std::string_view(page).substr(begin, page.find("</script>") - begin));
  const std::string hash = to_base64(std::span(reinterpret_cast<const std::uint8_t*>(digest.data()), digest.size()));
  CHECK_THAT(look_page_policy(), Catch::Contains("default-src 'none'") && Catch::Contains("script-src 'sha256-" + hash + "'"));
  for (const std::string& text : {page, list}) CHECK(text.find("://") == std::string::npos);
}

TEST_CASE("pages answer to loopback names only") {
  for (const char* good : {"127.0.0.1:9464", "localhost:1", "localhost", "[::1]:9464"}) CHECK(is_loopback_host(good));
  for (const char* bad :
       {"", "evil.example:9464", "127.0.0.1.evil.example", "localhost:", "localhost:x", "localhost:123456", "[::1", "127.0.0.1@x"})
    CHECK_FALSE(is_loopback_host(bad));
}

}  // namespace
}  // namespace kanhu
