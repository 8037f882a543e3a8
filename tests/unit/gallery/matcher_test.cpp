// SPDX-License-Identifier: MIT
#include "gallery/matcher.hpp"

#include <chrono>

#include <catch2/catch.hpp>

#include "gallery/calibration.hpp"
#include "tests/unit/gallery/people.hpp"

using namespace kanhu;
using namespace kanhu::gallery;
using namespace kanhu::test;

TEST_CASE("a score is 1 for the same face, 1 - d/2 in between, 0 for the opposite") {
  CHECK(score_of(1) == 1);
  CHECK(score_of(1.0000001) == 1);
  CHECK(score_of(-1) == 0);
  CHECK(score_of(0) == Approx(1 - std::sqrt(2.0) / 2));
  const auto a = shot_of(1, 1), b = shot_of(2, 1);
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += static_cast<double>(a[i] - b[i]) * (a[i] - b[i]);
  CHECK(score_of(scalar_product(a, b)) == Approx(1 - std::sqrt(square) / 2).margin(1e-6));
}

TEST_CASE("a scalar product counts every number, also of lengths that are no multiple of sixteen") {
  for (const std::size_t size : {1u, 15u, 16u, 17u, 128u, 130u}) {
    std::vector<float> a(size), b(size);
    float wanted = 0;
    for (std::size_t i = 0; i < size; ++i) {
      a[i] = static_cast<float>(i + 1);
      b[i] = i % 2 ? 1.0f : -1.0f;
      wanted += a[i] * b[i];
    }
    CHECK(scalar_product(a, b) == wanted);
  }
}

TEST_CASE("a new shot of somebody enrolled is nearest to her, and the others follow by their scores") {
  const Gallery gallery = gallery_of(30);
  const auto matcher = Matcher::make(gallery, day(2));
  CHECK(matcher->people() == 30);
  for (std::uint64_t i = 0; i < 30; ++i) {
    const auto found = matcher->nearest(shot_of(i, 99), 5);
    REQUIRE(found.size() == 5);
    CHECK(found[0].person_ref == person(i).ref);
    CHECK(found[0].score > 0.6);
    CHECK(found[1].score < 0.5);
    for (std::size_t k = 1; k < found.size(); ++k) CHECK(found[k - 1].score >= found[k].score);
  }
  CHECK(matcher->nearest(shot_of(3, 99), 100).size() == 30);
  CHECK(matcher->nearest(shot_of(3, 99), 0).empty());
}

TEST_CASE("whose consent has expired is not compared, and the threshold follows from who is left") {
  Gallery gallery = gallery_of(3);
  Consent consent = gallery.people[1].consent;
  consent.expires = day(10);
  REQUIRE(set_consent(gallery, gallery.people[1].ref, consent, kAct));
  CHECK(Matcher::make(gallery, day(9))->people() == 3);
  const auto later = Matcher::make(gallery, day(10));
  CHECK(later->people() == 2);
  for (const Candidate& candidate : later->nearest(shot_of(1, 0), 5)) CHECK(candidate.person_ref != gallery.people[1].ref);
  CHECK(later->threshold() == default_threshold("dlib-resnet-29", 2));
  CHECK_FALSE(later->calibrated());
  Calibration calibration;
  calibration.threshold = 0.7777;
  set_calibration(gallery, calibration, kAct);
  CHECK(Matcher::make(gallery, day(9))->threshold() == 0.7777);
  CHECK(Matcher::make(gallery, day(9))->calibrated());
}

TEST_CASE("a vector of another length, of no length or of numbers that are none matches nobody") {
  const auto matcher = Matcher::make(gallery_of(3), day(2));
  CHECK(matcher->nearest({}, 5).empty());
  CHECK(matcher->nearest(std::vector<float>(127, 0.1f), 5).empty());
  CHECK(matcher->nearest(std::vector<float>(128, 0.0f), 5).empty());
  CHECK(matcher->nearest(std::vector<float>(128, std::nanf("")), 5).empty());
  CHECK(Matcher::make(Gallery{}, day(2))->nearest(shot_of(1, 1), 5).empty());
}

TEST_CASE("the digest changes with what decides about faces and with nothing else") {
  const Gallery gallery = gallery_of(3);
  const std::string digest = digest_of(gallery);
  CHECK(Matcher::make(gallery, day(2))->digest() == digest);
  Gallery other = gallery;
  other.people[0].name = "another";
  other.people[0].role = "staff";
  other.history.clear();
  CHECK(digest_of(other) == digest);
  other.people[0].templates[0].embedding = shot_of(77, 0);
  CHECK(digest_of(other) != digest);
  other = gallery;
  other.people[0].consent.expires.reset();
  CHECK(digest_of(other) != digest);
  other = gallery;
  other.calibration = Calibration{};
  CHECK(digest_of(other) != digest);
  other = gallery;
  REQUIRE(erase_person(other, other.people[2].ref, "withdrawn", kAct));
  CHECK(digest_of(other) != digest);
}

// unit_gallery "[bench]" prints it; no promise of the test suite, which runs on busy machines.
TEST_CASE("300 people with 5 templates are compared in under a millisecond", "[.][bench]") {
  const Gallery gallery = gallery_of(300);
  const auto matcher = Matcher::make(gallery, day(2));
  const auto probe = shot_of(17, 99);
  double best_us = 1e9;
  for (int i = 0; i < 2000; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const auto found = matcher->nearest(probe, 5);
    best_us = std::min(best_us, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count());
    REQUIRE(found.size() == 5);
  }
  WARN("best of 2000: " << best_us << " us");
  CHECK(best_us < 1000);
}
