// SPDX-License-Identifier: MIT
#include "daemon/query/visible_state.hpp"

#include <memory>
#include <utility>

namespace kanhu {

Json visible_state(Json state, const publish::Rights& rights) {
  if (rights.sees_all() || !state.is_object()) return state;
  const auto seen = [&](const Json& one, const char* facility) {
    const auto found = one.find(facility);
    return found != one.end() && found->is_string() && rights.sees(found->get<std::string>());
  };
  // Members that come to be later are not seen before somebody has decided about them here.
  Json visible = Json::object();
  for (const auto& [member, facility] : {std::pair{"facilities", "id"}, {"presences", "facility"}, {"incidents", "facility"}}) {
    Json& left = visible[member] = Json::array();
    for (Json& one : state[member])
      if (seen(one, facility)) left.push_back(std::move(one));
  }
  for (const char* member : {"cameras", "clips"}) {
    Json& left = visible[member] = Json::object();
    for (auto& [id, one] : state[member].items())
      if (seen(one, "facility")) left[id] = std::move(one);
  }
  return visible;
}

ConfigPtr visible_config(const ConfigPtr& config, const publish::Rights& rights) {
  if (rights.sees_all()) return config;
  auto visible = std::make_shared<Config>(*config);
  std::erase_if(visible->facilities, [&](const FacilityConfig& facility) { return !rights.sees(facility.id); });
  return visible;
}

}  // namespace kanhu
