// SPDX-License-Identifier: MIT
#include "daemon/replay/enrolment.hpp"

#include <cmath>

#include <catch2/catch.hpp>

using namespace kanhu;

namespace {

FaceQuality good_face() {
  FaceQuality quality;
  quality.inter_pupil_px = 80;
  quality.sharpness = 0.6;
  quality.brightness = 120;
  quality.contrast = 40;
  quality.occlusion = 0.1;
  quality.total = 0.8;
  return quality;
}

// A shot whose embedding points to `degrees` in a plane: two of them score 1 - distance / 2.
EnrolmentShot shot(const std::string& from, double degrees, double total = 0.5) {
  constexpr double kDegree = 3.14159265358979 / 180;
  EnrolmentShot made;
  made.from = from;
  made.made.embedding = {static_cast<float>(std::cos(degrees * kDegree)), static_cast<float>(std::sin(degrees * kDegree))};
  made.made.quality.total = total;
  return made;
}

std::string names(const std::vector<EnrolmentShot>& shots) {
  std::string all;
  for (const EnrolmentShot& one : shots) all += one.from;
  return all;
}

}  // namespace

TEST_CASE("a good shot is taken, and each thing that is wrong with one is said with its number and bound") {
  const EnrolmentBounds bounds;
  CHECK(refusal_of(good_face(), 0.9, bounds).empty());
  const auto refused = [&](auto spoil, const std::string& words) {
    FaceQuality quality = good_face();
    double score = 0.9;
    spoil(quality, score);
    CHECK(refusal_of(quality, score, bounds) == words);
  };
  refused([](FaceQuality& face, double&) { face.total = 0; }, "what was found is no face");
  refused([](FaceQuality&, double& score) { score = 0.41; }, "hardly a face: score 0.41, 0.60 needed");
  refused([](FaceQuality& face, double&) { face.inter_pupil_px = 41.7; }, "face 41 px between the eyes, 60 needed (--eyes-apart)");
  refused([](FaceQuality& face, double&) { face.yaw_degrees = -38; }, "turned by 38 degrees, 30 at most");
  refused([](FaceQuality& face, double&) { face.pitch_degrees = 33; }, "looking up by 33 degrees, 30 at most");
  refused([](FaceQuality& face, double&) { face.pitch_degrees = -33; }, "looking down by 33 degrees, 30 at most");
  refused([](FaceQuality& face, double&) { face.brightness = 31; }, "too dark: the face has a mean of 31 of 255, 40 needed");
  refused([](FaceQuality& face, double&) { face.brightness = 240; }, "overexposed: the face has a mean of 240 of 255, 225 at most");
  refused([](FaceQuality& face, double&) { face.contrast = 7; }, "flat: the face's brightness deviates by 7, 12 needed");
  refused([](FaceQuality& face, double&) { face.sharpness = 0.14; }, "too blurred: sharpness 0.14, 0.20 needed");
  refused([](FaceQuality& face, double&) { face.occlusion = 0.95; }, "covered: occlusion 0.95, 0.90 at most");
}

TEST_CASE("59.9 px between the eyes are never told as 60") {
  FaceQuality quality = good_face();
  quality.inter_pupil_px = 59.9;
  CHECK(refusal_of(quality, 0.9, {}) == "face 59 px between the eyes, 60 needed (--eyes-apart)");
}

TEST_CASE("of many shots the best five are kept, in their order") {
  std::vector<EnrolmentShot> shots{shot("a", 0, 0.2), shot("b", 0, 0.9), shot("c", 0, 0.4), shot("d", 0, 0.8),
                                   shot("e", 0, 0.7), shot("f", 0, 0.6), shot("g", 0, 0.1)};
  keep_best(shots);
  CHECK(names(shots) == "bcdef");
  keep_best(shots);
  CHECK(names(shots) == "bcdef");
  std::vector<EnrolmentShot> equal(9, shot("x", 0));
  keep_best(equal);
  CHECK(equal.size() == Enrolment::kMostShots);
}

TEST_CASE("one picture handed in twice counts once, and it is said of which it is a copy") {
  std::vector<EnrolmentShot> shots{shot("a", 0), shot("b", 20), shot("c", 0.5), shot("d", 20.5)};
  const auto lines = take_out_copies(shots);
  CHECK(names(shots) == "ab");
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("c: the same shot as a"));
  CHECK(lines[1].starts_with("d: the same shot as b"));
}

TEST_CASE("a shot of somebody else is taken out, one that a chain of alike ones reaches is not") {
  // 20 degrees score 0.83, 40 degrees 0.66, 90 degrees 0.29.
  std::vector<EnrolmentShot> shots{shot("a", 0), shot("x", 110), shot("b", 20), shot("c", 40)};
  const auto lines = take_out_others(shots, 0.78);
  CHECK(names(shots) == "abc");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("x: not like the others (score 0."));
}

TEST_CASE("two groups that come together late are one") {
  std::vector<EnrolmentShot> shots{shot("a", 0), shot("c", 40), shot("x", 150), shot("b", 20)};
  CHECK(take_out_others(shots, 0.78).size() == 1);
  CHECK(names(shots) == "acb");
}

TEST_CASE("a network that nobody measured takes out nobody") {
  std::vector<EnrolmentShot> shots{shot("a", 0), shot("b", 180)};
  CHECK(take_out_others(shots, same_person_score("another-network")).empty());
  CHECK(shots.size() == 2);
}
