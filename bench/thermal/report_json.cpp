// SPDX-License-Identifier: MIT
// The report on infrared presence as JSON: docs/bench-thermal.md names the members. Floats have 4 decimals.
#include <algorithm>
#include <cmath>

#include "bench/effort.hpp"
#include "bench/thermal/thermal.hpp"

namespace kanhu::bench {
namespace {

constexpr double kWeekS = 7 * 24 * 3600.0;

Json number_or_null(double value) { return std::isfinite(value) ? Json(round4(value)) : Json(); }

// Over recordings; of a single one, frame by frame.
Json interval_of(const ThermalContestant& contestant, double (ThermalTally::*figure)() const, std::size_t hits, std::size_t of) {
  Interval interval = gallery::proportion_interval(hits, of);
  if (contestant.tallies.size() > 1) {
    interval = bootstrap_interval(contestant.tallies.size(), [&](std::span<const std::size_t> drawn) {
      ThermalTally all;
      for (const std::size_t one : drawn) {
        all.hits += contestant.tallies[one].hits;
        all.missed += contestant.tallies[one].missed;
        all.false_present += contestant.tallies[one].false_present;
      }
      return (all.*figure)();
    });
  }
  return Json::array({round4(interval.low), round4(interval.high)});
}

double share(std::size_t part, std::size_t whole) { return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole); }

Json presence_of(const ThermalTally& tally) {
  return {{"precision", round4(tally.precision())},
          {"recall", round4(tally.recall())},
          {"f1", round4(tally.f1())},
          {"frames", tally.frames},
          {"frames_with_people", tally.with_people},
          {"hits", tally.hits},
          {"missed", tally.missed},
          {"false_present", tally.false_present},
          {"wrong", tally.wrong()},
          {"right_share", round4(tally.frames == 0 ? 1 : 1 - share(tally.wrong() + tally.unknown_empty, tally.frames))},
          {"unknown_share", round4(share(tally.unknown, tally.frames))},
          {"unknown_while_empty", tally.unknown_empty},
          {"unknown_allowed", tally.unknown_allowed},
          {"absent_while_present_longest_s", round4(tally.longest_absent_s)}};
}

// What was not measured is null.
Json count_of(const ThermalTally& tally) {
  if (tally.counted == 0) return {{"mae", nullptr}, {"error_share", nullptr}, {"wrong_share", nullptr}, {"frames", 0}};
  Json json{{"mae", round4(share(tally.count_error, tally.counted))}, {"frames", tally.counted}};
  json["error_share"] = tally.few_people == 0 ? Json() : Json(round4(share(tally.few_error, tally.few_people)));
  json["wrong_share"] = tally.few_frames == 0 ? Json() : Json(round4(share(tally.few_wrong, tally.few_frames)));
  return json;
}

Json waits_of(const std::vector<double>& waits) {
  const auto never = std::count_if(waits.begin(), waits.end(), [](double wait) { return !std::isfinite(wait); });
  return {{"median_s", waits.empty() ? Json() : number_or_null(median(waits))}, {"arrivals", waits.size()}, {"never", never}};
}

Json false_visits_of(const ThermalTally& tally) {
  // As of a proportion of seconds: rare events, so this is Poisson's to the decimals given.
  const auto interval = gallery::proportion_interval(tally.false_visits, static_cast<std::uint64_t>(tally.empty_s));
  Json json{{"episodes", tally.false_visits}, {"empty_hours", round4(tally.empty_s / 3600)}, {"value", nullptr}, {"interval", nullptr}};
  if (tally.empty_s < 1) return json;
  json["value"] = round4(static_cast<double>(tally.false_visits) / tally.empty_s * kWeekS);
  json["interval"] = Json::array({round4(interval.low * kWeekS), round4(interval.high * kWeekS)});
  return json;
}

Json effort_of(const ThermalContestant& contestant) {
  Json json = Json::object();
  for (const auto& [size, effort] : contestant.effort)
    json[size] = {{"frames_per_second", std::round(effort.frames_per_second())}, {"frames", effort.frames}};
  return json;
}

Json figures_of(const ThermalTally& tally) {
  return {{"presence", presence_of(tally)},
          {"count", count_of(tally)},
          {"time_to_present_median_s", waits_of(tally.waits_s)["median_s"]},
          {"time_to_present", waits_of(tally.waits_s)},
          {"time_to_present_at_start", waits_of(tally.first_waits_s)},
          {"false_present_per_sensor_week", false_visits_of(tally)}};
}

Json contestant_json(const ThermalContestant& contestant) {
  Json json = figures_of(contestant.together());
  json["name"] = contestant.name;
  json["setting"] = contestant.setting;
  json["cost"] = effort_of(contestant);
  return json;
}

Json ratio_interval(const ThermalContestant& ours, const ThermalContestant& peer) {
  if (ours.tallies.size() < 2) return {};
  const auto interval = bootstrap_interval(ours.tallies.size(), [&](std::span<const std::size_t> drawn) {
    std::size_t own = 0, theirs = 0;
    for (const std::size_t one : drawn) {
      own += ours.tallies[one].wrong();
      theirs += peer.tallies[one].wrong();
    }
    return error_ratio(own, theirs);
  });
  return Json::array({round4(interval.low), round4(interval.high)});
}

Json recording_json(const ThermalReport& report, std::size_t place) {
  const ThermalMeasured& one = report.recordings[place];
  const ThermalTally& ours = report.kanhu().tallies[place];
  Json json = figures_of(ours);
  const Interval precision = gallery::proportion_interval(ours.hits, ours.hits + ours.false_present),
                 recall = gallery::proportion_interval(ours.hits, ours.hits + ours.missed);
  json["presence"]["precision_interval"] = Json::array({round4(precision.low), round4(precision.high)});
  json["presence"]["recall_interval"] = Json::array({round4(recall.low), round4(recall.high)});
  json["name"] = one.name;
  json["size"] = std::to_string(one.width) + "x" + std::to_string(one.height);
  json["rate"] = round4(one.rate);
  json["pitch_m"] = round4(one.pitch_m);
  json["seconds"] = round4(one.seconds);
  json["stills"] = one.stills;
  json["frames"] = one.frames;
  json["labelled"] = one.labelled;
  for (std::size_t i = 1; i < report.contestants.size(); ++i)
    json["peers_wrong"][report.contestants[i].name] = report.contestants[i].tallies[place].wrong();
  return json;
}

}  // namespace

Json report_json(const ThermalReport& report) {
  Json json{{"folder", report.folder},
            {"left_out", report.left_out},
            {"assumed", report.assumed},
            {"peak_memory_mib", round4(report.peak_memory_mib)}};
  json["recordings"] = Json::array();
  if (report.contestants.empty()) {
    json["presence"] = {{"precision", nullptr}, {"recall", nullptr}, {"f1", nullptr}, {"error_ratio_to_best_peer", nullptr}};
    json["count"] = {{"mae", nullptr}};
    return json;
  }
  const ThermalContestant& ours = report.kanhu();
  const ThermalContestant& peer = report.contestants[report.best_peer()];
  const ThermalTally own = ours.together(), theirs = peer.together();
  json.update(figures_of(own));
  Json& presence = json["presence"];
  presence["precision_interval"] = interval_of(ours, &ThermalTally::precision, own.hits, own.hits + own.false_present);
  presence["recall_interval"] = interval_of(ours, &ThermalTally::recall, own.hits, own.hits + own.missed);
  presence["f1_interval"] = interval_of(ours, &ThermalTally::f1, 2 * own.hits, 2 * own.hits + own.wrong());
  presence["error_ratio_to_best_peer"] = round4(error_ratio(own.wrong(), theirs.wrong()));
  presence["error_ratio_to_best_peer_interval"] = ratio_interval(ours, peer);
  presence["error_ratio_counting_unknown"] = round4(error_ratio(own.wrong() + own.unknown_empty, theirs.wrong()));
  presence["best_peer"] = peer.name;
  json["cost"] = effort_of(ours);
  json["first_look"] = contestant_json(report.first_look);
  json["peers"] = Json::array();
  for (std::size_t i = 1; i < report.contestants.size(); ++i) json["peers"].push_back(contestant_json(report.contestants[i]));
  for (std::size_t i = 0; i < report.recordings.size(); ++i) json["recordings"].push_back(recording_json(report, i));
  return json;
}

}  // namespace kanhu::bench
