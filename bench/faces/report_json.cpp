// SPDX-License-Identifier: MIT
// The report as JSON: docs/bench-faces.md names the members. Floats have 4 decimals.
#include <algorithm>
#include <utility>

#include "bench/effort.hpp"
#include "bench/faces/faces.hpp"

namespace kanhu::bench {
namespace {

Json of(const Interval& interval) { return Json::array({round4(interval.low), round4(interval.high)}); }

Json of(const Share& share) {
  return {{"value", round4(share.value())}, {"interval", of(share.interval())}, {"hits", share.hits}, {"of", share.of}};
}

Json of(const Operation& operation) {
  Json sizes = Json::object();
  for (std::size_t i = 0; i < kSizeClasses; ++i) {
    if (operation.by_size[i].of > 0) sizes[size_class_name(i)] = of(operation.by_size[i]);
  }
  return {{"recall", round4(operation.recall.value())},
          {"recall_interval", of(operation.recall.interval())},
          {"found", operation.recall.hits},
          {"labels", operation.recall.of},
          {"pictures", operation.pictures},
          {"false_positives", operation.false_positives},
          {"false_positives_per_image", round4(operation.false_positives_per_picture())},
          {"within_allowance", operation.within},
          {"threshold", round4(operation.threshold)},
          {"by_inter_pupil_px", sizes}};
}

Json of(const DetectionReport::AgainstBest& against) {
  return {{"peer", against.peer},
          {"miss_ratio", round4(against.miss_ratio)},
          {"our_misses", against.our_misses},
          {"their_misses", against.their_misses},
          {"labels", against.labels}};
}

Json effort_of(const Performance& performance) {
  Json json{{"ms_median", round4(median(performance.milliseconds))},
            {"ms_least", round4(least(performance.milliseconds))},
            {"time_ratio_to_dlib_hog_x2", round4(median(performance.share_of_dlib_x2))}};
  if (!performance.instructions.empty()) json["instructions_median"] = median(performance.instructions);
  return json;
}

// What was not measured is null.
Json figures_or_null(const Operation& operation) { return operation.recall.of == 0 ? Json() : of(operation); }

Json detection_of(const FacesReport& report) {
  const DetectionReport& detection = report.detection;
  Json json{{"false_positives_allowed_per_image", kFalsePositivesAllowed}, {"overlap", kSameFace}};
  const std::size_t own = detection.place_of(detection.default_detector);
  if (own >= detection.contestants.size() || detection.conditions.empty() ||
      detection.together(own, false).within_allowance().recall.of == 0) {
    for (const char* member :
         {"detector", "recall", "recall_interval", "found", "labels", "pictures", "false_positives", "false_positives_per_image",
          "threshold", "by_inter_pupil_px", "miss_ratio_to_best_peer", "best_peer", "effort", "degraded", "detectors", "conditions"})
      json[member] = nullptr;
    return json;
  }
  json.update(of(detection.together(own, false).within_allowance()));
  json["detector"] = detection.default_detector;
  json["best_peer"] = of(detection.against_best());
  json["miss_ratio_to_best_peer"] = json["best_peer"]["miss_ratio"];
  json["effort"] = effort_of(detection.effort(own));
  json["degraded"] = figures_or_null(detection.together(own, true).within_allowance());
  for (std::size_t i = 0; i < detection.contestants.size(); ++i) {
    const Contestant& one = detection.contestants[i];
    Json row{{"name", one.name},
             {"peer", one.is_peer},
             {"plain", of(detection.together(i, false).within_allowance())},
             {"degraded", figures_or_null(detection.together(i, true).within_allowance())},
             {"effort", effort_of(detection.effort(i))}};
    if (!one.is_process) row["asked_threshold"] = one.asked_threshold;
    json["detectors"].push_back(row);
  }
  for (const Condition& condition : detection.conditions) {
    Json row{{"set", condition.set},
             {"degradation", to_string(condition.degradation)},
             {"pictures", condition.pictures},
             {"labels", condition.labels},
             {"best_peer", of(detection.against_best(condition))}};
    for (std::size_t i = 0; i < condition.performances.size(); ++i) {
      Json figures = of(condition.performances[i].tally.within_allowance());
      figures["name"] = detection.contestants[i].name;
      figures["effort"] = effort_of(condition.performances[i]);
      row["detectors"].push_back(figures);
    }
    json["conditions"].push_back(row);
  }
  return json;
}

Json of(const VerificationResult& one) {
  Json json{{"set", one.set},
            {"degradation", to_string(one.degradation)},
            {"pictures", one.pictures},
            {"faces_found", one.found},
            {"found_with_a_frame", one.framed},
            {"same_pairs", one.same},
            {"different_pairs", one.different},
            {"equal_error_rate", round4(one.equal_error_rate)},
            {"equal_error_rate_interval", of(one.equal_error_interval)},
            {"equal_error_threshold", round4(one.equal_error_threshold)},
            {"accuracy", round4(one.accuracy)},
            {"accuracy_interval", of(one.accuracy_interval)},
            {"calibrated", one.calibrated}};
  if (one.calibrated) {
    json["calibrated_rate"] = kCalibratedRate;
    json["calibrated_threshold"] = round4(one.mean_threshold);
    json["false_match"] = of(one.false_match);
    json["false_non_match"] = of(one.false_non_match);
  } else {
    json["why_not_calibrated"] = one.why_not_calibrated;
  }
  return json;
}

Json verification_of(const FacesReport& report) {
  Json json{{"embedder", nullptr}, {"equal_error_rate", nullptr}, {"equal_error_rate_degraded", nullptr}, {"sets", Json::array()}};
  if (report.verification.empty()) return json;
  json["embedder"] = report.embedder;
  for (const auto& [member, degraded] : {std::pair{"equal_error_rate", false}, std::pair{"equal_error_rate_degraded", true}}) {
    const bool any = std::any_of(report.verification.begin(), report.verification.end(), [&, d = degraded](const VerificationResult& one) {
      return (one.degradation != Degradation::kNone) == d && one.same > 0 && one.different > 0;
    });
    if (any) json[member] = round4(worst_equal_error_rate(report, degraded));
  }
  for (const auto& one : report.verification) json["sets"].push_back(of(one));
  json["ms_per_embedding_median"] = round4(median(report.embed_milliseconds));
  json["ms_per_embedding_least"] = round4(least(report.embed_milliseconds));
  if (!report.embed_instructions.empty()) json["instructions_per_embedding_median"] = median(report.embed_instructions);
  return json;
}

Json of(const Identification& one) {
  return {{"degradation", to_string(one.degradation)},
          {"people", one.people},
          {"real_people", one.real},
          {"made_up_people", one.made_up},
          {"strangers", one.strangers},
          {"draws", one.draws},
          {"false_positive_rate_asked", kFalsePositiveRate},
          {"threshold", round4(one.threshold)},
          {"false_negative", of(one.false_negative)},
          {"false_positive", of(one.false_positive)},
          {"default_threshold", round4(one.default_threshold)},
          {"false_negative_at_default", of(one.default_false_negative)},
          {"false_positive_at_default", of(one.default_false_positive)},
          {"search_ms_median", round4(one.search_milliseconds)}};
}

Json of(const ScoringResult& one) {
  Json json{{"set", one.set},    {"people", one.people},       {"templates", one.templates},
            {"score", one.rule}, {"strangers", one.strangers}, {"missed", of(one.missed)}};
  for (std::size_t i = 0; i < one.reached.size(); ++i)
    json["reached"].push_back({{"by", kStrangerRates[i]}, {"score", one.reached[i] > 0 ? Json(round4(one.reached[i])) : Json()}});
  for (std::size_t i = 0; i < one.missed_by_default.size(); ++i)
    json["missed_by_default"].push_back({{"people", kGallerySizes[i]}, {"missed", of(one.missed_by_default[i])}});
  return json;
}

}  // namespace

Json report_json(const FacesReport& report) {
  Json json{{"format", 1},
            {"folder", report.folder},
            {"cpu_level", report.cpu_level},
            {"left_out", report.left_out},
            {"detection", detection_of(report)},
            {"verification", verification_of(report)},
            {"peak_memory_mib", round4(report.peak_memory_mib)}};
  for (const SetSummary& set : report.sets) {
    json["sets"].push_back({{"name", set.name},
                            {"labelled_pictures", set.labelled},
                            {"labelled_faces", set.faces},
                            {"people", set.people},
                            {"people_pictures", set.people_pictures},
                            {"pairs", set.pairs}});
  }
  json["identification"] = {{"subjects", report.subjects}, {"shots_of_a_track", kShotsOfATrack}, {"galleries", Json::array()}};
  for (const auto& one : report.identification) json["identification"]["galleries"].push_back(of(one));
  json["scoring"] = Json::array();
  for (const auto& one : report.scoring) json["scoring"].push_back(of(one));
  json["drawings"] = {{"threshold", report.drawings.empty() ? Json() : Json(round4(report.drawing_threshold))}, {"sets", Json::array()}};
  for (const auto& one : report.drawings) {
    json["drawings"]["sets"].push_back({{"set", one.set},
                                        {"degradation", to_string(one.degradation)},
                                        {"people_refused", of(one.refused)},
                                        {"highest_likeness", round4(one.highest)}});
  }
  if (!report.no_instructions.empty()) json["instructions_left_out"] = report.no_instructions;
  return json;
}

}  // namespace kanhu::bench
