// SPDX-License-Identifier: MIT
// The report on infrared presence for people: the headline figures first, then what they are made of.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "bench/thermal/thermal.hpp"

namespace kanhu::bench {
namespace {

using ThermalText = fmt::memory_buffer;

template <typename... Values>
void tell(ThermalText& text, fmt::format_string<Values...> format, Values&&... values) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Values>(values)...);
}

std::string figure_or_dash(const Json& value, int decimals) {
  return value.is_number() ? fmt::format("{:.{}f}", value.get<double>(), decimals) : "-";
}

std::string interval_text(const Json& value, int decimals) {
  if (!value.is_array()) return "";
  return fmt::format("{:.{}f}-{:.{}f}", value[0].get<double>(), decimals, value[1].get<double>(), decimals);
}

void row(ThermalText& text, const char* what, const Json& value, int decimals, const std::string& interval, const std::string& note) {
  tell(text, "  {:<46} {:>9}  {:<16}  {}\n", what, figure_or_dash(value, decimals), interval, note);
}

void thermal_headline(ThermalText& text, const Json& json) {
  const Json& presence = json["presence"];
  tell(text, "  {:<46} {:>9}  {:<16}  {}\n", "kanhu", "figure", "95 % interval", "cases");
  row(text, "presence: precision", presence["precision"], 4, interval_text(presence["precision_interval"], 3),
      fmt::format("{} false of {} frames present", presence["false_present"].dump(),
                  presence["hits"].get<std::size_t>() + presence["false_present"].get<std::size_t>()));
  row(text, "presence: recall", presence["recall"], 4, interval_text(presence["recall_interval"], 3),
      fmt::format("{} missed of {} frames with people", presence["missed"].dump(), presence["frames_with_people"].dump()));
  row(text, "presence: F1", presence["f1"], 4, interval_text(presence["f1_interval"], 3), "");
  row(text, "presence: right answers, unknown is none", presence["right_share"], 4, "",
      fmt::format("of {} frames", presence["frames"].dump()));
  row(text, "presence: wrong frames over the best peer's", presence["error_ratio_to_best_peer"], 4,
      interval_text(presence["error_ratio_to_best_peer_interval"], 3), presence["best_peer"].get<std::string>());
  row(text, "  counting unknown in empty rooms as wrong", presence["error_ratio_counting_unknown"], 4, "", "");
  row(text, "presence: unknown, share of frames", presence["unknown_share"], 4, "",
      fmt::format("and {} frames where the label allows it", presence["unknown_allowed"].dump()));
  row(text, "longest absent while people are there, s", presence["absent_while_present_longest_s"], 2, "", "");
  row(text, "people: mean error of the count", json["count"]["mae"], 4, "",
      fmt::format("{} frames with a number", json["count"]["frames"].dump()));
  row(text, "people: errors a person, 1 to 4 people", json["count"]["error_share"], 4, "", "");
  row(text, "time to present, median, s", json["time_to_present_median_s"], 2, "",
      fmt::format("{} arrivals, {} never seen", json["time_to_present"]["arrivals"].dump(), json["time_to_present"]["never"].dump()));
  const Json& visits = json["false_present_per_sensor_week"];
  row(text, "false present a sensor-week", visits["value"], 2, interval_text(visits["interval"], 1),
      fmt::format("{} in {:.4f} empty hours", visits["episodes"].dump(), visits["empty_hours"].get<double>()));
}

void contestant_row(ThermalText& text, const ThermalContestant& contestant) {
  const ThermalTally all = contestant.together();
  tell(text, "  {:<18} {:>9.4f} {:>9.4f} {:>9.4f} {:>9} {:>9}  {}\n", contestant.name, all.precision(), all.recall(), all.f1(), all.wrong(),
       all.counted == 0 ? std::string("-") : fmt::format("{:.4f}", static_cast<double>(all.count_error) / static_cast<double>(all.counted)),
       contestant.setting);
}

void beside_peers(ThermalText& text, const ThermalReport& report) {
  tell(text, "\n  {:<18} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n", "", "precision", "recall", "F1", "wrong", "count mae", "setting");
  for (const auto& contestant : report.contestants) contestant_row(text, contestant);
  contestant_row(text, report.first_look);
  tell(text, "\n  frames a second of processor time, one core\n");
  for (const auto& [size, effort] : report.kanhu().effort) {
    tell(text, "  {:<10}", size);
    for (const auto& contestant : report.contestants)
      tell(text, "  {} {:.0f}", contestant.name, contestant.effort.at(size).frames_per_second());
    tell(text, "\n");
  }
}

// The end of a long name says most.
std::string short_name(const std::string& name) {
  constexpr std::size_t kMost = 36;
  return name.size() <= kMost ? name : "..." + name.substr(name.size() - (kMost - 3));
}

void by_recording(ThermalText& text, const ThermalReport& report) {
  tell(text, "\n  {:<36} {:>7} {:>8} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8}\n", "recording", "size", "frames", "prec.", "recall", "F1",
       "unknown", "wrong", "peer's");
  const auto& peer = report.contestants[report.best_peer()];
  for (std::size_t i = 0; i < report.recordings.size(); ++i) {
    const auto& one = report.recordings[i];
    const auto& tally = report.kanhu().tallies[i];
    tell(text, "  {:<36} {:>7} {:>8} {:>7.3f} {:>7.3f} {:>7.3f} {:>8} {:>8} {:>8}\n", short_name(one.name),
         fmt::format("{}x{}", one.width, one.height), one.frames, tally.precision(), tally.recall(), tally.f1(), tally.unknown,
         tally.wrong(), peer.tallies[i].wrong());
  }
}

void list_of(ThermalText& text, const char* title, const std::vector<std::string>& lines, std::size_t most) {
  if (lines.empty()) return;
  tell(text, "\n  {}\n", title);
  for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) tell(text, "  - {}\n", lines[i]);
  if (lines.size() > most) tell(text, "  - and {} more (all with --json)\n", lines.size() - most);
}

}  // namespace

std::string report_text(const ThermalReport& report) {
  ThermalText text;
  std::size_t frames = 0;
  for (const auto& one : report.recordings) frames += one.frames;
  tell(text, "{}: {} recordings, {} frames\n\n", report.folder, report.recordings.size(), frames);
  if (!report.contestants.empty()) {
    thermal_headline(text, report_json(report));
    beside_peers(text, report);
    by_recording(text, report);
  }
  list_of(text, "left out", report.left_out, 40);
  list_of(text, "assumed, because no file says it", report.assumed, 12);
  return fmt::to_string(text);
}

}  // namespace kanhu::bench
