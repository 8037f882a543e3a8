// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>

#include "models/thermal/relative.hpp"

namespace kanhu::models {

// The colour palettes of thermal cameras, and the way back from colour to warmth.
//
// A palette is a curve through colour space, given by a few colours at equal distances joined by straight lines; makers publish
// none, so these are approximations and a colour is taken for the nearest point of the curve (vector quantisation, as Linde, Buzo
// and Gray 1980, with the curve as its code book). A palette is recognised by how near all colours of the picture are to its curve.
// Thread: confined.
class ThermalPaletteReader {
 public:
  // kAuto: found out. Anything else is believed.
  explicit ThermalPaletteReader(ThermalPalette configured);

  // `rgb` (CV_8UC3) -> `warmth` (CV_32F, 0..255) and `foreign` (CV_8U, not zero where the colour is none of the palette: text,
  // frames). False while the palette is not known or has just changed; nothing is written then. A grey picture says its own grey.
  bool read(const cv::Mat& rgb, double now, cv::Mat& warmth, cv::Mat& foreign);

  bool is_grey() const { return palette_ && *palette_ == ThermalPalette::kWhiteHot; }
  bool is_grey_or_unknown() const { return !palette_ || is_grey(); }
  std::optional<ThermalPalette> palette() const { return palette_; }

 private:
  struct Place {
    float warmth = -1, away = 0;
  };
  Place look_up(const std::uint8_t* rgb);
  void recognise(const cv::Mat& rgb, double now);
  void change_to(std::size_t curve);

  bool configured_;
  std::optional<ThermalPalette> palette_;
  std::size_t curve_ = 0;  // of palette_
  std::optional<std::size_t> candidate_;
  double last_recognised_ = -1e9;
  std::vector<Place> known_;  // by colour in steps of four levels; filled as colours are met
};

}  // namespace kanhu::models
