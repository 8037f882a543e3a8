// SPDX-License-Identifier: MIT
// Infrared: what it saw as evidence, and when it cannot see.
#include <algorithm>
#include <array>
#include <string_view>

#include "base/digest.hpp"
#include "pipelines/rules/context.hpp"

namespace kanhu::rules {
namespace {

constexpr std::size_t kMostSamples = 8;             // of one source, about one a second
constexpr std::chrono::seconds kSeriesSpan{15};     // before the decision
constexpr std::chrono::seconds kDegradedAfter{10};  // a person crosses in less
// Reasons of the sensor and its room, not of a moment.
constexpr std::array<std::string_view, 6> kDegrading{"too_warm", "low_contrast", "no_contrast", "stuck", "polarity_unknown", "not_thermal"};

const char* words_of(const std::string& reason) {
  if (reason == "too_warm") return "the room is nearly as warm as skin: nobody can be told from it";
  if (reason == "low_contrast" || reason == "no_contrast") return "the picture has too little contrast to show anybody";
  if (reason == "stuck") return "the sensor repeats the same values";
  if (reason == "polarity_unknown") return "whether warm is bright or dark is not known yet";
  return "the picture is not one of warmth";
}

Json box_json_of(const Box& box) {
  return Json{{"x", round4(box.x)}, {"y", round4(box.y)}, {"width", round4(box.width)}, {"height", round4(box.height)}};
}

Json frame_of(const ThermalSample& sample) {
  const ThermalMatrix& matrix = sample.seen.matrix;
  Json people = Json::array();
  for (const ThermalPerson& person : sample.seen.people) {
    people.push_back(Json{
        {"id", person.id}, {"box", box_json_of(person.box)}, {"warmth_k", round4(person.warmth_k)}, {"still_s", round4(person.still_s)}});
  }
  Json hot_spots = Json::array();
  for (const HotSpot& spot : sample.seen.hot_spots) {
    Json one{{"box", box_json_of(spot.box)}};
    if (matrix.kind == ThermalKind::kRadiometric) one["hottest_c"] = round4(spot.hottest_c);
    hot_spots.push_back(std::move(one));
  }
  return Json{{"time", format_utc(sample.time)},  {"low_centi", matrix.low_centi}, {"step_centi", matrix.step_centi},
              {"cells", to_base64(matrix.cells)}, {"people", std::move(people)},   {"hot_spots", std::move(hot_spots)}};
}

}  // namespace

void observe_thermal(CameraState& camera, const Observation& observation) {
  camera.thermal.push_back({observation.time, std::get<ThermalObservation>(observation.body)});
  while (camera.thermal.size() > kMostSamples) camera.thermal.pop_front();
}

Json series_of(Context& context, const CameraState& camera, const std::string& zone, WallTime decided) {
  Json frames = Json::array();
  const ThermalSample* last = nullptr;
  WallTime first{};
  for (const ThermalSample& sample : camera.thermal) {
    if (sample.time > decided || decided - sample.time > kSeriesSpan) continue;
    // One series has one size: another sensor behind the same name begins anew.
    if (last != nullptr && (sample.seen.matrix.width != last->seen.matrix.width || sample.seen.matrix.height != last->seen.matrix.height))
      frames.clear();
    if (frames.empty()) first = sample.time;
    frames.push_back(frame_of(sample));
    last = &sample;
  }
  if (last == nullptr) return nullptr;
  const std::size_t count = frames.size();
  const WallTime end = last->time;
  ThermalSeries series;
  series.entry = Json{{"v", 1},
                      {"facility", camera.place.facility},
                      {"source", camera.place.source},
                      {"zone", zone},
                      {"kind", last->seen.matrix.kind == ThermalKind::kRadiometric ? "radiometric" : "relative"},
                      {"width", last->seen.matrix.width},
                      {"height", last->seen.matrix.height},
                      {"frames", std::move(frames)}};
  series.digest = to_hex(sha256(canonical_json(series.entry)));
  Json named{{"sha256", series.digest}, {"frames", count}, {"start", format_utc(first)}, {"end", format_utc(end)}};
  context.announcer.sink().keep_series(std::move(series));
  return named;
}

// One reason of one zone is enough: all zones of a source are seen by the same sensor.
void judge_sight(Context& context, CameraState& camera, const Stamp& stamp) {
  std::string reason;
  for (const auto& [id, zone] : camera.zones) {
    if (zone.state == Presence::kUnknown && std::find(kDegrading.begin(), kDegrading.end(), zone.reason) != kDegrading.end())
      reason = zone.reason;
  }
  if (reason.empty()) {
    camera.degraded_since.reset();
    if (!camera.degraded.empty())
      context.incidents.end(std::exchange(camera.degraded, ""), stamp, Json::object(), camera.lost ? "camera_lost" : "recovered");
    return;
  }
  if (!camera.degraded_since) camera.degraded_since = context.waited();
  if (!camera.degraded.empty() || context.waited() - *camera.degraded_since < kDegradedAfter) return;
  camera.degraded = context.incidents
                        .open("ir.degraded", camera.place, camera.config, stamp, context.waited(),
                              Json{{"reason", reason}, {"words", words_of(reason)}}, nullptr)
                        .subject;
}

}  // namespace kanhu::rules
