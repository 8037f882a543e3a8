// SPDX-License-Identifier: MIT
// The report for people: the headline figures first, then what they are made of.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "bench/effort.hpp"
#include "bench/faces/faces.hpp"

namespace kanhu::bench {
namespace {

using Text = fmt::memory_buffer;

template <typename... Values>
void say(Text& text, fmt::format_string<Values...> format, Values&&... values) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Values>(values)...);
}

std::string range(const Interval& interval) { return fmt::format("{:.3f}-{:.3f}", interval.low, interval.high); }
std::string cases(const Share& share) { return fmt::format("{}/{}", share.hits, share.of); }

void headline_row(Text& text, const std::string& figure, double value, const std::string& interval, const std::string& number) {
  say(text, "  {:<52} {:>8.4f}  {:<13}  {}\n", figure, value, interval, number);
}

const VerificationResult* worst_of(const FacesReport& report, bool degraded) {
  const VerificationResult* worst = nullptr;
  for (const auto& one : report.verification) {
    if ((one.degradation != Degradation::kNone) != degraded || one.same == 0 || one.different == 0) continue;
    if (worst == nullptr || one.equal_error_rate > worst->equal_error_rate) worst = &one;
  }
  return worst;
}

void headline(Text& text, const FacesReport& report) {
  const DetectionReport& detection = report.detection;
  say(text, "  {:<52} {:>8}  {:<13}  {}\n", "", "figure", "95 % interval", "cases");
  const std::size_t own = detection.place_of(detection.default_detector);
  if (!detection.conditions.empty() && own < detection.contestants.size()) {
    for (const bool degraded : {false, true}) {
      const Operation operation = detection.together(own, degraded).within_allowance();
      if (operation.recall.of == 0) continue;
      headline_row(text, fmt::format("{}: recall, {}", detection.default_detector, degraded ? "degraded pictures" : "pictures as they are"),
                   operation.recall.value(), range(operation.recall.interval()), cases(operation.recall));
      headline_row(text, "  false positives a picture there", operation.false_positives_per_picture(), "",
                   fmt::format("{} on {} pictures, threshold {:.3f}", operation.false_positives, operation.pictures, operation.threshold));
    }
    const auto against = detection.against_best();
    headline_row(text, "  misses over the best peer's, equal false positives", against.miss_ratio, "",
                 fmt::format("{} to {} of {}, {}", against.our_misses, against.their_misses, against.labels, against.peer));
    const Performance effort = detection.effort(own);
    headline_row(text, "  time over dlib HOG x2's", median(effort.share_of_dlib_x2), "",
                 fmt::format("{:.1f} ms a picture, median of {}", median(effort.milliseconds), effort.milliseconds.size()));
  }
  for (const bool degraded : {false, true}) {
    const auto* worst = worst_of(report, degraded);
    if (worst == nullptr) continue;
    headline_row(text, fmt::format("{}: equal-error rate, worst {}", report.embedder, degraded ? "degraded set" : "set as it is"),
                 worst->equal_error_rate, range(worst->equal_error_interval),
                 fmt::format("{} ({}), {} same, {} different", worst->set, to_string(worst->degradation), worst->same, worst->different));
  }
  for (const auto& one : report.identification) {
    if (one.degradation != Degradation::kNone) continue;
    headline_row(text, fmt::format("tracks missed (FNIR) at FPIR {:.1f} %, {} people", 100 * kFalsePositiveRate, one.people),
                 one.false_negative.value(), range(one.false_negative.interval()),
                 fmt::format("{} (strangers named: {})", cases(one.false_negative), cases(one.false_positive)));
  }
  say(text, "\n");
}

void what_was_found(Text& text, const FacesReport& report) {
  say(text, "Sets in {}\n", report.folder);
  for (const SetSummary& set : report.sets) {
    say(text, "  {:<20}", set.name);
    if (set.labelled > 0) say(text, " {} labelled pictures with {} faces;", set.labelled, set.faces);
    if (set.people > 0) say(text, " {} people in {} pictures;", set.people, set.people_pictures);
    if (set.pairs > 0) say(text, " {} pairs;", set.pairs);
    say(text, "\n");
  }
  for (const auto& why : report.left_out) say(text, "  left out: {}\n", why);
  say(text, "\n");
}

void detection_rows(Text& text, const DetectionReport& detection, const std::function<Performance(std::size_t)>& performance_of) {
  for (std::size_t i = 0; i < detection.contestants.size(); ++i) {
    const Performance performance = performance_of(i);
    const Operation operation = performance.tally.within_allowance();
    say(text, "    {:<14} {:>6.3f} {:<12} {:>9} {:>5}{} {:>9.3f}", detection.contestants[i].name, operation.recall.value(),
        range(operation.recall.interval()), cases(operation.recall), operation.false_positives, operation.within ? ' ' : '!',
        operation.threshold);
    for (std::size_t size = 0; size < kSizeClasses; ++size)
      say(text, " {:>7}", operation.by_size[size].of == 0 ? "-" : cases(operation.by_size[size]));
    if (performance.milliseconds.empty()) {
      say(text, "\n");
    } else {
      say(text, " {:>8.1f} {:>6.2f}\n", median(performance.milliseconds), median(performance.share_of_dlib_x2));
    }
  }
}

void detection_tables(Text& text, const DetectionReport& detection) {
  if (detection.conditions.empty()) return;
  say(text,
      "Detection: the lowest threshold with at most {} false positives a picture (! no threshold keeps it: its strictest). A box\n"
      "matches a label at an overlap of {}, a second box on a face is false. Asked for down to a score of {} (dlib: margin {}).\n"
      "Found by distance between the pupils in px; without eyes in the labels {} of the box's width.\n",
      kFalsePositivesAllowed, kSameFace, kLowScore, kLowMargin, kEyesPerWidth);
  const auto head = [&](const std::string& what) {
    say(text, "  {}\n    {:<14} {:>6} {:<12} {:>9} {:>6} {:>9}", what, "", "recall", "95 %", "found", "false", "threshold");
    for (std::size_t size = 0; size < kSizeClasses; ++size) say(text, " {:>7}", size_class_name(size));
    say(text, " {:>8} {:>6}\n", "ms", "/HOGx2");
  };
  for (const bool degraded : {false, true}) {
    const auto pictures = detection.together(0, degraded).pictures();
    if (pictures == 0) continue;
    head(fmt::format("all sets, {}: {} pictures", degraded ? "all degradations" : "as they are", pictures));
    detection_rows(text, detection, [&](std::size_t i) {
      Performance performance;
      for (const Condition& condition : detection.conditions) {
        if ((condition.degradation != Degradation::kNone) != degraded) continue;
        const Performance& one = condition.performances[i];
        performance.tally.add(one.tally);
        performance.milliseconds.insert(performance.milliseconds.end(), one.milliseconds.begin(), one.milliseconds.end());
        performance.share_of_dlib_x2.insert(performance.share_of_dlib_x2.end(), one.share_of_dlib_x2.begin(), one.share_of_dlib_x2.end());
      }
      return performance;
    });
  }
  for (const Condition& condition : detection.conditions) {
    const auto against = detection.against_best(condition);
    head(fmt::format("{}, {} ({}): {} pictures; misses {} to {} of {}: ratio {:.2f}", condition.set, to_string(condition.degradation),
                     description_of(condition.degradation), condition.pictures, against.our_misses, against.their_misses, against.peer,
                     against.miss_ratio));
    detection_rows(text, detection, [&](std::size_t i) { return condition.performances[i]; });
  }
  say(text, "\n");
}

void verification_table(Text& text, const FacesReport& report) {
  if (report.verification.empty()) return;
  say(text,
      "Verification by {}: all pairs of a set, or those it lists. False match and non-match at the threshold that is calibrated for a\n"
      "false-match rate of {} without the person tried. Pairs of the same people are not independent: real intervals are wider.\n",
      report.embedder, kCalibratedRate);
  say(text, "    {:<16} {:<6} {:>9} {:>7} {:>8} {:>7} {:<12} {:>8} {:<12} {:>9} {:>16} {:>15}\n", "", "", "found", "same", "differ", "EER",
      "95 %", "accuracy", "95 %", "threshold", "false match", "false non-match");
  for (const auto& one : report.verification) {
    say(text, "    {:<16} {:<6} {:>9} {:>7} {:>8} {:>7.4f} {:<12} {:>8.4f} {:<12}", one.set, to_string(one.degradation),
        fmt::format("{}/{}", one.found, one.pictures), one.same, one.different, one.equal_error_rate, range(one.equal_error_interval),
        one.accuracy, range(one.accuracy_interval));
    if (one.calibrated) {
      say(text, " {:>9.4f} {:>16} {:>15}\n", one.mean_threshold, fmt::format("{:.5f} ({})", one.false_match.value(), one.false_match.hits),
          fmt::format("{:.4f} ({})", one.false_non_match.value(), one.false_non_match.hits));
    } else {
      say(text, "  {}\n", one.why_not_calibrated);
    }
  }
  say(text, "\n");
}

void identification_table(Text& text, const FacesReport& report) {
  if (report.identification.empty()) return;
  say(text,
      "Recognition on tracks of {} shots: {} people of all sets mixed, half of each one's pictures (as they are, {} at most) in the\n"
      "gallery, the rest the tracks; {} galleries drawn of each size. \"made up\": people who do not exist, from the normal\n"
      "distribution fitted to the real ones. Draws repeat the same people: real intervals are wider.\n",
      kShotsOfATrack, report.subjects, kMostTemplates, kDraws);
  say(text, "    {:<6} {:>6} {:>7} {:>9} {:>9} {:>8} {:<12} {:>11} {:>10} | {:>9} {:>8} {:>8} {:>10}\n", "", "people", "made up",
      "strangers", "threshold", "FNIR", "95 %", "missed", "FPIR", "uncalibr.", "FNIR", "FPIR", "search ms");
  for (const auto& one : report.identification) {
    say(text, "    {:<6} {:>6} {:>7} {:>9} {:>9.4f} {:>8.4f} {:<12} {:>11} {:>10.4f} | {:>9.4f} {:>8.4f} {:>8.4f} {:>10.3f}\n",
        to_string(one.degradation), one.people, one.made_up, one.strangers, one.threshold, one.false_negative.value(),
        range(one.false_negative.interval()), cases(one.false_negative), one.false_positive.value(), one.default_threshold,
        one.default_false_negative.value(), one.default_false_positive.value(), one.search_milliseconds);
  }
  say(text, "\n");
}

void scoring_table(Text& text, const FacesReport& report) {
  if (report.scoring.empty()) return;
  say(text,
      "Scores of strangers, pictures as they are: {} random splits into templates and probes of {} other shots; the scores that 1e-2,\n"
      "1e-3 and 1e-4 of the comparisons with others reach, and own probes below the last one and below the thresholds of galleries of\n"
      "10, 40 and 300 people that were never calibrated. \"best two\" is how the gateway scores.\n",
      kSplits, kShotsOfATrack);
  say(text, "    {:<20} {:>6} {:>9} {:<12} {:>11} {:>7} {:>7} {:>7} {:>8} {:<12} {:>17}\n", "", "people", "templates", "score",
      "comparisons", "1e-2", "1e-3", "1e-4", "missed", "95 %", "at 10, 40, 300");
  for (const auto& one : report.scoring) {
    say(text, "    {:<20} {:>6} {:>9} {:<12} {:>11} {:>7.4f} {:>7.4f} {:>7.4f} {:>8.4f} {:<12}", one.set, one.people, one.templates,
        one.rule, one.strangers, one.reached[0], one.reached[1], one.reached[2], one.missed.value(), range(one.missed.interval()));
    for (const Share& share : one.missed_by_default) say(text, " {:.4f}", share.value());
    say(text, "\n");
  }
  say(text, "\n");
}

void drawings_table(Text& text, const FacesReport& report) {
  if (report.drawings.empty()) return;
  say(text,
      "People taken for drawings at enrolment ({} to {} faces together, likeness {:.3f} and more). A manner of drawing that is not among\n"
      "those it knows may reach as little as {:.3f}.\n",
      kFewestEnrolled, kMostEnrolled, report.drawing_threshold, report.between_manners);
  say(text, "    {:<20} {:<8} {:>7} {:>8} {:<12} {:>18}\n", "", "", "people", "refused", "95 %", "highest likeness");
  for (const auto& one : report.drawings) {
    say(text, "    {:<20} {:<8} {:>7} {:>8} {:<12} {:>18.3f}\n", one.set, to_string(one.degradation), one.refused.of, one.refused.hits,
        range(one.refused.interval()), one.highest);
  }
  say(text, "\n");
}

std::string instructions(const std::vector<double>& counts) {
  return counts.empty() ? std::string() : fmt::format(", {:.1f} million instructions", median(counts) / 1e6);
}

void effort(Text& text, const FacesReport& report) {
  say(text, "Effort ({})\n", report.cpu_level);
  for (std::size_t i = 0; !report.detection.conditions.empty() && i < report.detection.contestants.size(); ++i) {
    const Performance all = report.detection.effort(i);
    say(text, "  {}: {:.1f} ms a picture (median of {}, least {:.1f}), {:.2f} of dlib HOG x2's on the same picture{}\n",
        report.detection.contestants[i].name, median(all.milliseconds), all.milliseconds.size(), least(all.milliseconds),
        median(all.share_of_dlib_x2), instructions(all.instructions));
  }
  if (!report.embed_milliseconds.empty()) {
    say(text, "  {}: {:.1f} ms a face (median of {}, least {:.1f}){}\n", report.embedder, median(report.embed_milliseconds),
        report.embed_milliseconds.size(), least(report.embed_milliseconds), instructions(report.embed_instructions));
  }
  if (!report.no_instructions.empty()) say(text, "  instructions: not counted on this machine ({})\n", report.no_instructions);
  say(text, "  peak memory: {:.0f} MiB\n", report.peak_memory_mib);
}

}  // namespace

std::string report_text(const FacesReport& report) {
  Text text;
  headline(text, report);
  what_was_found(text, report);
  detection_tables(text, report.detection);
  verification_table(text, report);
  identification_table(text, report);
  scoring_table(text, report);
  drawings_table(text, report);
  effort(text, report);
  return fmt::to_string(text);
}

}  // namespace kanhu::bench
