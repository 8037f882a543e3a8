// SPDX-License-Identifier: MIT
#include "tests/support/simulator/scene.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "tests/support/simulator/portrait.hpp"
#include "tests/support/simulator/room.hpp"

namespace kanhu::simulator {
namespace {

constexpr int kSensorNoise = 3;         // sigma 1.25 of luma: a small sensor in a lit room has 1 to 2
constexpr int kNightNoise = 14;         // sigma 5.7: a cheap sensor at full gain
constexpr double kFaceShare = 0.30;     // of the picture's height: 108 px at 360, 216 px at 720
constexpr double kWalkInSeconds = 1.5;  // from the edge to the middle of the picture

double smooth(double x) {
  x = std::clamp(x, 0.0, 1.0);
  return x * x * (3 - 2 * x);
}

// Horizontal place of a visitor as a fraction of the width: in fast, slowly through the middle, out fast.
double walk_x(const Visit& visit) {
  constexpr double kEnter = -0.18, kFirst = 0.34, kLast = 0.64, kLeave = 1.18;
  if (visit.since_seconds < kWalkInSeconds) return kEnter + (kFirst - kEnter) * smooth(visit.since_seconds / kWalkInSeconds);
  if (visit.left_seconds < kWalkInSeconds) return kLast + (kLeave - kLast) * smooth(1 - visit.left_seconds / kWalkInSeconds);
  const double stay = visit.since_seconds + visit.left_seconds - 2 * kWalkInSeconds;
  if (visit.left_seconds > 1e6) return 0.46 - 0.12 * std::cos(0.35 * (visit.since_seconds - kWalkInSeconds));
  return kFirst + (kLast - kFirst) * (visit.since_seconds - kWalkInSeconds) / std::max(stay, 0.1);
}

}  // namespace

Visit scheduled_visit(const CameraSpec& spec, double seconds) {
  const double local = seconds - spec.offset_seconds;
  if (local < 0) return {};
  const double number = std::floor(local / spec.period_seconds);
  const double into = local - number * spec.period_seconds;
  if (into >= spec.visible_seconds) return {};
  return Visit{true, into, spec.visible_seconds - into, static_cast<int>(number)};
}

Scene::Scene(SceneKind kind, Size size, std::shared_ptr<const std::vector<CutOut>> people, std::uint32_t seed)
    : kind_(kind), size_(size), people_(std::move(people)), seed_(seed) {
  background_ = kind == SceneKind::kThermal ? thermal_room(size.width, size.height, seed) : visible_room(size.width, size.height, seed);
  if (kind == SceneKind::kLamp) {
    lit_ = background_;
    add_lamp(lit_);
  }
  if (kind == SceneKind::kThermal) {
    standing_ = warm_person(size.height * 4 / 5, false);
    sitting_ = warm_person(size.height * 4 / 5, true);
  }
}

void Scene::paint(double seconds, const Visit& visit, std::uint32_t frame_number, Picture& into) {
  const auto step = static_cast<std::uint32_t>(seconds / 4);
  into = kind_ == SceneKind::kLamp && step % 2 == 1 ? lit_ : background_;
  int noise = kSensorNoise;
  switch (kind_) {
    case SceneKind::kWalk:
      if (visit.present) place_walker(visit, 0, into);
      break;
    case SceneKind::kCrowd:
      if (!visit.present) break;
      for (int i = 0; i < 4; ++i) {
        Visit one = visit;
        one.number = visit.number * 4 + i;
        place_walker(one, (i - 1.5) * 0.24, into);
      }
      break;
    case SceneKind::kThermal:
      if (visit.present) place_warm_person(visit, into);
      break;
    case SceneKind::kEmptyNoisy:
      noise = kNightNoise;
      break;
    case SceneKind::kIrCut: {
      // Every 8 s the filter moves: the picture flashes as the exposure catches up, then stays colourless and paler.
      const double phase = std::fmod(seconds, 16.0);
      const bool mono = phase >= 8;
      const double after = std::fmod(phase, 8.0);
      grade(into, (mono ? 1.15 : 1.0) * (1 + (mono ? 0.8 : -0.5) * std::exp(-after / 0.35)), mono ? 0.0 : 1.0);
      noise = mono ? 2 * kSensorNoise : kSensorNoise;
      break;
    }
    case SceneKind::kExposure: {
      constexpr std::array<double, 6> kGains = {1.0, 0.65, 1.35, 0.5, 1.0, 1.6};
      grade(into, kGains[step % kGains.size()], 1.0);
      break;
    }
    case SceneKind::kEmpty:
    case SceneKind::kLamp:
      break;
  }
  add_noise(into, noise, frame_number);
}

void Scene::paint_black(std::uint32_t frame_number, Picture& into) {
  std::fill(into.y.begin(), into.y.end(), std::uint8_t{17});
  std::fill(into.u.begin(), into.u.end(), std::uint8_t{128});
  std::fill(into.v.begin(), into.v.end(), std::uint8_t{128});
  add_noise(into, 1, frame_number);
}

const Sprite& Scene::sprite_of(std::size_t person) {
  const auto found = sprites_.find(person);
  if (found != sprites_.end()) return found->second;
  const double scale = kFaceShare * size_.height / kFaceWidth;
  const CutOut& portrait = (*people_)[person];
  const Sprite sprite(resized(portrait, static_cast<int>(portrait.width * scale), static_cast<int>(portrait.height * scale)));
  return sprites_.emplace(person, sprite).first->second;
}

void Scene::place_walker(const Visit& visit, double lane, Picture& into) {
  const std::size_t person = (static_cast<std::size_t>(visit.number) + seed_) % people_->size();
  const Sprite& sprite = sprite_of(person);
  const double scale = static_cast<double>(sprite.width) / kPortraitWidth;
  const double bob = 0.006 * std::sin(2 * std::numbers::pi * 1.1 * visit.since_seconds);
  const double x = (walk_x(visit) + lane) * size_.width;
  // The shoulders end below the lower edge, so that nobody floats.
  const double y = (0.50 + bob) * size_.height;
  lay_over(into, sprite, static_cast<int>(x - kFaceX * scale), static_cast<int>(y - kFaceY * scale));
}

void Scene::place_warm_person(const Visit& visit, Picture& into) {
  // In, to the seat in the middle, and sits there; stands up again just before leaving.
  const double x = visit.left_seconds > 1e6 || visit.left_seconds > kWalkInSeconds
                       ? -0.2 + 0.7 * smooth(visit.since_seconds / (2 * kWalkInSeconds))
                       : 0.5 + 0.7 * smooth(1 - visit.left_seconds / kWalkInSeconds);
  const bool sits = visit.since_seconds > 2 * kWalkInSeconds && visit.left_seconds > kWalkInSeconds + 0.5;
  const Sprite& sprite = sits ? sitting_ : standing_;
  // Nobody sits quite still: a slow sway of a few pixels.
  const double sway = 0.006 * std::sin(1.3 * visit.since_seconds);
  lay_over(into, sprite, static_cast<int>((x + sway) * size_.width) - sprite.width / 2, size_.height * 97 / 100 - sprite.height);
}

}  // namespace kanhu::simulator
