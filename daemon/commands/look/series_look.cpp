// SPDX-License-Identifier: MIT
#include "daemon/commands/look/series_look.hpp"

#include <algorithm>
#include <cstddef>

#include "base/digest.hpp"

namespace kanhu {
namespace {

Json look_of_frame(const Json& entry, const Json& frame) {
  const auto cells = from_base64(frame.at("cells").get_ref<const std::string&>());
  const auto width = entry.at("width").get<std::size_t>(), height = entry.at("height").get<std::size_t>();
  if (!cells || cells->empty() || cells->size() != width * height) return nullptr;
  const auto [coolest, warmest] = std::minmax_element(cells->begin(), cells->end());
  const double low_c = frame.at("low_centi").get<double>() / 100, step_c = frame.at("step_centi").get<double>() / 100;
  const bool radiometric = entry.at("kind") == "radiometric";
  Json look{{"facility", entry.at("facility")},
            {"source", entry.at("source")},
            {"time", frame.at("time")},
            {"kind", entry.at("kind")},
            {"width", width},
            {"height", height},
            {"cells", frame.at("cells")},
            {"palette", {{"from_cell", *coolest}, {"to_cell", std::max<int>(*warmest, *coolest + 1)}}},
            {"people", frame.at("people")},
            {"hot_spots", frame.at("hot_spots")}};
  if (radiometric) {
    look["low_c"] = round4(low_c);
    look["step_c"] = round4(step_c);
    look["coolest_c"] = round4(low_c + step_c * *coolest);
    look["warmest_c"] = round4(low_c + step_c * *warmest);
  }
  return look;
}

}  // namespace

std::vector<Json> looks_of_series(const Json& entry) {
  std::vector<Json> looks;
  if (!entry.is_object() || !entry.contains("frames") || !entry["frames"].is_array()) return looks;
  for (const Json& frame : entry["frames"]) {
    try {
      if (Json look = look_of_frame(entry, frame); !look.is_null()) looks.push_back(std::move(look));
    } catch (const Json::exception&) {  // a frame of another version
    }
  }
  return looks;
}

}  // namespace kanhu
