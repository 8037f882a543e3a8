// SPDX-License-Identifier: MIT
#include "pipelines/analyze/ignore_mask.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace kanhu::analyze {
namespace {

constexpr std::uint8_t kBlankLuma = 16;
constexpr std::uint8_t kNeutralChroma = 128;
constexpr std::size_t kMostMedianSamples = 4096;  // the median of so many is the picture's, to a few hundredths of a degree

std::int16_t temperature_at(const ImageView& image, int x, int y) {
  std::int16_t value = 0;
  std::memcpy(&value, image.planes[0].data + static_cast<std::ptrdiff_t>(y) * image.planes[0].stride + 2 * static_cast<std::ptrdiff_t>(x),
              sizeof value);
  return value;
}

}  // namespace

void IgnoreMask::fill_row(int row, std::vector<std::uint8_t>& marked) const {
  const double y = (row + 0.5) / height_;
  std::vector<double> crossings;
  for (const Polygon& polygon : polygons_) {
    crossings.clear();
    for (std::size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
      const Point& a = polygon[i];
      const Point& b = polygon[j];
      if ((a.y > y) != (b.y > y)) crossings.push_back((b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x);
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      // Outwards, so that a pixel the line touches is blank too; the slack keeps 0.25 * 64 at 16.
      const int from = std::clamp(static_cast<int>(std::floor(crossings[i] * width_ + 1e-9)), 0, width_);
      const int to = std::clamp(static_cast<int>(std::ceil(crossings[i + 1] * width_ - 1e-9)), from, width_);
      std::fill(marked.begin() + from, marked.begin() + to, std::uint8_t{1});
    }
  }
}

void IgnoreMask::convert(int width, int height) {
  width_ = width;
  height_ = height;
  spans_.clear();
  std::vector<std::uint8_t> marked(static_cast<std::size_t>(width));
  for (int row = 0; row < height; ++row) {
    std::fill(marked.begin(), marked.end(), std::uint8_t{0});
    fill_row(row, marked);
    for (int x = 0; x < width;) {
      const auto begin = std::find(marked.begin() + x, marked.end(), std::uint8_t{1});
      const auto end = std::find(begin, marked.end(), std::uint8_t{0});
      if (begin == marked.end()) break;
      spans_.push_back({row, static_cast<int>(begin - marked.begin()), static_cast<int>(end - marked.begin())});
      x = spans_.back().to;
    }
  }
}

std::int16_t IgnoreMask::room_temperature(const ImageView& image) const {
  const std::size_t pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  // Odd, so that it does not walk down a column.
  const std::size_t step = (pixels / kMostMedianSamples) | 1U;
  std::vector<std::int16_t> seen;
  seen.reserve(pixels / step + 1);
  for (std::size_t i = 0; i < pixels; i += step) {
    const int x = static_cast<int>(i % static_cast<std::size_t>(image.width)),
              y = static_cast<int>(i / static_cast<std::size_t>(image.width));
    if (!covers(x, y)) seen.push_back(temperature_at(image, x, y));
  }
  if (seen.empty()) return 0;
  const auto middle = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2);
  std::nth_element(seen.begin(), middle, seen.end());
  return *middle;
}

void IgnoreMask::blank(PixelFormat format, const std::array<std::uint8_t*, 3>& planes, const std::array<int, 3>& strides,
                       std::int16_t temperature) const {
  const auto fill = [&](std::size_t plane, int row, int from_byte, int to_byte, std::uint8_t value) {
    std::memset(planes[plane] + static_cast<std::ptrdiff_t>(row) * strides[plane] + from_byte, value,
                static_cast<std::size_t>(to_byte - from_byte));
  };
  for (const Span& span : spans_) {
    const int chroma_from = span.from / 2;
    const int chroma_to = (span.to + 1) / 2;
    switch (format) {
      case PixelFormat::kGray8:
        fill(0, span.row, span.from, span.to, kBlankLuma);
        break;
      case PixelFormat::kBgr24:
        fill(0, span.row, span.from * 3, span.to * 3, kBlankLuma);
        break;
      case PixelFormat::kCentiCelsius:
        for (int x = span.from; x < span.to; ++x)
          std::memcpy(planes[0] + static_cast<std::ptrdiff_t>(span.row) * strides[0] + 2 * static_cast<std::ptrdiff_t>(x), &temperature,
                      sizeof temperature);
        break;
      case PixelFormat::kI420:
        fill(0, span.row, span.from, span.to, kBlankLuma);
        fill(1, span.row / 2, chroma_from, chroma_to, kNeutralChroma);
        fill(2, span.row / 2, chroma_from, chroma_to, kNeutralChroma);
        break;
      case PixelFormat::kNv12:
        fill(0, span.row, span.from, span.to, kBlankLuma);
        fill(1, span.row / 2, chroma_from * 2, chroma_to * 2, kNeutralChroma);
        break;
    }
  }
}

ImageView IgnoreMask::apply(const ImageView& image) {
  if (polygons_.empty() || image.width <= 0 || image.height <= 0) return image;
  if (image.width != width_ || image.height != height_) convert(image.width, image.height);

  const int planes = plane_count(image.format);
  std::size_t total = 0;
  for (int plane = 0; plane < planes; ++plane)
    total += static_cast<std::size_t>(plane_row_bytes(image.format, plane, image.width)) *
             static_cast<std::size_t>(plane_rows(image.format, plane, image.height));
  copy_.resize(total);

  ImageView masked = image;
  std::array<std::uint8_t*, 3> data{};
  std::array<int, 3> strides{};
  std::uint8_t* to = copy_.data();
  for (int plane = 0; plane < planes; ++plane) {
    const auto p = static_cast<std::size_t>(plane);
    const int bytes = plane_row_bytes(image.format, plane, image.width);
    const int rows = plane_rows(image.format, plane, image.height);
    data[p] = to;
    strides[p] = bytes;
    for (int row = 0; row < rows; ++row, to += bytes)
      std::memcpy(to, image.planes[p].data + static_cast<std::ptrdiff_t>(row) * image.planes[p].stride, static_cast<std::size_t>(bytes));
    masked.planes[p] = {data[p], bytes};
  }
  blank(image.format, data, strides, image.format == PixelFormat::kCentiCelsius ? room_temperature(image) : std::int16_t{0});
  return masked;
}

bool IgnoreMask::covers(int x, int y) const {
  const auto span =
      std::partition_point(spans_.begin(), spans_.end(), [&](const Span& s) { return s.row < y || (s.row == y && s.to <= x); });
  return span != spans_.end() && span->row == y && span->from <= x;
}

}  // namespace kanhu::analyze
