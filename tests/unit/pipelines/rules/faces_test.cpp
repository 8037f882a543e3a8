// SPDX-License-Identifier: MIT
#include <catch2/catch.hpp>

#include "tests/unit/pipelines/rules/rules_bench.hpp"

namespace kanhu::rules::test {
namespace {

CameraConfig recognizing(const std::string& id) {
  CameraConfig made = camera(id);
  made.faces.recognize = true;
  return made;
}

FaceQuality shot(double inter_pupil_px, double total) { return {inter_pupil_px, 0.8, 5, -3, 1, 120, 40, 0.1, total}; }

TrackObservation track(Phase phase, std::uint64_t id, FaceQuality quality) {
  TrackObservation made;
  made.phase = phase;
  made.id = id;
  made.label = "face";
  made.box = {0.1, 0.2, 0.1, 0.15};
  made.score = 0.8;
  made.threshold = 0.6;
  made.zone = "hall";
  made.start_pts = MediaTime(seconds(static_cast<std::int64_t>(id)));
  made.quality = quality;
  if (phase == Phase::kEnd) made.end_reason = "left";
  return made;
}

IdentityObservation identity(std::uint64_t id, IdentityDecision decision, const std::string& who, double score = 0.81) {
  IdentityObservation made;
  made.track = id;
  made.decision = decision;
  (decision == IdentityDecision::kUncertain ? made.reason : made.person_ref) = who;
  made.score = score;
  made.threshold = 0.74;
  made.margin = 0.12;
  made.shots = 3;
  made.gallery_version = 7;
  made.gallery = to_hex(sha256("gallery"));
  made.ledger = to_hex(sha256("ledger"));
  return made;
}

const std::string kPerson(26, 'k');

// A decision bears the ordinal of the observation that led to it, so it comes out of turn.
void decide(Bench& bench, const std::string& source, double s, IdentityObservation body) {
  --bench.ordinals[source + "run-" + source];
  bench.see(source, s, std::move(body));
}

}  // namespace

TEST_CASE("whose face it is comes at once, and stands in the end too") {
  Bench bench(config({facility("f1", {recognizing("c1")})}));
  bench.up("c1", 0);
  bench.record.events.clear();
  bench.see("c1", 1, track(Phase::kStart, 1, shot(40, 0.5)));
  CHECK(bench.record.events[0].data["face"]["inter_pupil_px"] == 40);
  CHECK_FALSE(bench.record.events[0].data.contains("person"));
  decide(bench, "c1", 1.5, identity(1, IdentityDecision::kRecognized, kPerson));
  REQUIRE(bench.record.types() == Types{"face.appeared/start", "face.updated/update"});
  const Json person = bench.record.events[1].data["person"];
  CHECK(person["decision"] == "recognized");
  CHECK(person["person_ref"] == kPerson);
  CHECK(person["score"] == 0.81);
  CHECK(person["gallery"]["version"] == 7);
  CHECK(person["ledger"] == to_hex(sha256("ledger")));
  bench.see("c1", 2, track(Phase::kEnd, 1, shot(45, 0.55)));
  REQUIRE(bench.record.types().back() == "face.left/end");
  CHECK(bench.record.events.back().data["person"] == person);
  CHECK(bench.record.events.back().data["face"]["inter_pupil_px"] == 45);
}

TEST_CASE("a decision just before the end, of the same observation, does not begin the connection anew") {
  Bench bench(config({facility("f1", {recognizing("c1")})}));
  bench.up("c1", 0);
  bench.see("c1", 1, track(Phase::kStart, 1, shot(40, 0.5)));
  bench.see("c1", 2, track(Phase::kUpdate, 1, shot(40, 0.5)));
  const auto next = bench.ordinals["c1run-c1"];
  bench.see("c1", 3, identity(1, IdentityDecision::kUncertain, "too_few_shots"));
  bench.ordinals["c1run-c1"] = next;
  bench.see("c1", 3, track(Phase::kEnd, 1, shot(40, 0.5)));
  CHECK(bench.record.events.back().type == "face.left");
  CHECK(bench.record.events.back().data["end_reason"] == "left");
  CHECK(bench.record.events.back().data["person"]["reason"] == "too_few_shots");
}

TEST_CASE("a decision about a face that is not followed says nothing") {
  Bench bench(config({facility("f1", {recognizing("c1")})}));
  bench.up("c1", 0);
  bench.record.events.clear();
  bench.see("c1", 1, identity(4, IdentityDecision::kUnknown, ""));
  CHECK(bench.record.events.empty());
}

TEST_CASE("a face that never moves says so once and goes quiet") {
  Bench bench(config({facility("f1", {recognizing("c1")})}));
  bench.up("c1", 0);
  bench.record.events.clear();
  bench.see("c1", 1, track(Phase::kStart, 1, shot(40, 0.5)));
  TrackObservation still = track(Phase::kUpdate, 1, shot(40, 0.5));
  still.is_static = true;
  bench.see("c1", 121, still);
  REQUIRE(bench.record.types() == Types{"face.appeared/start", "face.updated/update"});
  CHECK(bench.record.events[1].data["static"] == true);
  for (int s = 130; s < 200; s += 10) {
    still.score = 0.8 + s / 1000.0;
    bench.see("c1", s, still);
    bench.rules.advance(at(s));
  }
  CHECK(bench.record.events.size() == 2);
  bench.see("c1", 201, track(Phase::kUpdate, 1, shot(40, 0.5)));
  CHECK_FALSE(bench.record.events.back().data.contains("static"));
  CHECK(bench.record.count("face.updated") == 2);
}

TEST_CASE("a camera before which every face is too small is unfit, and fit again when it is moved") {
  Bench bench(config({facility("f1", {recognizing("c1")})}));
  bench.up("c1", 0);
  std::uint64_t id = 0;
  double s = 1;
  const auto visit = [&](double px) {
    bench.see("c1", ++s, track(Phase::kStart, ++id, shot(px, 0.3)));
    bench.see("c1", ++s, track(Phase::kEnd, id, shot(px, 0.3)));
  };
  for (int i = 0; i < 9; ++i) visit(18 + i);
  CHECK(bench.record.count("camera.unfit_for_faces") == 0);
  visit(20);
  REQUIRE(bench.record.count("camera.unfit_for_faces") == 1);
  const EventDraft start = bench.record.last("camera.unfit_for_faces");
  CHECK(start.phase == Phase::kStart);
  CHECK(start.data["inter_pupil_px"]["needed"] == 32);
  CHECK(start.data["inter_pupil_px"]["largest"] == 26);
  CHECK(start.data["faces"] == 10);
  visit(60);
  CHECK(bench.record.count("camera.unfit_for_faces") == 1);
  visit(60);
  REQUIRE(bench.record.count("camera.unfit_for_faces") == 2);
  CHECK(bench.record.last("camera.unfit_for_faces").data["end_reason"] == "recovered");
  CHECK(bench.record.last("camera.unfit_for_faces").subject == start.subject);
}

TEST_CASE("portraits, and cameras that compare no faces, do not make a camera unfit") {
  Bench bench(config({facility("f1", {recognizing("c1"), camera("c2")})}));
  bench.up("c1", 0);
  bench.up("c2", 0);
  for (std::uint64_t id = 1; id <= 12; ++id) {
    const double s = static_cast<double>(id) * 2;
    bench.see("c1", s, track(Phase::kStart, id, shot(12, 0.3)));
    TrackObservation end = track(Phase::kEnd, id, shot(12, 0.3));
    end.is_static = true;
    bench.see("c1", s + 1, end);
    bench.see("c2", s, track(Phase::kStart, id, shot(12, 0.3)));
    bench.see("c2", s + 1, track(Phase::kEnd, id, shot(12, 0.3)));
  }
  CHECK(bench.record.count("camera.unfit_for_faces") == 0);
}

}  // namespace kanhu::rules::test
