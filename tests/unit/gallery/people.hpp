// SPDX-License-Identifier: MIT
// People made of random numbers: each has a place of her own, her templates lie around it.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "gallery/people.hpp"

namespace kanhu::test {

inline constexpr int kDimension = 128;

inline std::vector<float> unit(std::vector<float> values) {
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * value;
  for (float& value : values) value = static_cast<float>(value / std::sqrt(square));
  return values;
}

inline std::vector<float> direction(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(kDimension);
  for (float& value : values) value = normal(random);
  return unit(values);
}

// `spread` 0: the place itself; 0.5: shots of one person are about as alike as real ones.
inline std::vector<float> shot_of(std::uint64_t person, std::uint64_t shot, float spread = 0.5f) {
  std::vector<float> values = direction(person);
  const std::vector<float> noise = direction(1'000'000 + person * 1000 + shot);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += spread * noise[i];
  return unit(values);
}

inline WallTime day(int number) { return WallTime(std::chrono::hours(24) * (20'000 + number)); }

inline gallery::Person person(std::uint64_t number, int templates = 5) {
  gallery::Person made;
  made.ref = fmt::format("{:a>26}", std::string(1, static_cast<char>('a' + number / 26 % 26)) + static_cast<char>('a' + number % 26));
  made.name = fmt::format("Name-{} 王小明", number);
  made.role = "resident";
  made.consent = {"nurse-li", day(0), "2026-01", day(365)};
  for (int i = 0; i < templates; ++i) {
    gallery::Template shot;
    shot.embedding = shot_of(number, static_cast<std::uint64_t>(i));
    shot.quality.inter_pupil_px = 80 + i;
    shot.quality.total = 0.5 + 0.05 * i;
    shot.taken = day(-1);
    made.templates.push_back(shot);
  }
  return made;
}

inline const gallery::Act kAct{"operator", day(1)};

inline gallery::Gallery gallery_of(std::uint64_t people, int templates = 5) {
  gallery::Gallery made;
  made.facility = "station-a";
  made.embedder = "dlib-resnet-29";
  made.embedder_digest = std::string(64, '7');
  made.dimension = kDimension;
  for (std::uint64_t i = 0; i < people; ++i) {
    const auto added = gallery::add_person(made, person(i, templates), kAct);
    if (!added) throw std::runtime_error(added.error().message);
  }
  return made;
}

}  // namespace kanhu::test
