// SPDX-License-Identifier: MIT
#include "pipelines/identify/identifier.hpp"

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "tests/unit/pipelines/identify/gallery_of_shapes.hpp"

namespace kanhu::identify {
namespace {

using test::like;
using test::ref_of;

ConfigPtr config(bool recognize = true) {
  auto made = std::make_shared<Config>();
  made->digest = std::string(64, 'c');
  FacilityConfig facility;
  facility.id = "fuxing";
  for (const char* id : {"door", "hall"}) {
    CameraConfig camera;
    camera.id = id;
    camera.faces.recognize = recognize;
    facility.cameras.push_back(camera);
  }
  made->facilities.push_back(facility);
  return made;
}

// A identifier, what it handed on, and a camera that talks.
struct Bench {
  explicit Bench(const ConfigPtr& configuration = config())
      : identifier(
            configuration, [this](const Observation& observation) { handed.push_back(observation); },
            [this](LedgerEntry entry) { ledger.push_back(std::move(entry)); }) {
    identifier.use({{"fuxing", test::matcher(4)}});
  }
  void say(decltype(Observation::body) body, const std::string& source = "door", const std::string& run = "r1") {
    Observation observation;
    observation.source = source;
    observation.run = run;
    observation.pts = MediaTime(std::chrono::milliseconds(200 * ordinal));
    observation.time = wall_from_microseconds(1'790'000'000'000'000 + 200'000 * ordinal);
    observation.ordinal = static_cast<std::uint64_t>(ordinal++);
    observation.body = std::move(body);
    identifier.observe(observation);
  }
  void track(Phase phase, std::uint64_t id, double inter_pupil_px = 60, bool is_static = false) {
    TrackObservation made;
    made.phase = phase;
    made.id = id;
    made.label = "face";
    made.quality = FaceQuality{};
    made.quality->inter_pupil_px = inter_pupil_px;
    made.is_static = is_static;
    say(made);
  }
  void shot(std::uint64_t id, std::vector<float> embedding, const std::string& embedder = std::string(64, 'e')) {
    FaceShotObservation made;
    made.track = id;
    made.quality.total = 0.5;
    made.quality.inter_pupil_px = 60;
    made.embedding = std::move(embedding);
    made.embedder = embedder;
    say(made);
  }
  std::vector<IdentityObservation> decisions() const {
    std::vector<IdentityObservation> found;
    for (const Observation& each : handed)
      if (const auto* body = std::get_if<IdentityObservation>(&each.body)) found.push_back(*body);
    return found;
  }
  std::vector<Observation> handed;
  std::vector<LedgerEntry> ledger;
  Identifier identifier;
  int ordinal = 0;
};

}  // namespace

TEST_CASE("shots go no further, a decision is handed on once and in the end with all shots, and the ledger has what it rests on") {
  Bench bench;
  bench.track(Phase::kStart, 1);
  for (int i = 0; i < 4; ++i) bench.shot(1, like(2));
  bench.track(Phase::kEnd, 1);
  for (const Observation& each : bench.handed) CHECK_FALSE(std::holds_alternative<FaceShotObservation>(each.body));
  REQUIRE(bench.decisions().size() == 2);
  const IdentityObservation said = bench.decisions()[0];
  CHECK(said.decision == IdentityDecision::kRecognized);
  CHECK(said.person_ref == ref_of(2));
  CHECK(said.shots == 2);
  CHECK(said.gallery_version == 3);
  REQUIRE(bench.ledger.size() == 2);
  CHECK(said.ledger == bench.ledger[0].digest);
  CHECK(to_hex(sha256(canonical_json(bench.ledger[0].entry))) == said.ledger);
  CHECK(bench.ledger[0].entry["candidates"][0]["person_ref"] == ref_of(2));
  CHECK(bench.ledger[0].entry["shots"].size() == 2);
  CHECK(bench.decisions()[1].person_ref == ref_of(2));
  CHECK(bench.decisions()[1].shots == 4);
  CHECK(bench.decisions()[1].ledger == bench.ledger[1].digest);
  CHECK(bench.identifier.tracks() == 0);
}

TEST_CASE("no name and no template stands in the ledger") {
  Bench bench;
  bench.track(Phase::kStart, 1);
  for (int i = 0; i < 3; ++i) bench.shot(1, like(2, 0.9876543));
  REQUIRE_FALSE(bench.ledger.empty());
  const std::string text = canonical_json(bench.ledger[0].entry);
  CHECK(text.find("name of") == std::string::npos);
  CHECK(text.find("0.98765") == std::string::npos);
}

TEST_CASE("who was not decided about is decided about before the track's end") {
  Bench bench;
  bench.track(Phase::kStart, 1);
  bench.shot(1, like(2));
  CHECK(bench.decisions().empty());
  bench.track(Phase::kEnd, 1);
  REQUIRE(bench.decisions().size() == 1);
  CHECK(bench.decisions()[0].reason == "too_few_shots");
  CHECK(std::holds_alternative<TrackObservation>(bench.handed.back().body));
  bench.track(Phase::kStart, 2, 18);
  bench.track(Phase::kEnd, 2, 18);
  CHECK(bench.decisions().back().reason == "too_small");
}

TEST_CASE("a portrait, a facility without a gallery and a camera that compares nothing get no decision") {
  Bench bench;
  bench.track(Phase::kStart, 1, 60, true);
  bench.track(Phase::kEnd, 1, 60, true);
  bench.identifier.use({});
  bench.track(Phase::kStart, 2);
  bench.shot(2, like(1));
  bench.track(Phase::kEnd, 2);
  CHECK(bench.decisions().empty());
  Bench deaf(config(false));
  deaf.track(Phase::kStart, 1);
  for (int i = 0; i < 3; ++i) deaf.shot(1, like(1));
  deaf.track(Phase::kEnd, 1);
  CHECK(deaf.decisions().empty());
  CHECK(deaf.handed.size() == 2);
}

TEST_CASE("shots of another network, of another length, or of a track nobody began are left out") {
  Bench bench;
  bench.shot(9, like(1));
  bench.track(Phase::kStart, 1);
  for (int i = 0; i < 3; ++i) bench.shot(1, like(1), std::string(64, 'f'));
  for (int i = 0; i < 3; ++i) bench.shot(1, {1, 0, 0});
  CHECK(bench.decisions().empty());
}

TEST_CASE("nobody but the identifier decides, and another run forgets the tracks of the one before") {
  Bench bench;
  bench.say(IdentityObservation{1, IdentityDecision::kRecognized, "", ref_of(0), 1, 0, 1, 5, 1, "", ""});
  CHECK(bench.handed.empty());
  bench.track(Phase::kStart, 1);
  bench.shot(1, like(1));
  TrackObservation again;
  again.phase = Phase::kStart;
  again.id = 1;
  again.label = "face";
  bench.say(again, "door", "r2");
  FaceShotObservation one;
  one.track = 1;
  one.quality.total = 0.5;
  one.embedding = like(3);
  one.embedder = std::string(64, 'e');
  bench.say(one, "door", "r2");
  CHECK(bench.decisions().empty());
  bench.say(one, "door", "r2");
  REQUIRE(bench.decisions().size() == 1);
  CHECK(bench.decisions()[0].person_ref == ref_of(3));
}

TEST_CASE("a gallery that changes applies to the next decision") {
  Bench bench;
  bench.track(Phase::kStart, 1);
  bench.shot(1, like(5));
  bench.identifier.use({{"fuxing", test::matcher(6)}});
  bench.shot(1, like(5));
  REQUIRE(bench.decisions().size() == 1);
  CHECK(bench.decisions()[0].person_ref == ref_of(5));
}

TEST_CASE("the same observations give the same ledger") {
  Bench one;
  Bench other;
  for (Bench* bench : {&one, &other}) {
    bench->track(Phase::kStart, 1);
    for (int i = 0; i < 3; ++i) bench->shot(1, like(2, 0.9));
    bench->track(Phase::kEnd, 1);
  }
  REQUIRE(one.ledger.size() == other.ledger.size());
  for (std::size_t i = 0; i < one.ledger.size(); ++i) CHECK(one.ledger[i].digest == other.ledger[i].digest);
}

}  // namespace kanhu::identify
