// SPDX-License-Identifier: MIT
#include "pipelines/relay/observation_json.hpp"

#include <stdexcept>

#include "base/digest.hpp"
#include "media/face_quality.hpp"

namespace kanhu::relay {
namespace {

constexpr std::size_t kMostDimensions = 2048;  // of an embedding; today's networks have 128 to 512

Json box_json(const Box& box) { return Json::array({box.x, box.y, box.width, box.height}); }

Box box_from(const Json& json) {
  return {json.at(0).get<double>(), json.at(1).get<double>(), json.at(2).get<double>(), json.at(3).get<double>()};
}

std::int64_t pts_ns(MediaTime time) { return time.time_since_epoch().count(); }
MediaTime pts_from(const Json& json) { return MediaTime(std::chrono::nanoseconds(json.get<std::int64_t>())); }
WallTime wall_from(const Json& json) { return wall_from_microseconds(json.get<std::int64_t>()); }

Json body_json(const TickObservation&) { return {{"is", "tick"}}; }

Json body_json(const HealthObservation& health) {
  Json facts = Json::array();
  for (Truth fact : health.facts) facts.push_back(static_cast<int>(fact));
  Json json{{"is", "health"}, {"facts", facts}, {"dark", health.dark}, {"cause", health.cause}};
  if (health.error) json["error"] = static_cast<int>(*health.error);
  if (health.last_packet) json["last_packet"] = to_microseconds(*health.last_packet);
  return json;
}

Json body_json(const FaceShotObservation& shot) {
  return {{"is", "face"},
          {"track", shot.track},
          {"box", box_json(shot.box)},
          {"quality", exact_figures(shot.quality)},
          {"embedding", shot.embedding},
          {"embedder", shot.embedder}};
}

// Only the gateway decides who somebody is: no reader takes one from a worker.
Json body_json(const IdentityObservation&) { return {{"is", "identity"}}; }

Json track_json(const TrackObservation& track) {
  return {{"is", "track"},
          {"phase", static_cast<int>(track.phase)},
          {"id", track.id},
          {"label", track.label},
          {"box", box_json(track.box)},
          {"score", track.score},
          {"threshold", track.threshold},
          {"zone", track.zone},
          {"start_pts", pts_ns(track.start_pts)},
          {"start_time", to_microseconds(track.start_time)},
          {"end_reason", track.end_reason},
          {"static", track.is_static}};
}

Json body_json(const TrackObservation& track) {
  Json json = track_json(track);
  if (track.quality) json["quality"] = exact_figures(*track.quality);
  return json;
}

Json body_json(const PresenceObservation& presence) {
  return {{"is", "presence"},
          {"zone", presence.zone},
          {"state", static_cast<int>(presence.state)},
          {"reason", presence.reason},
          {"count", presence.count},
          {"score", presence.score},
          {"threshold", presence.threshold},
          {"coverage", presence.coverage},
          {"label", presence.track_label}};
}

Json body_json(const ThermalObservation& thermal) {
  Json people = Json::array();
  for (const ThermalPerson& person : thermal.people)
    people.push_back(Json::array({person.id, box_json(person.box), person.warmth_k, person.still_s}));
  Json hot_spots = Json::array();
  for (const HotSpot& spot : thermal.hot_spots) hot_spots.push_back(Json::array({box_json(spot.box), spot.hottest_c}));
  return {{"is", "thermal"},
          {"kind", static_cast<int>(thermal.matrix.kind)},
          {"width", thermal.matrix.width},
          {"height", thermal.matrix.height},
          {"low", thermal.matrix.low_centi},
          {"step", thermal.matrix.step_centi},
          {"cells", to_base64(thermal.matrix.cells)},
          {"people", std::move(people)},
          {"hot_spots", std::move(hot_spots)}};
}

Json body_json(const ContactObservation& contact) { return {{"is", "contact"}, {"open", contact.open}}; }

ThermalObservation thermal_from(const Json& json) {
  ThermalObservation thermal;
  thermal.matrix.kind = enum_from<ThermalKind>(json.at("kind"), 2);
  thermal.matrix.width = json.at("width").get<int>();
  thermal.matrix.height = json.at("height").get<int>();
  thermal.matrix.low_centi = json.at("low").get<std::int32_t>();
  thermal.matrix.step_centi = json.at("step").get<std::int32_t>();
  auto cells = from_base64(json.at("cells").get_ref<const std::string&>());
  const auto fits = [](int side, int most) { return side >= 0 && side <= most; };
  if (!cells || !fits(thermal.matrix.width, kMostMatrixWidth) || !fits(thermal.matrix.height, kMostMatrixHeight) ||
      cells->size() != static_cast<std::size_t>(thermal.matrix.width) * static_cast<std::size_t>(thermal.matrix.height) ||
      thermal.matrix.step_centi < 1)
    throw std::out_of_range("matrix of temperatures");
  thermal.matrix.cells = std::move(*cells);
  if (json.at("people").size() > kMostThermalPeople || json.at("hot_spots").size() > kMostThermalPeople)
    throw std::out_of_range("people or hot spots");
  for (const Json& person : json.at("people"))
    thermal.people.push_back(
        {person.at(0).get<std::uint64_t>(), box_from(person.at(1)), person.at(2).get<double>(), person.at(3).get<double>()});
  for (const Json& spot : json.at("hot_spots")) thermal.hot_spots.push_back({box_from(spot.at(0)), spot.at(1).get<double>()});
  return thermal;
}

HealthObservation health_from(const Json& json) {
  HealthObservation health;
  for (std::size_t i = 0; i < kHealthFacts; ++i) health.facts[i] = enum_from<Truth>(json.at("facts").at(i), 3);
  health.dark = json.at("dark").get<bool>();
  health.cause = json.at("cause").get<std::string>();
  if (json.contains("error")) health.error = enum_from<ErrorKind>(json.at("error"), kErrorKinds);
  if (json.contains("last_packet")) health.last_packet = wall_from(json.at("last_packet"));
  return health;
}

TrackObservation track_from(const Json& json) {
  TrackObservation track;
  track.phase = enum_from<Phase>(json.at("phase"), 4);
  track.id = json.at("id").get<std::uint64_t>();
  track.label = json.at("label").get<std::string>();
  track.box = box_from(json.at("box"));
  track.score = json.at("score").get<double>();
  track.threshold = json.at("threshold").get<double>();
  track.zone = json.at("zone").get<std::string>();
  track.start_pts = pts_from(json.at("start_pts"));
  track.start_time = wall_from(json.at("start_time"));
  track.end_reason = json.at("end_reason").get<std::string>();
  track.is_static = json.at("static").get<bool>();
  if (json.contains("quality")) track.quality = figures_from(json.at("quality"));
  return track;
}

FaceShotObservation face_from(const Json& json) {
  FaceShotObservation shot;
  shot.track = json.at("track").get<std::uint64_t>();
  shot.box = box_from(json.at("box"));
  shot.quality = figures_from(json.at("quality"));
  if (json.at("embedding").size() > kMostDimensions) throw std::out_of_range("dimension of an embedding");
  shot.embedding = json.at("embedding").get<std::vector<float>>();
  shot.embedder = json.at("embedder").get<std::string>();
  return shot;
}

PresenceObservation presence_from(const Json& json) {
  PresenceObservation presence;
  presence.zone = json.at("zone").get<std::string>();
  presence.state = enum_from<Presence>(json.at("state"), 3);
  presence.reason = json.at("reason").get<std::string>();
  presence.count = json.at("count").get<int>();
  presence.score = json.at("score").get<double>();
  presence.threshold = json.at("threshold").get<double>();
  presence.coverage = json.at("coverage").get<double>();
  presence.track_label = json.at("label").get<std::string>();
  return presence;
}

}  // namespace

Json to_json(const Observation& observation) {
  Json json{{"source", observation.source},
            {"run", observation.run},
            {"time", to_microseconds(observation.time)},
            {"clock", static_cast<int>(observation.clock)},
            {"offset_us", observation.clock_offset.count()},
            {"uncertainty_us", observation.clock_uncertainty.count()},
            {"pts", pts_ns(observation.pts)},
            {"ordinal", observation.ordinal},
            {"arrival", observation.arrival.time_since_epoch().count()},
            {"models", observation.models}};
  if (observation.arrived) json["arrived"] = to_microseconds(*observation.arrived);
  json["body"] = std::visit([](const auto& body) { return body_json(body); }, observation.body);
  return json;
}

Observation observation_from_json(const Json& json) {
  Observation observation;
  observation.source = json.at("source").get<std::string>();
  observation.run = json.at("run").get<std::string>();
  observation.time = wall_from(json.at("time"));
  observation.clock = enum_from<ClockSource>(json.at("clock"), 3);
  observation.clock_offset = std::chrono::microseconds(json.at("offset_us").get<std::int64_t>());
  observation.clock_uncertainty = std::chrono::microseconds(json.at("uncertainty_us").get<std::int64_t>());
  if (const auto arrived = json.find("arrived"); arrived != json.end()) observation.arrived = wall_from(*arrived);
  observation.pts = pts_from(json.at("pts"));
  observation.ordinal = json.at("ordinal").get<std::uint64_t>();
  observation.arrival = MonoTime(std::chrono::nanoseconds(json.at("arrival").get<std::int64_t>()));
  observation.models = json.at("models").get<std::string>();
  const Json& body = json.at("body");
  const auto is = body.at("is").get<std::string>();
  if (is == "health") {
    observation.body = health_from(body);
  } else if (is == "track") {
    observation.body = track_from(body);
  } else if (is == "presence") {
    observation.body = presence_from(body);
  } else if (is == "face") {
    observation.body = face_from(body);
  } else if (is == "thermal") {
    observation.body = thermal_from(body);
  } else if (is == "contact") {
    observation.body = ContactObservation{body.at("open").get<bool>()};
  } else if (is == "tick") {
    observation.body = TickObservation{};
  } else {
    throw std::out_of_range("kind of observation");
  }
  return observation;
}

Json to_json(const ClipRequest& request) {
  return {{"clip", request.clip},
          {"subject", request.subject},
          {"facility", request.facility},
          {"source", request.source},
          {"run", request.run},
          {"from", to_microseconds(request.from)},
          {"to", to_microseconds(request.to)},
          {"clock", static_cast<int>(request.clock)},
          {"offset_us", request.offset.count()}};
}

ClipRequest clip_request_from_json(const Json& json) {
  ClipRequest request;
  request.clip = json.at("clip").get<std::string>();
  request.subject = json.at("subject").get<std::string>();
  request.facility = json.at("facility").get<std::string>();
  request.source = json.at("source").get<std::string>();
  request.run = json.at("run").get<std::string>();
  request.from = wall_from(json.at("from"));
  request.to = wall_from(json.at("to"));
  request.clock = enum_from<ClockSource>(json.at("clock"), 3);
  request.offset = std::chrono::microseconds(json.at("offset_us").get<std::int64_t>());
  return request;
}

Json to_json(const ClipRecord& record) {
  return {{"clip", record.clip},
          {"facility", record.facility},
          {"source", record.source},
          {"status", static_cast<int>(record.status)},
          {"reason", record.reason},
          {"parts", record.parts},
          {"sha256", record.sha256},
          {"bytes", record.bytes},
          {"from", to_microseconds(record.from)},
          {"to", to_microseconds(record.to)}};
}

ClipRecord clip_record_from_json(const Json& json) {
  ClipRecord record;
  record.clip = json.at("clip").get<std::string>();
  record.facility = json.at("facility").get<std::string>();
  record.source = json.at("source").get<std::string>();
  record.status = enum_from<ClipStatus>(json.at("status"), 4);
  record.reason = json.at("reason").get<std::string>();
  record.parts = json.at("parts").get<std::vector<std::string>>();
  record.sha256 = json.at("sha256").get<std::vector<std::string>>();
  record.bytes = json.at("bytes").get<std::uint64_t>();
  record.from = wall_from(json.at("from"));
  record.to = wall_from(json.at("to"));
  return record;
}

}  // namespace kanhu::relay
