// SPDX-License-Identifier: MIT
#include "daemon/query/look_answer.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "config/detectors.hpp"

namespace kanhu {
namespace {

// A palette stretched over less would show noise as if it were people.
constexpr double kLeastRangeKelvin = 8;
// What is hotter than people takes no colours from them: it is all of the hottest one.
constexpr double kHottestPersonCelsius = 40;

double celsius_of(const ThermalMatrix& matrix, double cell) {
  return round4((matrix.low_centi + cell * static_cast<double>(matrix.step_centi)) / 100);
}

Json box_member(const Box& box) {
  return {{"x", round4(box.x)}, {"y", round4(box.y)}, {"width", round4(box.width)}, {"height", round4(box.height)}};
}

// The two ends of the palette, as values of cells; they may lie outside 0..255.
std::pair<double, double> palette_of(const ThermalMatrix& matrix) {
  const auto [coolest, warmest] = std::minmax_element(matrix.cells.begin(), matrix.cells.end());
  double from = *coolest;
  double to = *warmest;
  const double step_k = matrix.step_centi / 100.0;
  if (matrix.kind == ThermalKind::kRadiometric) {
    const double hottest_person = (kHottestPersonCelsius * 100 - matrix.low_centi) / matrix.step_centi;
    if (to > hottest_person && from + kLeastRangeKelvin / step_k < hottest_person) to = hottest_person;
  }
  if ((to - from) * step_k < kLeastRangeKelvin) to = from + kLeastRangeKelvin / step_k;
  return {from, to};
}

void add_picture(Json& json, const InfraredState::Picture& picture, MonoTime now) {
  const ThermalMatrix& matrix = picture.seen.matrix;
  const bool radiometric = matrix.kind == ThermalKind::kRadiometric;
  json["time"] = format_utc(picture.time);
  json["age_s"] = round4(std::max(0.0, to_seconds(now - picture.heard)));
  json["kind"] = radiometric ? "radiometric" : "relative";
  json["width"] = matrix.width;
  json["height"] = matrix.height;
  json["cells"] = to_base64(matrix.cells);
  json[radiometric ? "step_c" : "step_nominal_k"] = round4(matrix.step_centi / 100.0);
  if (radiometric) json["low_c"] = round4(matrix.low_centi / 100.0);
  if (!matrix.cells.empty()) {
    const auto [coolest, warmest] = std::minmax_element(matrix.cells.begin(), matrix.cells.end());
    const auto [from, to] = palette_of(matrix);
    json["palette"] = {{"from_cell", round4(from)}, {"to_cell", round4(to)}};
    if (radiometric) {
      json["coolest_c"] = celsius_of(matrix, *coolest);
      json["warmest_c"] = celsius_of(matrix, *warmest);
    }
  }
  Json people = Json::array();
  for (const ThermalPerson& person : picture.seen.people)
    people.push_back(
        {{"id", person.id}, {"box", box_member(person.box)}, {"warmth_k", round4(person.warmth_k)}, {"still_s", round4(person.still_s)}});
  json["people"] = std::move(people);
  Json hot_spots = Json::array();
  for (const HotSpot& spot : picture.seen.hot_spots) {
    Json one{{"box", box_member(spot.box)}};
    if (radiometric) one["hottest_c"] = round4(spot.hottest_c);
    hot_spots.push_back(std::move(one));
  }
  json["hot_spots"] = std::move(hot_spots);
}

Json zone_member(const std::string& id, const InfraredState::Row& row) {
  Json json{{"zone", id}, {"state", "unknown"}, {"count", 0}};
  const auto known = row.zones.find(id);
  if (known == row.zones.end()) {
    json["reason"] = "starting";
    return json;
  }
  json["state"] = to_string(known->second.state);
  json["count"] = known->second.count;
  json["since"] = format_utc(known->second.since);
  if (!known->second.reason.empty()) json["reason"] = known->second.reason;
  return json;
}

// In the order of the configuration, each once; a zone of several polygons has all of them.
Json zones_member(const CameraConfig& camera, const InfraredState::Row& row, bool with_polygons) {
  Json zones = Json::array();
  if (camera.zones.empty()) zones.push_back(zone_member("", row));
  for (const ZoneView& view : camera.zones) {
    auto found = std::find_if(zones.begin(), zones.end(), [&](const Json& zone) { return zone.at("zone") == view.zone; });
    if (found == zones.end()) {
      zones.push_back(zone_member(view.zone, row));
      found = std::prev(zones.end());
    }
    if (!with_polygons || view.polygon.empty()) continue;
    Json polygon = Json::array();
    for (const Point& point : view.polygon) polygon.push_back(Json::array({round4(point.x), round4(point.y)}));
    (*found)["polygons"].push_back(std::move(polygon));
  }
  return zones;
}

const char* sensor_name(const CameraConfig& camera) { return camera.sensor ? to_string(camera.sensor->kind) : "video"; }

bool gives_pictures(const CameraConfig& camera) { return !camera.sensor || camera.sensor->kind == SensorKind::kThermalArray; }

// Nothing when it has spoken.
std::string waits_for(const CameraConfig& camera, const InfraredState::Row& row) {
  if (!camera.enabled) return "the configuration says enabled: false";
  if (row.picture || row.open) return {};
  if (!row.health.cause.empty()) return row.health.cause;
  if (camera.sensor) {
    const bool judged =
        std::any_of(row.zones.begin(), row.zones.end(), [](const auto& zone) { return zone.second.state != Presence::kUnknown; });
    if (!gives_pictures(camera) && (judged || row.health.fact(HealthFact::kPacketsArriving) == Truth::kTrue)) return {};
    return fmt::format("waits for a message on topic {} of broker {}", kanhu::quoted(camera.sensor->topic), camera.sensor->broker);
  }
  if (!knows_mount(camera.detector.name)) return fmt::format("detector {} shows no picture; detector thermal does", camera.detector.name);
  if (row.health.fact(HealthFact::kConnected) != Truth::kTrue) return "waits for its video to connect";
  if (row.health.fact(HealthFact::kAnalysed) == Truth::kFalse) return "waits for a worker that analyses it";
  return fmt::format("waits for a picture that detector {} can judge", camera.detector.name);
}

void add_head(Json& json, const FacilityConfig& facility, const CameraConfig& camera) {
  json["facility"] = facility.id;
  json["source"] = camera.id;
  json["name"] = camera.name;
  json["sensor"] = sensor_name(camera);
}

Json mount_member(const DetectorConfig& detector) {
  const MountConfig& mount = detector.mount;
  Json json = Json::object();
  if (mount.height_m > 0) {
    json["height_m"] = round4(mount.height_m);
    json["tilt_degrees"] = round4(mount.tilt_degrees);
  }
  if (mount.view_horizontal_degrees > 0)
    json["view_degrees"] = Json::array({round4(mount.view_horizontal_degrees), round4(mount.view_vertical_degrees)});
  return json;
}

tl::unexpected<Error> no_such_source(const Config& config, const std::string& source) {
  std::vector<std::string_view> ids;
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (is_infrared(camera)) ids.push_back(camera.id);
    }
  }
  if (ids.empty()) return fail(ErrorKind::kNotFound, "this gateway has no infrared source; docs/operations.md says how to hang one");
  const std::string near = nearest(source, ids);
  return fail(ErrorKind::kNotFound,
              fmt::format("there is no infrared source {}; {}", kanhu::quoted(source),
                          near.empty() ? "kanhu look, without a source, lists those there are" : "did you mean " + near + "?"));
}

}  // namespace

Result<Json> look_at(const Config& config, const InfraredState& infrared, const std::string& source, MonoTime now) {
  const CameraConfig* camera = config.camera(source);
  if (camera == nullptr) return no_such_source(config, source);
  if (!is_infrared(*camera)) {
    return fail(ErrorKind::kInvalidArgument,
                fmt::format("{} is no infrared source: its detector is {}", kanhu::quoted(source), camera->detector.name));
  }
  const InfraredState::Row row = infrared.row(source).value_or(InfraredState::Row());
  Json json = Json::object();
  add_head(json, *config.facility_of(source), *camera);
  if (row.picture) add_picture(json, *row.picture, now);
  if (row.open) json["open"] = *row.open;
  json["zones"] = zones_member(*camera, row, true);
  json["mount"] = mount_member(camera->detector);
  if (row.heard) json["heard_s"] = round4(std::max(0.0, to_seconds(now - *row.heard)));
  if (const std::string words = waits_for(*camera, row); !words.empty()) json["waiting"] = words;
  if (row.picture && !row.health.cause.empty()) json["cause"] = row.health.cause;
  return json;
}

Json look_list(const Config& config, const InfraredState& infrared, MonoTime now) {
  Json list = Json::array();
  for (const FacilityConfig& facility : config.facilities) {
    for (const CameraConfig& camera : facility.cameras) {
      if (!is_infrared(camera)) continue;
      const InfraredState::Row row = infrared.row(camera.id).value_or(InfraredState::Row());
      Json json = Json::object();
      add_head(json, facility, camera);
      if (row.picture) {
        Json whole = Json::object();
        add_picture(whole, *row.picture, now);
        for (const char* member : {"age_s", "kind", "coolest_c", "warmest_c"}) {
          if (whole.contains(member)) json[member] = whole.at(member);
        }
        json["people"] = row.picture->seen.people.size();
        json["hot_spots"] = row.picture->seen.hot_spots.size();
      }
      if (row.open) json["open"] = *row.open;
      json["zones"] = zones_member(camera, row, false);
      if (const std::string words = waits_for(camera, row); !words.empty()) json["waiting"] = words;
      list.push_back(std::move(json));
    }
  }
  return list;
}

}  // namespace kanhu
