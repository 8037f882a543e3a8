// SPDX-License-Identifier: MIT
#include "daemon/query/visible_state.hpp"

#include <catch2/catch.hpp>

using namespace kanhu;

namespace {

Json whole_state() {
  return {{"facilities", {{{"id", "f1"}, {"name", "One"}}, {{"id", "f10"}, {"name", "Ten"}}}},
          {"cameras", {{"door", {{"facility", "f1"}}}, {"hall", {{"facility", "f10"}}}}},
          {"presences", {{{"facility", "f1"}, {"zone", "z"}}, {{"facility", "f10"}, {"zone", "y"}}}},
          {"incidents", {{{"facility", "f10"}}, {{"facility", "-"}}, {{"facility", "f1"}}}},
          {"clips", {{"c1", {{"facility", "f1"}}}, {"c2", {{"facility", "f10"}}}}},
          {"a_member_of_later", {{"f10", "secret"}}}};
}

}  // namespace

TEST_CASE("of the state everybody gets the facilities that it may see") {
  const publish::Rights one{false, {}, {"f1"}};
  const Json state = visible_state(whole_state(), one);
  CHECK(state == Json{{"facilities", {{{"id", "f1"}, {"name", "One"}}}},
                      {"cameras", {{"door", {{"facility", "f1"}}}}},
                      {"presences", {{{"facility", "f1"}, {"zone", "z"}}}},
                      {"incidents", {{{"facility", "f1"}}}},
                      {"clips", {{"c1", {{"facility", "f1"}}}}}});
  CHECK(visible_state(whole_state(), publish::Rights::all()) == whole_state());
  CHECK(visible_state(whole_state(), {})["cameras"] == Json::object());
  CHECK(visible_state(Json(), one).is_null());
}

TEST_CASE("of the configuration everybody is answered from the facilities that it may see") {
  auto config = std::make_shared<Config>();
  config->facilities.resize(2);
  config->facilities[0].id = "f1";
  config->facilities[1].id = "f10";
  const auto visible = visible_config(config, {false, {}, {"f1"}});
  REQUIRE(visible->facilities.size() == 1);
  CHECK(visible->facilities[0].id == "f1");
  CHECK(visible_config(config, publish::Rights::all()) == config);
}
