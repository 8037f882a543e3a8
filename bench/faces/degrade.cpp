// SPDX-License-Identifier: MIT
#include "bench/faces/degrade.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "bench/faces/h264.hpp"

namespace kanhu::bench {
namespace {

constexpr double kNightGamma = 1.5;
constexpr double kNightLuma = 25;
constexpr double kElectronsPerLevel = 4;
constexpr double kReadNoise = 3;  // levels
constexpr double kTurnRadians = 30 * std::numbers::pi / 180;

std::uint8_t level(double value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)); }

Scene half(const Scene& scene) {
  const Picture& from = scene.picture;
  Scene small{Picture(std::max(1, from.width() / 2), std::max(1, from.height() / 2), from.channels()), scene.faces};
  const int channels = from.channels();
  for (int y = 0; y < small.picture.height(); ++y) {
    const std::uint8_t *upper = from.row(std::min(2 * y, from.height() - 1)), *lower = from.row(std::min(2 * y + 1, from.height() - 1));
    for (int x = 0; x < small.picture.width(); ++x) {
      for (int c = 0; c < channels; ++c) {
        const int left = 2 * x * channels + c, right = std::min(2 * x + 1, from.width() - 1) * channels + c;
        small.picture.row(y)[x * channels + c] =
            static_cast<std::uint8_t>((upper[left] + upper[right] + lower[left] + lower[right] + 2) / 4);
      }
    }
  }
  for (Label& face : small.faces) {
    for (double* number : {&face.left, &face.top, &face.width, &face.height}) *number /= 2;
    if (face.eyes) {
      for (Point* eye : {&face.eyes->right, &face.eyes->left}) *eye = {eye->x / 2, eye->y / 2};
    }
  }
  return small;
}

Scene night(const Scene& scene, std::uint64_t seed) {
  Scene dark = scene;
  Picture& picture = dark.picture;
  std::array<double, 256> curve{};
  for (std::size_t i = 0; i < curve.size(); ++i) curve[i] = 255 * std::pow(static_cast<double>(i) / 255, kNightGamma);
  for (int y = 0; y < picture.height(); ++y) {
    for (std::size_t x = 0; x < picture.stride(); ++x) picture.row(y)[x] = level(curve[picture.row(y)[x]]);
  }
  const double gain = std::min(1.0, kNightLuma / std::max(mean_luma(picture), 1.0));
  Noise noise(seed);
  for (int y = 0; y < picture.height(); ++y) {
    const std::uint8_t* from = scene.picture.row(y);
    for (std::size_t x = 0; x < picture.stride(); ++x) {
      const double clean = gain * curve[from[x]];
      picture.row(y)[x] = level(clean + noise.normal() * std::sqrt(clean / kElectronsPerLevel + kReadNoise * kReadNoise));
    }
  }
  return dark;
}

// About the middles of the picture before and after.
struct Turn {
  double cosine = 1, sine = 0;
  Point before, after;

  Point forward(Point p) const {
    const double x = p.x - before.x, y = p.y - before.y;
    return {after.x + cosine * x - sine * y, after.y + sine * x + cosine * y};
  }
  Point back(double to_x, double to_y) const {
    const double x = to_x - after.x, y = to_y - after.y;
    return {before.x + cosine * x + sine * y, before.y - sine * x + cosine * y};
  }
};

void draw_turned(const Picture& from, Picture& to, const Turn& turn) {
  const int channels = from.channels();
  for (int y = 0; y < to.height(); ++y) {
    for (int x = 0; x < to.width(); ++x) {
      const Point source = turn.back(x + 0.5, y + 0.5);
      const double sx = source.x - 0.5, sy = source.y - 0.5;
      if (sx < 0 || sy < 0 || sx > from.width() - 1 || sy > from.height() - 1) continue;
      const int left = static_cast<int>(sx), top = static_cast<int>(sy);
      const int right = std::min(left + 1, from.width() - 1), bottom = std::min(top + 1, from.height() - 1);
      const double wx = sx - left, wy = sy - top;
      for (int c = 0; c < channels; ++c) {
        const double upper = (1 - wx) * from.row(top)[left * channels + c] + wx * from.row(top)[right * channels + c];
        const double lower = (1 - wx) * from.row(bottom)[left * channels + c] + wx * from.row(bottom)[right * channels + c];
        to.row(y)[x * channels + c] = level((1 - wy) * upper + wy * lower);
      }
    }
  }
}

Scene turned(const Scene& scene, bool clockwise) {
  const Picture& from = scene.picture;
  Turn turn;
  turn.cosine = std::cos(kTurnRadians);
  turn.sine = clockwise ? std::sin(kTurnRadians) : -std::sin(kTurnRadians);
  const double across = std::abs(turn.sine);
  const int width = static_cast<int>(std::ceil(turn.cosine * from.width() + across * from.height()));
  const int height = static_cast<int>(std::ceil(across * from.width() + turn.cosine * from.height()));
  turn.before = {from.width() / 2.0, from.height() / 2.0};
  turn.after = {width / 2.0, height / 2.0};
  Scene result{Picture(width, height, from.channels(), level(mean_luma(from))), scene.faces};
  draw_turned(from, result.picture, turn);
  for (Label& face : result.faces) {
    const Point middle = turn.forward({face.left + face.width / 2, face.top + face.height / 2});
    face.left = middle.x - face.width / 2;
    face.top = middle.y - face.height / 2;
    if (face.eyes) face.eyes = Eyes{turn.forward(face.eyes->right), turn.forward(face.eyes->left)};
  }
  return result;
}

}  // namespace

const char* to_string(Degradation degradation) {
  switch (degradation) {
    case Degradation::kHalf:
      return "half";
    case Degradation::kNight:
      return "night";
    case Degradation::kH264:
      return "h264";
    case Degradation::kTurn:
      return "turn";
    case Degradation::kNone:
      break;
  }
  return "none";
}

const char* description_of(Degradation degradation) {
  switch (degradation) {
    case Degradation::kHalf:
      return "half size, by the mean of 2x2 pixels";
    case Degradation::kNight:
      return "gamma 1.5, gain to a mean luma of 25, shot noise at 4 electrons a level, read noise of 3 levels";
    case Degradation::kH264:
      return "last picture of 1 s at 25/s, panning by 1 px a picture, noise of 2 levels, x264 at 300 kb/s";
    case Degradation::kTurn:
      return "30 degrees in the plane of the picture, either way";
    case Degradation::kNone:
      break;
  }
  return "as it is";
}

Result<Scene> degrade(const Scene& scene, Degradation degradation, std::uint64_t seed) {
  switch (degradation) {
    case Degradation::kHalf:
      return half(scene);
    case Degradation::kNight:
      return night(scene, seed);
    case Degradation::kTurn:
      return turned(scene, (seed & 1) == 0);
    case Degradation::kH264: {
      auto picture = through_h264(scene.picture, seed);
      if (!picture) return tl::unexpected(picture.error());
      return Scene{std::move(*picture), scene.faces};
    }
    case Degradation::kNone:
      break;
  }
  return scene;
}

std::uint64_t seed_of(const std::string& name) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::uint64_t Noise::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double Noise::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

double Noise::normal() {
  if (has_kept_) {
    has_kept_ = false;
    return kept_;
  }
  double x = 0, y = 0, square = 0;
  do {
    x = 2 * uniform() - 1;
    y = 2 * uniform() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  kept_ = y * factor;
  has_kept_ = true;
  return x * factor;
}

}  // namespace kanhu::bench
