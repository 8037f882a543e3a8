// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/support/thermal_scene/scene.hpp"

namespace kanhu::thermal_scene {
namespace {

constexpr int kSupersampling = 3;  // a side; a pixel averages over its area

// Splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the same numbers everywhere.
double uniform(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

double covered(const Body& body, double x, double y) {
  const double u = (x - body.x_m) / body.half_width_m, v = (y - body.y_m) / body.half_height_m;
  const double distance = std::sqrt(u * u + v * v);
  return body.cover * std::clamp((1 - distance) / std::max(body.edge, 1e-3) + 0.5, 0.0, 1.0);
}

// Above the ambient temperature, in the fine grid.
std::vector<double> furniture_of(const Scene& scene) {
  const Sensor& sensor = scene.sensor;
  const int width = sensor.width * kSupersampling, height = sensor.height * kSupersampling;
  const double step = sensor.pixel_pitch_m() / kSupersampling;
  std::vector<double> fine(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), 0);
  for (int row = 0; scene.furniture && row < height; ++row) {
    for (int column = 0; column < width; ++column)
      fine[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)] =
          scene.furniture((column + 0.5) * step, (row + 0.5) * step);
  }
  return fine;
}

std::vector<double> heat_of(const Scene& scene, const std::vector<double>& furniture, const Moment& now) {
  const Sensor& sensor = scene.sensor;
  const int width = sensor.width * kSupersampling, height = sensor.height * kSupersampling;
  const double step = sensor.pixel_pitch_m() / kSupersampling;
  std::vector<double> fine = furniture;
  for (double& heat : fine) heat += now.ambient_c;
  for (const Body& body : now.bodies) {
    const double reach_x = body.half_width_m * (1 + body.edge), reach_y = body.half_height_m * (1 + body.edge);
    const int left = std::max(0, static_cast<int>((body.x_m - reach_x) / step)),
              right = std::min(width - 1, static_cast<int>((body.x_m + reach_x) / step));
    const int top = std::max(0, static_cast<int>((body.y_m - reach_y) / step)),
              bottom = std::min(height - 1, static_cast<int>((body.y_m + reach_y) / step));
    for (int row = top; row <= bottom; ++row) {
      for (int column = left; column <= right; ++column) {
        double& heat = fine[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)];
        heat += covered(body, (column + 0.5) * step, (row + 0.5) * step) * (body.temperature_c - heat);
      }
    }
  }
  std::vector<double> pixels(static_cast<std::size_t>(sensor.width) * static_cast<std::size_t>(sensor.height), 0);
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      pixels[static_cast<std::size_t>(row / kSupersampling) * static_cast<std::size_t>(sensor.width) +
             static_cast<std::size_t>(column / kSupersampling)] +=
          fine[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)] /
          (kSupersampling * kSupersampling);
    }
  }
  return pixels;
}

// Separable Gaussian, edges repeated.
void spread(std::vector<double>& pixels, int width, int height, double sigma) {
  if (sigma <= 0) return;
  const int reach = std::max(1, static_cast<int>(std::ceil(3 * sigma)));
  std::vector<double> weights;
  double sum = 0;
  for (int i = -reach; i <= reach; ++i) {
    weights.push_back(std::exp(-0.5 * (i / sigma) * (i / sigma)));
    sum += weights.back();
  }
  const auto pass = [&](bool along_rows) {
    std::vector<double> result(pixels.size(), 0);
    for (int row = 0; row < height; ++row) {
      for (int column = 0; column < width; ++column) {
        double value = 0;
        for (int i = -reach; i <= reach; ++i) {
          const int r = along_rows ? row : std::clamp(row + i, 0, height - 1),
                    c = along_rows ? std::clamp(column + i, 0, width - 1) : column;
          value += weights[static_cast<std::size_t>(i + reach)] / sum * pixels[static_cast<std::size_t>(r * width + c)];
        }
        result[static_cast<std::size_t>(row * width + column)] = value;
      }
    }
    pixels.swap(result);
  };
  pass(true);
  pass(false);
}

}  // namespace

Sensor grid_eye() {
  Sensor sensor;
  sensor.width = sensor.height = 8;
  sensor.frames_per_second = 10;
  sensor.room_width_m = 2.5;
  sensor.noise_k = 0.2;
  sensor.fixed_pattern_k = 0.3;
  sensor.resolution_k = 0.25;
  return sensor;
}

Sensor mlx90640() { return {}; }

Sensor bolometer() {
  Sensor sensor;
  sensor.width = 160;
  sensor.height = 120;
  sensor.frames_per_second = 8.7;
  sensor.noise_k = 0.05;
  sensor.fixed_pattern_k = 0.05;
  sensor.spread_px = 0.7;
  return sensor;
}

Sensor bolometer320() {
  Sensor sensor = bolometer();
  sensor.width = 320;
  sensor.height = 240;
  return sensor;
}

Camera::Camera(const Scene& scene, std::uint64_t seed)
    : scene_(&scene), state_(seed * 0x9e3779b97f4a7c15ULL + 1), furniture_(furniture_of(scene)) {
  const auto count = static_cast<std::size_t>(scene.sensor.width) * static_cast<std::size_t>(scene.sensor.height);
  for (std::size_t i = 0; i < count; ++i) pattern_.push_back(scene.sensor.fixed_pattern_k * normal());
  wander_ = scene.sensor.wander_k * normal();
}

double Camera::normal() {
  if (spare_) {
    const double value = *spare_;
    spare_.reset();
    return value;
  }
  const double radius = std::sqrt(-2 * std::log(1 - uniform(state_))), angle = 2 * std::numbers::pi * uniform(state_);
  spare_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

std::optional<Camera::Picture> Camera::next() {
  const Sensor& sensor = scene_->sensor;
  const double seconds = static_cast<double>(frame_) / sensor.frames_per_second;
  if (seconds >= scene_->seconds) return std::nullopt;
  ++frame_;
  Picture picture{seconds, {}, scene_->at(seconds)};
  // A first-order process with a time constant of two minutes.
  const double keep = std::exp(-1 / (120 * sensor.frames_per_second));
  wander_ = keep * wander_ + std::sqrt(1 - keep * keep) * sensor.wander_k * normal();
  if (picture.truth.shutter && !last_.empty()) {
    picture.centi_c = last_;
    return picture;
  }
  auto heat = heat_of(*scene_, furniture_, picture.truth);
  spread(heat, sensor.width, sensor.height, sensor.spread_px);
  for (std::size_t i = 0; i < heat.size(); ++i) {
    double value = heat[i] + pattern_[i] + wander_ + picture.truth.level_k + sensor.noise_k * normal();
    value = std::round(value / sensor.resolution_k) * sensor.resolution_k;
    picture.centi_c.push_back(static_cast<std::int16_t>(std::clamp(std::lround(100 * value), -32767L, 32767L)));
  }
  for (const int dead : sensor.dead) {
    if (dead >= 0 && static_cast<std::size_t>(dead) < picture.centi_c.size()) picture.centi_c[static_cast<std::size_t>(dead)] = 8500;
  }
  last_ = picture.centi_c;
  return picture;
}

}  // namespace kanhu::thermal_scene
