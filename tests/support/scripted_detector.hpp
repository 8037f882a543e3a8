// SPDX-License-Identifier: MIT
// A detector that finds what it is told, pictures made of numbers, and a sink that remembers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "media/frame.hpp"
#include "models/detector.hpp"
#include "pipelines/observation.hpp"

namespace kanhu::test {

inline MediaTime media(std::int64_t milliseconds) { return MediaTime(std::chrono::milliseconds(milliseconds)); }
inline WallTime wall_at(std::int64_t milliseconds) {
  return wall_from_microseconds(1'790'000'000'000'000) + std::chrono::milliseconds(milliseconds);
}

inline Detection detection(double x, double y, double width = 0.1, double height = 0.2, double score = 0.9, std::string label = "person") {
  return Detection{std::move(label), score, Box{x, y, width, height}, {}};
}

// Answers `script(image, time)`. Thread: as the script allows.
class ScriptedDetector final : public models::Detector {
 public:
  using Script = std::function<models::DetectionResult(const ImageView&, MediaTime)>;
  explicit ScriptedDetector(Script script) : script_(std::move(script)) {}
  const models::DetectorInfo& info() const override { return info_; }
  std::unique_ptr<models::DetectorState> make_state() const override { return std::make_unique<models::DetectorState>(); }
  models::DetectionResult detect(const ImageView& image, MediaTime time, models::DetectorState&) override { return script_(image, time); }

 private:
  models::DetectorInfo info_{"scripted", "person", std::string(64, 'd')};
  Script script_;
};

// A grey picture of its own memory; `pixel(x, y)` gives its luma.
inline Frame grey_frame(const std::string& source, const std::string& run, std::int64_t at_ms,
                        const std::function<std::uint8_t(int, int)>& pixel, int width = 128, int height = 72) {
  auto bytes = std::make_shared<std::vector<std::uint8_t>>();
  bytes->reserve(static_cast<std::size_t>(width * height));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) bytes->push_back(pixel(x, y));
  ImageView view;
  view.format = PixelFormat::kGray8;
  view.width = width;
  view.height = height;
  view.planes[0] = {bytes->data(), width};
  CaptureTime captured;
  captured.arrival = wall_at(at_ms);
  return Frame(source, run, 0, media(at_ms), captured, MonoTime(std::chrono::milliseconds(at_ms)), view, bytes);
}

// Sensor noise that depends on time and place only: levels around `mean`, at most 4 away.
inline std::function<std::uint8_t(int, int)> noise(std::int64_t seed, int mean = 100) {
  return [=](int x, int y) {
    std::uint64_t h = static_cast<std::uint64_t>(seed) * 0x9E3779B97F4A7C15ull + static_cast<std::uint64_t>(y * 4099 + x);
    h = (h ^ (h >> 31)) * 0xBF58476D1CE4E5B9ull;
    h ^= h >> 29;
    return static_cast<std::uint8_t>(mean - 4 + static_cast<int>(h % 9));
  };
}

// Remembers everything in order. Thread: any.
class ObservationCollector final : public ObservationSink {
 public:
  void observe(Observation observation) override {
    std::scoped_lock lock(mutex_);
    all_.push_back(std::move(observation));
  }
  std::vector<Observation> all() const {
    std::scoped_lock lock(mutex_);
    return all_;
  }
  template <typename Body>
  std::vector<Body> of() const {
    std::scoped_lock lock(mutex_);
    std::vector<Body> bodies;
    for (const Observation& observation : all_)
      if (const auto* body = std::get_if<Body>(&observation.body)) bodies.push_back(*body);
    return bodies;
  }
  void clear() {
    std::scoped_lock lock(mutex_);
    all_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Observation> all_;
};

}  // namespace kanhu::test
