// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "bench/faces/faces.hpp"

using namespace kanhu;
using namespace kanhu::bench;
using Catch::Contains;

namespace {

Contestant contestant(const std::string& name, bool is_peer) {
  Contestant one;
  one.name = name;
  one.is_peer = is_peer;
  return one;
}

Performance performance(std::size_t found, std::size_t labels, double milliseconds) {
  Performance made;
  for (std::size_t i = 0; i < labels; ++i) {
    const std::vector<Label> label{{0, 0, 40, 40, {}, false}};
    made.tally.add(label, i < found ? std::vector<Found>{{0, 0, 40, 40, 0.9}} : std::vector<Found>{});
    made.milliseconds.push_back(milliseconds);
    made.share_of_dlib_x2.push_back(milliseconds / 80);
  }
  return made;
}

FacesReport report() {
  FacesReport made;
  made.folder = "sets";
  made.sets.push_back({"one", 20, 20, 0, 0, 0});
  made.left_out = {"crowd: 3 pictures in no list"};
  made.detection.contestants = {contestant("blazeface", false), contestant("dlib HOG", true), contestant("dlib HOG x2", true)};
  made.detection.default_detector = "blazeface";
  made.detection.conditions = {
      {"one", Degradation::kNone, 20, 20, {performance(19, 20, 10), performance(5, 20, 20), performance(20, 20, 80)}},
      {"one", Degradation::kNight, 20, 20, {performance(16, 20, 10), performance(5, 20, 20), performance(10, 20, 80)}}};
  return made;
}

}  // namespace

TEST_CASE("the JSON has the headline figures where they are promised") {
  FacesReport made = report();
  VerificationResult good, bad;
  good.set = "one";
  good.equal_error_rate = 0.004;
  bad.set = "two";
  bad.equal_error_rate = 0.00871;
  made.embedder = "dlib-resnet-29";
  for (auto* one : {&good, &bad}) one->same = one->different = 10;
  made.verification = {good, bad};
  const Json json = report_json(made);
  CHECK(json["detection"]["recall"] == 0.95);
  CHECK(json["detection"]["false_positives_per_image"] == 0);
  CHECK(json["detection"]["miss_ratio_to_best_peer"] == 0.4);  // on the degraded: 4 missed to the 10 of HOG x2
  CHECK(json["detection"]["best_peer"]["peer"] == "dlib HOG x2");
  CHECK(json["detection"]["degraded"]["recall"] == 0.8);
  CHECK(json["detection"]["effort"]["time_ratio_to_dlib_hog_x2"] == 0.125);
  CHECK(json["detection"]["conditions"][1]["degradation"] == "night");
  CHECK(json["detection"]["conditions"][1]["detectors"][2]["found"] == 10);
  CHECK(json["verification"]["equal_error_rate"] == 0.0087);  // of the worst set
}

TEST_CASE("what was not measured is null in the JSON, not a good figure") {
  const Json json = report_json(FacesReport{});
  CHECK(json["detection"]["recall"].is_null());
  CHECK(json["detection"]["miss_ratio_to_best_peer"].is_null());
  CHECK(json["verification"]["equal_error_rate"].is_null());
}

TEST_CASE("without degradations the plain pictures are what peers are compared on") {
  FacesReport made = report();
  made.detection.conditions.pop_back();
  const auto against = made.detection.against_best();
  CHECK(against.peer == "dlib HOG x2");
  CHECK(against.miss_ratio == 2);  // one missed where it misses none
}

TEST_CASE("the words begin with the headline and say what was left out") {
  const std::string text = report_text(report());
  CHECK(text.find("blazeface: recall, pictures as they are") < text.find("Sets in sets"));
  CHECK_THAT(text, Contains("0.9500  0.751-0.999    19/20"));
  CHECK_THAT(text, Contains("left out: crowd: 3 pictures in no list"));
  CHECK_THAT(text, Contains("one, night"));
}
