// SPDX-License-Identifier: MIT
#include "tests/support/thermal_scene/grey.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/support/thermal_scene/grey_text.hpp"

namespace kanhu::thermal_scene {
namespace {

using Rgb = std::array<double, 3>;

Rgb along(const std::vector<Rgb>& colours, double share) {
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(colours.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(place), colours.size() - 2);
  const double rest = place - static_cast<double>(i);
  Rgb out{};
  for (std::size_t c = 0; c < 3; ++c) out[c] = colours[i][c] + rest * (colours[i + 1][c] - colours[i][c]);
  return out;
}

// Not those of the detector: makers differ.
Rgb colour_of(Palette palette, double level) {
  const double share = level / 255;
  switch (palette) {
    case Palette::kIronbow:
      return along({{2, 0, 15}, {70, 0, 140}, {150, 5, 150}, {210, 45, 75}, {240, 120, 10}, {255, 190, 20}, {255, 250, 225}}, share);
    case Palette::kRainbow:
      return along({{10, 0, 140}, {0, 60, 255}, {0, 200, 250}, {20, 240, 60}, {240, 240, 10}, {250, 110, 0}, {240, 0, 0}}, share);
    case Palette::kRedHot:
      return share < 0.8 ? Rgb{260 * share, 260 * share, 260 * share} : along({{225, 70, 40}, {255, 10, 0}}, (share - 0.8) / 0.2);
    case Palette::kBlackHot:
      return {255 - level, 255 - level, 255 - level};
    case Palette::kWhiteHot:
      break;
  }
  return {level, level, level};
}

std::uint8_t byte(double value) { return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L)); }

// BT.601, limited range; chroma of each square of four pixels.
std::vector<std::uint8_t> to_i420(const std::vector<Rgb>& picture, int width, int height) {
  const auto w = static_cast<std::size_t>(width), h = static_cast<std::size_t>(height), cw = (w + 1) / 2, ch = (h + 1) / 2;
  std::vector<std::uint8_t> bytes(w * h + 2 * cw * ch);
  for (std::size_t i = 0; i < w * h; ++i) {
    const Rgb& c = picture[i];
    bytes[i] = byte(16 + (65.481 * c[0] + 128.553 * c[1] + 24.966 * c[2]) / 255);
  }
  for (std::size_t y = 0; y < ch; ++y) {
    for (std::size_t x = 0; x < cw; ++x) {
      Rgb c{};
      for (std::size_t k = 0; k < 4; ++k) {
        const Rgb& one = picture[std::min(2 * y + k / 2, h - 1) * w + std::min(2 * x + k % 2, w - 1)];
        for (std::size_t i = 0; i < 3; ++i) c[i] += one[i] / 4;
      }
      bytes[w * h + y * cw + x] = byte(128 + (-37.797 * c[0] - 74.203 * c[1] + 112 * c[2]) / 255);
      bytes[w * h + cw * ch + y * cw + x] = byte(128 + (112 * c[0] - 93.786 * c[1] - 18.214 * c[2]) / 255);
    }
  }
  return bytes;
}

}  // namespace

ImageView GreyPicture::view() const {
  ImageView view;
  view.format = format;
  view.width = width;
  view.height = height;
  view.planes[0] = {bytes.data(), width};
  if (format == PixelFormat::kI420) {
    const int cw = (width + 1) / 2, ch = (height + 1) / 2;
    view.planes[1] = {bytes.data() + static_cast<std::ptrdiff_t>(width) * height, cw};
    view.planes[2] = {view.planes[1].data + static_cast<std::ptrdiff_t>(cw) * ch, cw};
  }
  return view;
}

GreyCamera::GreyCamera(const Scene& scene, const GreyLook& look, std::uint64_t seed)
    : scene_(&scene), look_(look), camera_(scene, seed), state_(seed + 77) {}

// The warmest and coldest half percent are cut; the rest fills the range unless that needs more gain than there is.
void GreyCamera::follow_gain(const std::vector<float>& kelvin, double seconds) {
  auto sorted = kelvin;
  const auto cut = static_cast<std::ptrdiff_t>(sorted.size() / 200);
  std::nth_element(sorted.begin(), sorted.begin() + cut, sorted.end());
  const auto low = static_cast<double>(sorted[static_cast<std::size_t>(cut)]);
  std::nth_element(sorted.begin(), sorted.end() - 1 - cut, sorted.end());
  const auto high = static_cast<double>(*(sorted.end() - 1 - cut));
  const double share = last_ ? 1 - std::exp(-(seconds - *last_) / std::max(1e-3, look_.gain_follows_s)) : 1;
  low_ += share * (low - low_);
  high_ += share * (high - high_);
  last_ = seconds;
}

std::vector<std::uint8_t> GreyCamera::levels(const std::vector<std::int16_t>& centi_c, double seconds) {
  const int sw = scene_->sensor.width, sh = scene_->sensor.height;
  std::vector<float> kelvin(centi_c.size());
  std::transform(centi_c.begin(), centi_c.end(), kelvin.begin(), [](std::int16_t v) { return static_cast<float>(v) / 100; });
  follow_gain(kelvin, seconds);
  double gain = std::min(look_.levels_per_k, 230 / std::max(0.1, high_ - low_)), level = 127;
  if (look_.step_at_s >= 0 && seconds >= look_.step_at_s) gain *= 0.5, level += 30;
  const double middle = (low_ + high_) / 2;
  std::vector<std::uint8_t> out;
  out.reserve(static_cast<std::size_t>(look_.width) * static_cast<std::size_t>(look_.height));
  for (int row = 0; row < look_.height; ++row) {
    const double y = std::clamp((row + 0.5) * sh / look_.height - 0.5, 0.0, sh - 1.0);
    const int y0 = std::min(static_cast<int>(y), sh - 2);
    for (int column = 0; column < look_.width; ++column) {
      const double x = std::clamp((column + 0.5) * sw / look_.width - 0.5, 0.0, sw - 1.0);
      const int x0 = std::min(static_cast<int>(x), sw - 2);
      const auto at = [&](int r, int c) { return static_cast<double>(kelvin[static_cast<std::size_t>(r * sw + c)]); };
      const double u = x - x0, v = y - y0;
      const double k = (1 - v) * ((1 - u) * at(y0, x0) + u * at(y0, x0 + 1)) + v * ((1 - u) * at(y0 + 1, x0) + u * at(y0 + 1, x0 + 1));
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      const double dither = static_cast<double>(state_ >> 33) / 2147483648.0 - 0.5;
      out.push_back(byte(level + gain * (k - middle) + dither));
    }
  }
  return out;
}

// As coders do to smooth pictures: blocks that hardly changed are repeated, in the others small differences are rounded away.
void GreyCamera::code(std::vector<std::uint8_t>& picture) {
  if (look_.coding_step <= 0) return;
  constexpr int kBlock = 8;
  const bool first = coded_.size() != picture.size();
  if (first) coded_ = picture;
  for (int top = 0; top < look_.height; top += kBlock) {
    for (int left = 0; left < look_.width; left += kBlock) {
      int change = 0, sum = 0, count = 0;
      const auto each = [&](auto&& act) {
        for (int y = top; y < std::min(top + kBlock, look_.height); ++y)
          for (int x = left; x < std::min(left + kBlock, look_.width); ++x) act(static_cast<std::size_t>(y * look_.width + x));
      };
      each([&](std::size_t i) { change += std::abs(picture[i] - coded_[i]), sum += picture[i], ++count; });
      if (!first && change < count * look_.coding_step / 2) continue;
      const int mean = sum / count, step = look_.coding_step;
      each([&](std::size_t i) {
        const int away = picture[i] - mean;
        coded_[i] = byte(mean + (away + (away < 0 ? -step / 2 : step / 2)) / step * step);
      });
    }
  }
  picture = coded_;
}

std::optional<GreyPicture> GreyCamera::next() {
  auto sensed = camera_.next();
  if (!sensed) return std::nullopt;
  GreyPicture out{sensed->seconds, look_.format, look_.width, look_.height, {}, std::move(sensed->truth)};
  auto grey = levels(sensed->centi_c, out.seconds);
  if (look_.inversion_at_s >= 0 && out.seconds >= look_.inversion_at_s)
    for (auto& level : grey) level = static_cast<std::uint8_t>(255 - level);
  code(grey);
  const bool changed = look_.palette_change_at_s >= 0 && out.seconds >= look_.palette_change_at_s;
  const Palette palette = changed ? look_.then : look_.palette;
  if (look_.format == PixelFormat::kGray8) {
    if (palette == Palette::kBlackHot)
      for (auto& level : grey) level = static_cast<std::uint8_t>(255 - level);
    if (look_.text) write_text(out.seconds, look_.width, look_.height, [&](std::size_t i) { grey[i] = 255; });
    out.bytes = std::move(grey);
    return out;
  }
  std::array<Rgb, 256> table{};
  for (std::size_t level = 0; level < 256; ++level) table[level] = colour_of(palette, static_cast<double>(level));
  std::vector<Rgb> picture;
  picture.reserve(grey.size());
  for (const auto level : grey) picture.push_back(table[level]);
  if (look_.text) write_text(out.seconds, look_.width, look_.height, [&](std::size_t i) { picture[i] = {255, 255, 255}; });
  out.bytes = to_i420(picture, look_.width, look_.height);
  return out;
}

}  // namespace kanhu::thermal_scene
