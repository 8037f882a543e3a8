// SPDX-License-Identifier: MIT
#include "pipelines/identify/face_track.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/pipelines/identify/gallery_of_shapes.hpp"

namespace kanhu::identify {
namespace {

using test::like;
using test::matcher;
using test::ref_of;

KeptShot shot(std::vector<float> embedding, double quality = 0.5) {
  KeptShot made;
  made.quality.total = quality;
  made.quality.inter_pupil_px = 60;
  made.embedding = std::move(embedding);
  return made;
}

FacesConfig faces() { return {true, 32, 2, 2, 0.02}; }

std::string word(const Verdict& verdict) {
  return std::string(to_string(verdict.decision)) + (verdict.reason.empty() ? "" : ":" + verdict.reason);
}

}  // namespace

TEST_CASE("one shot decides nothing, two that agree do") {
  FaceTrack track;
  const auto gallery = matcher(4);
  track.add(shot(like(2)));
  CHECK(word(track.decide(*gallery, faces(), false)) == "uncertain:too_few_shots");
  track.add(shot(like(2, 0.98)));
  const Verdict verdict = track.decide(*gallery, faces(), false);
  CHECK(word(verdict) == "recognized");
  CHECK(verdict.candidates[0].person_ref == ref_of(2));
  CHECK(verdict.threshold == 0.75);
  CHECK(verdict.margin > 0.5);
}

TEST_CASE("nobody of the gallery is unknown after three shots, or at the end with two") {
  FaceTrack track;
  const auto gallery = matcher(4);
  for (int i = 0; i < 2; ++i) track.add(shot(like(6)));
  CHECK(word(track.decide(*gallery, faces(), false)) == "uncertain:too_few_shots");
  CHECK(word(track.decide(*gallery, faces(), true)) == "unknown");
  track.add(shot(like(6)));
  CHECK(word(track.decide(*gallery, faces(), false)) == "unknown");
}

TEST_CASE("a score just below the threshold is neither somebody nor nobody") {
  FaceTrack track;
  // cosine c scores 1 - sqrt(2 - 2c) / 2: 0.735 is c = 0.8596.
  for (int i = 0; i < 5; ++i) track.add(shot(like(1, 0.8596)));
  CHECK(word(track.decide(*matcher(4), faces(), true)) == "uncertain:near_threshold");
}

TEST_CASE("two candidates alike make nobody") {
  FaceTrack track;
  for (int i = 0; i < 5; ++i) track.add(shot(like(1, 0.70711, 2)));
  const Verdict verdict = track.decide(*matcher(4, 0.5), faces(), true);
  CHECK(word(verdict) == "uncertain:ambiguous");
  CHECK(verdict.margin < 0.02);
}

TEST_CASE("a better shot raises an uncertain face to a recognized one") {
  FaceTrack track;
  const auto gallery = matcher(4);
  for (int i = 0; i < 3; ++i) track.add(shot(like(1, 0.86), 0.2));
  REQUIRE(word(track.decide(*gallery, faces(), false)) == "uncertain:near_threshold");
  track.add(shot(like(1), 0.9));
  CHECK(word(track.decide(*gallery, faces(), false)) == "recognized");
}

TEST_CASE("a track that passes from one person to another names nobody any more, for good") {
  FaceTrack track;
  const auto gallery = matcher(4);
  for (int i = 0; i < 2; ++i) track.add(shot(like(1), 0.3));
  REQUIRE(word(track.decide(*gallery, faces(), false)) == "recognized");
  for (int i = 0; i < 5; ++i) {
    track.add(shot(like(2), 0.9));
    const Verdict verdict = track.decide(*gallery, faces(), false);
    const bool first = verdict.decision == IdentityDecision::kRecognized;
    CHECK((!first || verdict.candidates[0].person_ref == ref_of(1)));
  }
  CHECK(word(track.decide(*gallery, faces(), true)) == "uncertain:conflicting");
  for (int i = 0; i < 5; ++i) track.add(shot(like(1), 0.99));
  CHECK(word(track.decide(*gallery, faces(), true)) == "uncertain:conflicting");
}

TEST_CASE("five shots are kept, the best by quality") {
  FaceTrack track;
  for (int i = 1; i <= 5; ++i) CHECK(track.add(shot(like(1), i / 10.0)));
  CHECK_FALSE(track.add(shot(like(1), 0.1)));
  CHECK(track.add(shot(like(1), 0.9)));
  REQUIRE(track.shots().size() == 5);
  CHECK(track.shots().front().quality.total == 0.9);
  CHECK(track.shots().back().quality.total == 0.2);
}

TEST_CASE("without a shot the face was too small") {
  FaceTrack track;
  CHECK(word(track.decide(*matcher(2), faces(), true)) == "uncertain:too_small");
}

}  // namespace kanhu::identify
