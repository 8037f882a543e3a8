// SPDX-License-Identifier: MIT
// The whole suite of thermal scenes with their ground truth, in every sensor and seed at hand. Long scenes are cut where they only
// repeat themselves; KANHU_LONG_SCENES=1 plays all of them to the end.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/thermal/presence.hpp"
#include "models/thermal/relative.hpp"
#include "tests/support/thermal_scene/grey.hpp"
#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::models {
namespace {

struct Score {
  long frames = 0, right = 0, invented = 0, missed = 0, with_people = 0, unknown_without_reason = 0, elsewhere = 0;
  double longest_absence_s = 0;  // said while somebody was there
  double first_there_s = -1, first_said_s = -1;
  double count_error = 0, absent_since_s = -1;
  long counted = 0;

  void take(const ThermalResult& said, const thermal_scene::Moment& truth, double seconds);

  double recall() const { return with_people == 0 ? 1 : static_cast<double>(right) / static_cast<double>(right + missed); }
  double f1() const {
    const long wrong = invented + missed;
    return right + wrong == 0 ? 1 : 2.0 * static_cast<double>(right) / static_cast<double>(2 * right + wrong);
  }
};

void Score::take(const ThermalResult& said, const thermal_scene::Moment& truth, double seconds) {
  const bool there = truth.people > 0;
  const bool honest = truth.unknown_is_honest;
  ++frames;
  with_people += there ? 1 : 0;
  if (there && first_there_s < 0) first_there_s = seconds;
  if (said.state == Presence::kPresent) {
    if (there && first_said_s < 0) first_said_s = seconds;
    (there ? right : invented) += 1;
    if (there) {
      count_error += std::abs(static_cast<double>(said.people.size()) - truth.people) / truth.people;
      ++counted;
    }
  } else if (there && !(honest && said.state == Presence::kUnknown)) {
    ++missed;
  }
  if (!honest) {
    ++elsewhere;
    unknown_without_reason += said.state == Presence::kUnknown ? 1 : 0;
  }
  if (there && said.state == Presence::kAbsent) {
    if (absent_since_s < 0) absent_since_s = seconds;
    longest_absence_s = std::max(longest_absence_s, seconds - absent_since_s);
  } else {
    absent_since_s = -1;
  }
}

MediaTime at_second(double seconds) { return MediaTime(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9))); }

Score watch(const thermal_scene::Scene& scene, std::uint64_t seed) {
  ThermalPresenceOptions options;
  options.pixel_pitch_m = scene.sensor.pixel_pitch_m();
  ThermalPresence presence(options);
  thermal_scene::Camera camera(scene, seed);
  Score score;
  while (const auto picture = camera.next()) {
    const ThermalFrame frame{ThermalKind::kRadiometric, scene.sensor.width, scene.sensor.height, picture->centi_c, false, ""};
    score.take(presence.look(frame, at_second(picture->seconds)), picture->truth, picture->seconds);
  }
  return score;
}

Score watch(const thermal_scene::GreyScene& scene) {
  RelativeThermal relative;
  ThermalPresenceOptions options;
  options.pixel_pitch_m = scene.scene.sensor.room_width_m / 80;
  ThermalPresence presence(options);
  thermal_scene::GreyCamera camera(scene.scene, scene.look, 7);
  Score score;
  while (const auto picture = camera.next()) {
    const ThermalFrame frame = relative.convert(picture->view(), at_second(picture->seconds));
    score.take(presence.look(frame, at_second(picture->seconds)), picture->truth, picture->seconds);
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

// Eight bits, text and a coder between; what the camera does to its levels changes while somebody sits there.
TEST_CASE("whatever a camera does to its levels and colours, somebody is seen and nobody invented") {
#ifdef KANHU_SANITIZED
  const std::vector<std::string> names{"grey-palette-change"};
#else
  const std::vector<std::string> names{"grey-agc-step",
                                       "grey-black-hot",
                                       "grey-ironbow",
                                       "grey-rainbow",
                                       "grey-red-hot",
                                       "grey-palette-change",
                                       "grey-palette-to-black-hot",
                                       "grey-polarity-inversion"};
#endif
  for (const thermal_scene::GreyScene& scene : thermal_scene::grey_scenes()) {
    if (std::find(names.begin(), names.end(), scene.name) == names.end()) continue;
    INFO(scene.name << ": " << scene.about);
    const Score score = watch(scene);
    CHECK(score.with_people > 0);
    CHECK(score.f1() >= 0.98);
    CHECK(score.recall() >= 0.95);
    CHECK(score.longest_absence_s <= 5);
    CHECK(score.unknown_without_reason <= score.elsewhere / 20);
  }
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
