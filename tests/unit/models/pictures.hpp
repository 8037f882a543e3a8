// SPDX-License-Identifier: MIT
// Pictures in memory in every format a detector takes, and where to find weights and photographs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "media/frame.hpp"
#include "models/registry.hpp"
#include "models/weights.hpp"

namespace kanhu::test {

// Owns its pixels; `view()` is valid while it lives. Strides are wider than the rows on purpose.
class Picture {
 public:
  Picture(PixelFormat format, int width, int height, std::uint8_t fill = 128) : format_(format), width_(width), height_(height) {
    for (int p = 0; p < plane_count(format); ++p) {
      const int stride = plane_row_bytes(format, p, width) + 5;
      planes_.emplace_back(static_cast<std::size_t>(stride) * static_cast<std::size_t>(plane_rows(format, p, height)), p == 0 ? fill : 128);
      strides_.push_back(stride);
    }
  }

  std::uint8_t* row(int plane, int y) {
    return planes_[static_cast<std::size_t>(plane)].data() + static_cast<std::ptrdiff_t>(y) * stride(plane);
  }
  int stride(int plane) const { return strides_[static_cast<std::size_t>(plane)]; }

  ImageView view() const {
    ImageView view;
    view.format = format_;
    view.width = width_;
    view.height = height_;
    for (std::size_t p = 0; p < planes_.size(); ++p) view.planes[p] = {planes_[p].data(), strides_[p]};
    return view;
  }

  int width() const { return width_; }
  int height() const { return height_; }

  // Overwrites every plane, as a decoder does that reuses its buffers.
  void scribble(std::uint8_t value) {
    for (auto& plane : planes_) plane.assign(plane.size(), value);
  }

 private:
  PixelFormat format_;
  int width_, height_;
  std::vector<std::vector<std::uint8_t>> planes_;
  std::vector<int> strides_;
};

// A cheap, good enough, repeatable noise: 32 bits from a counter (the finaliser of MurmurHash3).
inline std::uint32_t scrambled(std::uint32_t value) {
  value ^= value >> 16;
  value *= 0x85ebca6b;
  value ^= value >> 13;
  value *= 0xc2b2ae35;
  return value ^ (value >> 16);
}

inline std::vector<std::string> weights_path() {
  auto path = models::model_search_path("");
  path.emplace_back(std::string(KANHU_SOURCE_DIR) + "/../shared/models");
  return path;
}

inline std::filesystem::path shared_data() {
  const char* folder = std::getenv("KANHU_TEST_DATA");
  return folder != nullptr ? std::filesystem::path(folder) : std::filesystem::path(KANHU_SOURCE_DIR) / "../shared/data";
}

// The row's own detector, or null when its weights are not on this machine.
inline std::unique_ptr<models::Detector> detector_or_null(const std::string& name, double smallest_px = 20) {
  DetectorConfig config;
  config.name = name;
  config.smallest_px = smallest_px;
  const auto choice = models::choose_detector(config, weights_path());
  if (!choice || choice->name != name) return nullptr;
  auto detector = models::make_detector(*choice, config);
  return detector ? std::move(*detector) : nullptr;
}

}  // namespace kanhu::test
