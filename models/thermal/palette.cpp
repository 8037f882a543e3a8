// SPDX-License-Identifier: MIT
#include "models/thermal/palette.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace kanhu::models {
namespace {

constexpr int kColourStep = 4;                  // levels of one entry of the table
constexpr int kColourSide = 256 / kColourStep;  // entries a channel
constexpr double kForeign = 60;                 // levels away from the curve
constexpr double kUnlike = 45;                  // mean distance of a picture that was not painted with this palette
constexpr double kMargin = 5;                   // levels by which another palette must be nearer
constexpr double kCompareEvery_s = 0.2;         // palettes are compared
constexpr double kFarthest = 80;                // counted of one place: text must not decide
constexpr std::size_t kPlacesCompared = 200;
constexpr std::size_t kLeastTop = 4;  // coloured places in grey, that may be the warmest of red hot or green hot
constexpr double kLikeTop = 32;       // levels

using Rgb = std::array<float, 3>;

struct Curve {
  ThermalPalette palette;
  std::vector<Rgb> colours;  // at equal distances from cold to warm
};

// As sqrt(t), t^3, sin(2 pi t): the black-violet-red-yellow of plotting programs, which cameras offer as well.
std::vector<Rgb> second_ironbow() {
  std::vector<Rgb> colours;
  for (int i = 0; i <= 16; ++i) {
    const double t = i / 16.0;
    colours.push_back({static_cast<float>(255 * std::sqrt(t)), static_cast<float>(255 * t * t * t),
                       static_cast<float>(255 * std::max(0.0, std::sin(2 * CV_PI * t)))});
  }
  return colours;
}

// Grey up to four fifths, the warmest fifth in colour.
std::vector<Rgb> grey_with_top(const Rgb& low, const Rgb& high) {
  std::vector<Rgb> colours;
  for (int i = 0; i <= 8; ++i)
    colours.push_back({26.F * static_cast<float>(i), 26.F * static_cast<float>(i), 26.F * static_cast<float>(i)});
  colours.push_back(low);
  colours.push_back(high);
  return colours;
}

// The order decides between equals. Makers paint what they call ironbow in two ways; each is a curve of its own, so that
// neighbouring levels are never read by different ones.
const std::vector<Curve>& curves() {
  using enum ThermalPalette;
  static const std::vector<Curve> all = {
      {kWhiteHot, {{0, 0, 0}, {255, 255, 255}}},
      {kIronbow,
       {{0, 0, 10},
        {40, 0, 120},
        {120, 0, 155},
        {185, 20, 130},
        {220, 60, 50},
        {240, 110, 10},
        {252, 165, 5},
        {255, 220, 60},
        {255, 255, 240}}},
      {kIronbow, second_ironbow()},
      {kRainbow, {{0, 0, 120}, {0, 0, 255}, {0, 128, 255}, {0, 255, 255}, {0, 255, 0}, {255, 255, 0}, {255, 128, 0}, {255, 0, 0}}},
      {kRain, {{0, 0, 0}, {60, 0, 130}, {0, 0, 255}, {0, 200, 220}, {0, 200, 40}, {240, 240, 0}, {250, 60, 0}, {255, 255, 255}}},
      {kFusion,
       {{20, 10, 70}, {70, 20, 140}, {60, 110, 170}, {110, 170, 110}, {220, 190, 60}, {250, 140, 40}, {240, 60, 40}, {255, 220, 210}}},
      {kLava, {{10, 20, 40}, {30, 60, 90}, {60, 40, 100}, {150, 20, 50}, {220, 40, 20}, {250, 120, 20}, {255, 210, 60}, {255, 255, 220}}},
      {kRedHot, grey_with_top({220, 60, 40}, {255, 0, 0})},
      {kGreenHot, grey_with_top({60, 200, 60}, {0, 255, 0})},
      {kSepia, {{0, 0, 0}, {70, 40, 15}, {140, 90, 45}, {205, 155, 100}, {255, 235, 205}}},
      {kIcefire,
       {{220, 250, 255}, {80, 190, 255}, {20, 70, 220}, {10, 10, 40}, {130, 10, 20}, {240, 50, 10}, {255, 180, 30}, {255, 250, 200}}},
  };
  return all;
}

float away_squared(const Rgb& a, const Rgb& b) {
  return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]);
}

// Nearest point of the curve: where along it (0..255) and how far from the colour.
std::pair<float, float> project(const std::vector<Rgb>& curve, const Rgb& colour) {
  float nearest = 1e9F, where = 0;
  for (std::size_t i = 0; i + 1 < curve.size(); ++i) {
    const Rgb &a = curve[i], &b = curve[i + 1];
    float dot = 0, length = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      dot += (colour[c] - a[c]) * (b[c] - a[c]);
      length += (b[c] - a[c]) * (b[c] - a[c]);
    }
    const float share = std::clamp(dot / std::max(length, 1.F), 0.F, 1.F);
    const Rgb at{a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])};
    const float away = away_squared(at, colour);
    if (away >= nearest) continue;
    nearest = away;
    where = 255 * (static_cast<float>(i) + share) / static_cast<float>(curve.size() - 1);
  }
  return {where, std::sqrt(nearest)};
}

Rgb colour_at(const std::uint8_t* rgb) { return {static_cast<float>(rgb[0]), static_cast<float>(rgb[1]), static_cast<float>(rgb[2])}; }

double mean_away(const Curve& curve, const std::vector<Rgb>& colours) {
  double sum = 0;
  for (const Rgb& colour : colours) sum += std::min<double>(kFarthest, static_cast<double>(project(curve.colours, colour).second));
  return sum / static_cast<double>(std::max<std::size_t>(1, colours.size()));
}

int colourfulness(const std::uint8_t* rgb) {
  const auto [least, most] = std::minmax({rgb[0], rgb[1], rgb[2]});
  return most - least;
}

// A grey picture whose few colours are those that red hot or green hot have for the warmest places, and no text.
std::optional<std::size_t> coloured_top(const cv::Mat& rgb) {
  std::vector<Rgb> colours;
  for (int row = 0; row < rgb.rows; ++row) {
    const auto* at = rgb.ptr<std::uint8_t>(row);
    for (int column = 0; column < rgb.cols; ++column, at += 3)
      if (colourfulness(at) > kForeign) colours.push_back(colour_at(at));
  }
  if (colours.size() < kLeastTop) return std::nullopt;
  for (std::size_t i = 0; i < curves().size(); ++i) {
    const Curve& curve = curves()[i];
    if (curve.palette != ThermalPalette::kRedHot && curve.palette != ThermalPalette::kGreenHot) continue;
    const std::vector<Rgb> top(curve.colours.end() - 2, curve.colours.end());
    if (mean_away({curve.palette, top}, colours) < kLikeTop) return i;
  }
  return std::nullopt;
}

bool is_grey_palette(ThermalPalette palette) { return palette == ThermalPalette::kWhiteHot || palette == ThermalPalette::kBlackHot; }

}  // namespace

ThermalPaletteReader::ThermalPaletteReader(ThermalPalette configured) : configured_(configured != ThermalPalette::kAuto) {
  if (!configured_) return;
  const ThermalPalette wanted = is_grey_palette(configured) ? ThermalPalette::kWhiteHot : configured;
  const auto& all = curves();
  change_to(static_cast<std::size_t>(std::find_if(all.begin(), all.end(), [&](const Curve& curve) { return curve.palette == wanted; }) -
                                     all.begin()));
}

void ThermalPaletteReader::change_to(std::size_t curve) {
  curve_ = curve;
  palette_ = curves()[curve].palette;
  candidate_.reset();
  known_.assign(is_grey() ? 0 : static_cast<std::size_t>(kColourSide) * kColourSide * kColourSide, {});
}

ThermalPaletteReader::Place ThermalPaletteReader::look_up(const std::uint8_t* rgb) {
  Place& place =
      known_[(static_cast<std::size_t>(rgb[0] / kColourStep) * kColourSide + rgb[1] / kColourStep) * kColourSide + rgb[2] / kColourStep];
  if (place.warmth >= 0) return place;
  Rgb colour = colour_at(rgb);
  for (float& channel : colour) channel = std::floor(channel / kColourStep) * kColourStep + (kColourStep - 1) / 2.F;
  const auto [where, away] = project(curves()[curve_].colours, colour);
  return place = {where, away};
}

void ThermalPaletteReader::recognise(const cv::Mat& rgb, double now) {
  if (std::abs(now - last_recognised_) < kCompareEvery_s) return;
  last_recognised_ = now;
  std::vector<Rgb> colours;
  const std::size_t step = std::max<std::size_t>(1, rgb.total() / kPlacesCompared) | 1U;
  for (std::size_t i = step / 2; i < rgb.total(); i += step)
    colours.push_back(colour_at(rgb.ptr(static_cast<int>(i) / rgb.cols) + 3 * (static_cast<int>(i) % rgb.cols)));
  double best = 1e9, current = 1e9;
  std::size_t found = 0;
  for (std::size_t i = 0; i < curves().size(); ++i) {
    if (configured_ && curves()[i].palette != *palette_) continue;
    const double away = mean_away(curves()[i], colours);
    if (palette_ && i == curve_) current = away;
    if (away < best - 0.5) best = away, found = i;
  }
  if (best > kUnlike) {
    if (current > kUnlike && !configured_) palette_.reset();
    return;
  }
  if (!palette_) change_to(found);
  if (is_grey() && !configured_)
    if (const auto top = coloured_top(rgb)) return change_to(*top);
  if (found == curve_ || best > current - kMargin) {
    candidate_.reset();
  } else if (candidate_ && *candidate_ == found) {
    change_to(found);
  } else {
    candidate_ = found;
  }
}

bool ThermalPaletteReader::read(const cv::Mat& rgb, double now, cv::Mat& warmth, cv::Mat& foreign) {
  recognise(rgb, now);
  if (!palette_ || candidate_) return false;
  warmth.create(rgb.size(), CV_32F);
  foreign.create(rgb.size(), CV_8U);
  std::size_t odd = 0;
  for (int row = 0; row < rgb.rows; ++row) {
    const auto* from = rgb.ptr<std::uint8_t>(row);
    auto* to = warmth.ptr<float>(row);
    auto* away = foreign.ptr<std::uint8_t>(row);
    for (int column = 0; column < rgb.cols; ++column, from += 3) {
      Place place{from[1] + 0.F, 0};
      if (is_grey()) {
        place.away = static_cast<float>(colourfulness(from));
      } else {
        place = look_up(from);
      }
      to[column] = place.warmth;
      away[column] = static_cast<double>(place.away) > kForeign ? 255 : 0;
      odd += away[column] != 0 ? 1U : 0U;
    }
  }
  return 3 * odd < rgb.total();  // most of it painted otherwise: the palette is changing
}

}  // namespace kanhu::models
