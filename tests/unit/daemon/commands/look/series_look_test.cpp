// SPDX-License-Identifier: MIT
#include "daemon/commands/look/series_look.hpp"

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "daemon/commands/look/look_text.hpp"

namespace kanhu {
namespace {

Json series() {
  const std::vector<std::uint8_t> cells{0, 10, 20, 100};
  const Json frame{
      {"time", "2026-11-26T05:00:00.000000Z"},
      {"low_centi", 2000},
      {"step_centi", 5},
      {"cells", to_base64(cells)},
      {"people",
       Json::array({{{"id", 1}, {"box", {{"x", 0.5}, {"y", 0.5}, {"width", 0.5}, {"height", 0.5}}}, {"warmth_k", 4.5}, {"still_s", 12}}})},
      {"hot_spots", Json::array()}};
  return Json{{"v", 1},
              {"facility", "f1"},
              {"source", "bath"},
              {"zone", "bath"},
              {"kind", "radiometric"},
              {"width", 2},
              {"height", 2},
              {"frames", Json::array({frame, frame})}};
}

}  // namespace

TEST_CASE("a series that was kept is drawn like what is live, with its time") {
  const auto looks = looks_of_series(series());
  REQUIRE(looks.size() == 2);
  CHECK(looks[0]["coolest_c"] == 20.0);
  CHECK(looks[0]["warmest_c"] == 25.0);
  std::string text;
  for (const std::string& line : look_text(looks[0], Screen{})) text += line + "\n";
  CHECK(text.find("2026-11-26T05:00:00.000000Z") != std::string::npos);
  CHECK(text.find("ago") == std::string::npos);
  CHECK(text.find("25.0") != std::string::npos);
}

TEST_CASE("frames of a series that are damaged are left out") {
  Json damaged = series();
  damaged["frames"][0]["cells"] = "AAAA";
  damaged["frames"].push_back(7);
  damaged["frames"].push_back(Json::object());
  CHECK(looks_of_series(damaged).size() == 1);
  CHECK(looks_of_series(Json(7)).empty());
}

}  // namespace kanhu
