// SPDX-License-Identifier: MIT
#include <limits>

#include <catch2/catch.hpp>

#include "bench/thermal/thermal.hpp"
#include "tests/support/thermal_scene/recording.hpp"
#include "tests/unit/bench/folder.hpp"

using namespace kanhu;
using namespace kanhu::bench;
using Catch::Contains;

namespace {

// One letter a frame: a, p, u for absent, present, unknown; truths: digits, '-' for not labelled, 'x' for one person where unknown is
// allowed.
ThermalTally tally(const std::string& truths, const std::string& answers, int counted = 1) {
  std::vector<ThermalTruth> all;
  std::vector<ThermalAnswer> said;
  for (std::size_t i = 0; i < truths.size(); ++i) {
    const char c = truths[i];
    all.push_back({static_cast<double>(i), c == '-' ? ThermalTruth::kNotLabelled : c == 'x' ? 1 : c - '0', true, c == 'x'});
    said.push_back({answers[i] == 'p'   ? Presence::kPresent
                    : answers[i] == 'a' ? Presence::kAbsent
                                        : Presence::kUnknown,
                    answers[i] == 'p' ? counted : 0});
  }
  return tally_of(all, said, 1);
}

}  // namespace

TEST_CASE("unknown is a miss where somebody is, no error where nobody is, and nothing where the label allows it") {
  const auto found = tally("0011xx-", "upuaupu");
  CHECK(found.frames == 5);
  CHECK(found.unknown == 2);
  CHECK(found.unknown_empty == 1);
  CHECK(found.unknown_allowed == 1);
  CHECK(found.hits == 1);
  CHECK(found.missed == 2);
  CHECK(found.false_present == 1);
  CHECK(found.precision() == Approx(0.5));
  CHECK(found.recall() == Approx(1.0 / 3));
  CHECK(found.f1() == Approx(0.4));
}

TEST_CASE("without anybody and without any present all figures are one") {
  const auto found = tally("000", "aau");
  CHECK(found.precision() == 1);
  CHECK(found.recall() == 1);
  CHECK(found.f1() == 1);
}

TEST_CASE("an arrival waits until present; one that is never seen waits for ever; who was there from the start is told apart") {
  const auto found = tally("1100110011", "uppaappaaa");
  REQUIRE(found.first_waits_s.size() == 1);
  CHECK(found.first_waits_s[0] == 1);
  REQUIRE(found.waits_s.size() == 2);
  CHECK(found.waits_s[0] == 1);
  CHECK(found.waits_s[1] == std::numeric_limits<double>::infinity());
}

TEST_CASE("present that lingers is no false visit; one that comes and goes while nobody is there is") {
  CHECK(tally("1100000", "ppppaaa").false_visits == 0);
  CHECK(tally("1100000", "ppappap").false_visits == 2);
  CHECK(tally("0000111", "aapppap").false_visits == 0);  // early, but somebody comes
  CHECK(tally("0000000", "pppaaap").false_visits == 2);
}

TEST_CASE("the longest absent while somebody is there is one run") { CHECK(tally("0111111110", "aaaupaaaaa").longest_absent_s == 4); }

TEST_CASE("count errors are summed over labelled frames, and over those of one to four people") {
  const auto found = tally("021105", "apppap", 1);
  CHECK(found.counted == 6);
  CHECK(found.count_error == 1 + 4);
  CHECK(found.few_people == 4);
  CHECK(found.few_error == 1);
  CHECK(found.few_wrong == 1);
}

TEST_CASE("the best threshold divides what can be divided") {
  std::vector<FrameScores> scores(10);
  std::vector<ScoredFrame> frames;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i].fill(static_cast<std::int32_t>(i % 3));
    scores[i][7] = i < 6 ? 100 : 250;
    frames.push_back({&scores[i], i >= 6});
  }
  const auto best = best_threshold(frames);
  CHECK(best.score == 7);
  CHECK(best.at_least > 100);
  CHECK(best.at_least <= 250);
  CHECK(best.setting() == "2 pixels from 1.75 above the median");
}

TEST_CASE("an interval over recordings holds the figure, and all of one value is a point") {
  const std::vector<double> values{0.1, 0.9, 0.5, 0.6, 0.4, 0.7};
  const auto mean = [](const std::vector<double>& of) {
    return [&of](std::span<const std::size_t> drawn) {
      double sum = 0;
      for (const auto one : drawn) sum += of[one];
      return sum / static_cast<double>(drawn.size());
    };
  };
  const auto interval = bootstrap_interval(values.size(), mean(values));
  CHECK(interval.low < 0.45);
  CHECK(interval.high > 0.6);
  CHECK(interval.low > 0.1);
  CHECK(interval.high < 0.9);
  const std::vector<double> same(4, 0.25);
  CHECK(bootstrap_interval(4, mean(same)).low == 0.25);
}

TEST_CASE("wrong frames over the peer's: one when neither is ever wrong") {
  CHECK(error_ratio(0, 0) == 1);
  CHECK(error_ratio(2, 0) == 3);
  CHECK(error_ratio(2, 8) == 0.25);
}

TEST_CASE("simulated recordings are measured beside the peers, and what cannot be read is left out") {
  const test::Folder folder;
  for (const auto& scene : thermal_scene::scenes(thermal_scene::grid_eye())) {
    if (scene.name == "comes-and-goes" || scene.name == "doorway")
      REQUIRE(thermal_scene::write_recording(scene, 3, scene.name == "doorway" ? 60 : 90, folder / (scene.name + ".csv")));
  }
  folder.write("broken.csv", "nothing,here\n");
  std::filesystem::copy_file(folder / "doorway.csv", folder / "door-again.csv");
  ThermalBenchOptions options;
  options.folder = folder.path();
  const auto report = bench_thermal(options, [](const std::string&) {});
  REQUIRE(report);
  REQUIRE(report->recordings.size() == 2);
  REQUIRE(report->left_out.size() == 2);
  CHECK_THAT(report->left_out[0], Contains("broken.csv"));
  CHECK_THAT(report->left_out[1], Contains("the same frames as"));
  const Json json = report_json(*report);
  CHECK(json["presence"]["precision"].is_number());
  CHECK(json["presence"]["recall"].is_number());
  CHECK(json["presence"]["f1"] > 0.5);
  CHECK(json["presence"]["error_ratio_to_best_peer"].is_number());
  CHECK(json["count"]["mae"].is_number());
  CHECK(json["peers"].size() == 3);
  CHECK(json["cost"]["8x8"]["frames_per_second"] > 0);
  CHECK(json["recordings"].size() == 2);
  CHECK(json["recordings"][0]["frames"] == json["recordings"][0]["labelled"]);
  CHECK_THAT(report_text(*report), Contains("opencv mog2") && Contains("fixed threshold") && Contains("left out"));
}

TEST_CASE("a folder with nothing to measure says so") {
  const test::Folder folder;
  folder.write("notes.csv", "");
  ThermalBenchOptions options;
  options.folder = folder.path();
  const auto report = bench_thermal(options, [](const std::string&) {});
  REQUIRE(report);
  CHECK(report->contestants.empty());
  CHECK(report_json(*report)["presence"]["f1"].is_null());
  CHECK_THAT(report_text(*report), Contains("notes.csv: is empty"));
}
