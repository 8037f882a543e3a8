// The whole suite of thermal scenes with their ground truth, in every sensor and seed at hand. Long scenes are cut where they only
// repeat themselves; KANHU_LONG_SCENES=1 plays all of them to the end.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include <catch2/catch.hpp>

#include "models/thermal_presence.hpp"
#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::models {
namespace {

struct Score {
  long frames = 0, right = 0, invented = 0, missed = 0, with_people = 0, unknown_without_reason = 0, elsewhere = 0;
  double longest_absence_s = 0;  // said while somebody was there
  double first_there_s = -1, first_said_s = -1;
  double count_error = 0;
  long counted = 0;

  double recall() const { return with_people == 0 ? 1 : static_cast<double>(right) / static_cast<double>(right + missed); }
  double f1() const {
    const long wrong = invented + missed;
    return right + wrong == 0 ? 1 : 2.0 * static_cast<double>(right) / static_cast<double>(2 * right + wrong);
  }
};

Score watch(const thermal_scene::Scene& scene, std::uint64_t seed) {
  ThermalPresenceOptions options;
  options.pixel_pitch_m = scene.sensor.pixel_pitch_m();
  ThermalPresence presence(options);
  thermal_scene::Camera camera(scene, seed);
  Score score;
  double absent_since = -1;
  while (const auto picture = camera.next()) {
    const ThermalResult said =
        presence.look({ThermalKind::kRadiometric, scene.sensor.width, scene.sensor.height, picture->centi_c, false, ""},
                      MediaTime(std::chrono::nanoseconds(static_cast<std::int64_t>(picture->seconds * 1e9))));
    const bool there = picture->truth.people > 0;
    const bool honest = picture->truth.unknown_is_honest;
    ++score.frames;
    score.with_people += there ? 1 : 0;
    if (there && score.first_there_s < 0) score.first_there_s = picture->seconds;
    if (said.state == Presence::kPresent) {
      if (there && score.first_said_s < 0) score.first_said_s = picture->seconds;
      (there ? score.right : score.invented) += 1;
      if (there) {
        score.count_error += std::abs(static_cast<double>(said.people.size()) - picture->truth.people) / picture->truth.people;
        ++score.counted;
      }
    } else if (there && !(honest && said.state == Presence::kUnknown)) {
      ++score.missed;
    }
    if (!honest) {
      ++score.elsewhere;
      score.unknown_without_reason += said.state == Presence::kUnknown ? 1 : 0;
    }
    if (there && said.state == Presence::kAbsent) {
      if (absent_since < 0) absent_since = picture->seconds;
      score.longest_absence_s = std::max(score.longest_absence_s, picture->seconds - absent_since);
    } else {
      absent_since = -1;
    }
  }
  return score;
}

bool all_of_it() { return std::getenv("KANHU_LONG_SCENES") != nullptr; }

}  // namespace

TEST_CASE("in every scene people are seen, nobody is invented, and no absence is said of anybody") {
  double delays = 0;
  int with_people = 0;
  for (thermal_scene::Scene scene : thermal_scene::scenes()) {
    if (!all_of_it()) scene.seconds = std::min(scene.seconds, scene.name == "hot-room" ? 3600.0 : 1500.0);
    INFO(scene.name << ": " << scene.about);
    const Score score = watch(scene, 1);
    CHECK(score.f1() >= 0.98);
    CHECK(score.recall() >= 0.95);
    CHECK(score.longest_absence_s <= 5);
    CHECK(score.unknown_without_reason <= score.elsewhere / 20);
    CHECK(score.count_error <= 0.05 * static_cast<double>(std::max(1L, score.counted)));
    if (score.first_there_s <= 0) continue;
    delays += score.first_said_s - score.first_there_s;
    ++with_people;
  }
  CHECK(delays / with_people <= 1);
}

TEST_CASE("what holds of an array of 32x24 holds of one of 8x8 over a bed, and of a bolometer") {
  for (const auto& [sensor, name] : {std::pair{thermal_scene::grid_eye(), "comes-and-goes"},
                                     {thermal_scene::grid_eye(), "warm-chair"},
                                     {thermal_scene::bolometer(), "comes-and-goes"}}) {
    for (thermal_scene::Scene scene : thermal_scene::scenes(sensor)) {
      if (scene.name != name) continue;
      scene.seconds = std::min(scene.seconds, sensor.width > 100 ? 60.0 : 1500.0);
      INFO(scene.name << " at " << sensor.width << "x" << sensor.height);
      const Score score = watch(scene, 3);
      CHECK(score.recall() >= 0.95);
      CHECK(score.longest_absence_s <= 5);
    }
  }
}

}  // namespace kanhu::models
