// SPDX-License-Identifier: MIT
#include "config/json.hpp"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "config/table/section_io.hpp"

namespace kanhu {

namespace {

Json polygon_json(const Polygon& polygon) {
  Json points = Json::array();
  for (const Point& point : polygon) points.push_back(Json::array({point.x, point.y}));
  return points;
}

Polygon polygon_from(const Json& json) {
  Polygon polygon;
  for (const Json& point : json) polygon.push_back({point.at(0).get<double>(), point.at(1).get<double>()});
  return polygon;
}

Json radiometric_json(const RadiometricConfig& thermal) {
  return {{"size_px", Json::array({thermal.width, thermal.height})},
          {"fps", thermal.frames_per_second},
          {"scale", to_string(thermal.scale)},
          {"telemetry", to_string(thermal.telemetry)}};
}

RadiometricConfig radiometric_from(const Json& json) {
  return {json.at("size_px").at(0).get<int>(), json.at("size_px").at(1).get<int>(), json.at("fps").get<double>(),
          count_scale(json.at("scale").get<std::string>()), telemetry_rows(json.at("telemetry").get<std::string>())};
}

Json stream_json(const StreamConfig& stream) {
  Json json{{"url", stream.url}, {"credential", stream.credential}, {"transport", to_string(stream.transport)}};
  // Only where they are used: a configuration without them keeps its digest.
  if (!stream.redirect_to.empty()) json["redirect_to"] = stream.redirect_to;
  if (stream.digest_only) json["auth"] = "digest";
  if (stream.thermal) json["thermal"] = radiometric_json(*stream.thermal);
  return json;
}

StreamConfig stream_from(const Json& json) {
  StreamConfig stream;
  stream.url = json.at("url").get<std::string>();
  stream.credential = json.at("credential").get<std::string>();
  const auto transport = json.at("transport").get<std::string>();
  for (const Transport candidate : {Transport::kTcp, Transport::kUdp, Transport::kAuto}) {
    if (transport == to_string(candidate)) stream.transport = candidate;
  }
  if (json.contains("redirect_to")) stream.redirect_to = json.at("redirect_to").get<std::vector<std::string>>();
  stream.digest_only = json.value("auth", "") == "digest";
  if (json.contains("thermal")) stream.thermal = radiometric_from(json.at("thermal"));
  return stream;
}

Json mount_json(const MountConfig& mount) {
  return {{"height_m", mount.height_m},
          {"tilt_degrees", mount.tilt_degrees},
          {"view_degrees", Json::array({mount.view_horizontal_degrees, mount.view_vertical_degrees})}};
}

MountConfig mount_from(const Json& json) {
  return {json.at("height_m").get<double>(), json.at("tilt_degrees").get<double>(), json.at("view_degrees").at(0).get<double>(),
          json.at("view_degrees").at(1).get<double>()};
}

// Where the authority's file lies decides nothing, as with every folder of the machine; that there is one does.
Json broker_json(const BrokerConfig& broker) {
  return {{"id", broker.id},
          {"url", broker.url},
          {"credential", broker.credential},
          {"plain_password", broker.plain_password},
          {"own_authority", !broker.ca_file.empty()},
          {"client_id", broker.client_id}};
}

Json sensor_json(const SensorConfig& sensor) {
  return {{"kind", to_string(sensor.kind)},
          {"broker", sensor.broker},
          {"topic", sensor.topic},
          {"availability", {{"topic", sensor.availability_topic}, {"online", sensor.online}, {"offline", sensor.offline}}},
          {"size", Json::array({sensor.width, sensor.height})},
          {"silent_after_ms", sensor.silent_after.count()},
          {"hold_ms", sensor.hold.count()},
          {"openings_per_minute", sensor.openings_per_minute},
          {"mapping",
           {{"values", sensor.mapping.values},
            {"time", sensor.mapping.time},
            {"unit", sensor.mapping.unit},
            {"active", sensor.mapping.active},
            {"inactive", sensor.mapping.inactive},
            {"flip", Json::array({sensor.mapping.flip_horizontal, sensor.mapping.flip_vertical})}}}};
}

StreamRole role_from(const Json& json) {
  return json.get<std::string>() == to_string(StreamRole::kMain) ? StreamRole::kMain : StreamRole::kSub;
}

std::chrono::milliseconds ms(const Json& json) { return std::chrono::milliseconds(json.get<std::int64_t>()); }

SensorConfig sensor_from(const Json& json) {
  SensorConfig sensor;
  const auto kind = json.at("kind").get<std::string>();
  for (const SensorKind candidate : {SensorKind::kThermalArray, SensorKind::kPir, SensorKind::kContact}) {
    if (kind == to_string(candidate)) sensor.kind = candidate;
  }
  sensor.broker = json.at("broker").get<std::string>();
  sensor.topic = json.at("topic").get<std::string>();
  const Json& availability = json.at("availability");
  sensor.availability_topic = availability.at("topic").get<std::string>();
  sensor.online = availability.at("online").get<std::string>();
  sensor.offline = availability.at("offline").get<std::string>();
  sensor.width = json.at("size").at(0).get<int>();
  sensor.height = json.at("size").at(1).get<int>();
  sensor.silent_after = ms(json.at("silent_after_ms"));
  sensor.hold = ms(json.at("hold_ms"));
  sensor.openings_per_minute = json.at("openings_per_minute").get<int>();
  const Json& mapping = json.at("mapping");
  sensor.mapping = {mapping.at("values").get<std::string>(),
                    mapping.at("time").get<std::string>(),
                    mapping.at("unit").get<std::string>(),
                    mapping.at("active").get<std::vector<std::string>>(),
                    mapping.at("inactive").get<std::vector<std::string>>(),
                    mapping.at("flip").at(0).get<bool>(),
                    mapping.at("flip").at(1).get<bool>()};
  return sensor;
}

Json zone_json(const ZoneConfig& zone) { return {{"id", zone.id}, {"name", zone.name}, {"role", zone.role}, {"private", zone.is_private}}; }

Json facility_json(const FacilityConfig& facility) {
  Json zones = Json::array();
  for (const ZoneConfig& zone : facility.zones) zones.push_back(zone_json(zone));
  Json cameras = Json::array();
  for (const CameraConfig& camera : facility.cameras) cameras.push_back(camera_json(camera));
  return {{"id", facility.id},
          {"name", facility.name},
          {"class", facility.facility_class},
          {"time_zone", facility.time_zone},
          {"zones", std::move(zones)},
          {"cameras", std::move(cameras)},
          {"occupancy_every_ms", facility.occupancy_every.count()}};
}

}  // namespace

Json config_json(const Config& config) {
  Json facilities = Json::array();
  for (const FacilityConfig& facility : config.facilities) facilities.push_back(facility_json(facility));
  Json brokers = Json::array();
  for (const BrokerConfig& broker : config.brokers) brokers.push_back(broker_json(broker));
  return {
      {"version", 1},
      {"gateway", table::with_rows({{"id", config.gateway.id}}, config.gateway)},
      {"publish",
       table::with_rows({{"live", config.publish.live}, {"query", config.publish.query}, {"asks_for_keys", !config.publish.access.empty()}},
                        config.publish)},
      {"journal", table::with_rows({}, config.journal)},
      {"clips_storage", table::with_rows({}, config.storage)},
      {"metrics", {{"listen", config.metrics.listen}}},
      {"mqtt", {{"brokers", std::move(brokers)}}},
      {"facilities", std::move(facilities)}};
}

std::string config_digest(const Config& config) { return to_hex(sha256(canonical_json(config_json(config)))); }

Json camera_json(const CameraConfig& camera) {
  Json zones = Json::array();
  for (const ZoneView& view : camera.zones) zones.push_back({{"zone", view.zone}, {"polygon", polygon_json(view.polygon)}});
  Json ignore = Json::array();
  for (const Polygon& polygon : camera.ignore) ignore.push_back(polygon_json(polygon));
  Json json = {
      {"id", camera.id},
      {"name", camera.name},
      {"enabled", camera.enabled},
      {"analyze", to_string(camera.analyze)},
      {"detector", table::with_rows(
                       {{"name", camera.detector.name}, {"mount", mount_json(camera.detector.mount)}, {"palette", camera.detector.palette}},
                       camera.detector)},
      {"zones", std::move(zones)},
      {"ignore", std::move(ignore)},
      {"presence", table::with_rows({}, camera.presence)},
      {"faces", table::with_rows({}, camera.faces)},
      {"health", table::with_rows({}, camera.health)},
      {"clips", table::with_rows({{"on", camera.clips.on}}, camera.clips)}};
  if (camera.main) json["main"] = stream_json(*camera.main);
  if (camera.sub) json["sub"] = stream_json(*camera.sub);
  if (camera.sensor) json["sensor"] = sensor_json(*camera.sensor);
  if (camera.record) json["record"] = to_string(*camera.record);
  return json;
}

Result<CameraConfig> camera_from_json(const Json& json) {
  try {
    CameraConfig camera;
    camera.id = json.at("id").get<std::string>();
    camera.name = json.at("name").get<std::string>();
    camera.enabled = json.at("enabled").get<bool>();
    if (json.contains("main")) camera.main = stream_from(json.at("main"));
    if (json.contains("sub")) camera.sub = stream_from(json.at("sub"));
    if (json.contains("sensor")) camera.sensor = sensor_from(json.at("sensor"));
    camera.analyze = role_from(json.at("analyze"));
    if (json.contains("record")) camera.record = role_from(json.at("record"));
    const Json& detector = json.at("detector");
    camera.detector.name = detector.at("name").get<std::string>();
    camera.detector.mount = mount_from(detector.at("mount"));
    camera.detector.palette = detector.at("palette").get<std::string>();
    table::rows_from(detector, camera.detector);
    for (const Json& view : json.at("zones"))
      camera.zones.push_back({view.at("zone").get<std::string>(), polygon_from(view.at("polygon"))});
    for (const Json& polygon : json.at("ignore")) camera.ignore.push_back(polygon_from(polygon));
    table::rows_from(json.at("presence"), camera.presence);
    table::rows_from(json.at("faces"), camera.faces);
    table::rows_from(json.at("health"), camera.health);
    const Json& clips = json.at("clips");
    camera.clips.on = clips.at("on").get<std::vector<std::string>>();
    table::rows_from(clips, camera.clips);
    return camera;
  } catch (const Json::exception& problem) {
    return fail(ErrorKind::kCorrupt, fmt::format("camera description: {}", problem.what()));
  }
}

}  // namespace kanhu
