// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "config/config.hpp"
#include "media/frame.hpp"

namespace kanhu::analyze {

// Paints over what no detector may see. Promises: a pixel whose row's centre line runs through it inside a polygon is
// blank (luma 16, chroma neutral) in what `apply` returns; without polygons the picture is passed through uncopied.
// Luma 16 is video black, the coldest value of a white-hot thermal picture, so that a blank region is never a warm one.
// Of temperatures what is blank has the median of what is not: zero degrees would be a cold wall that moves every statistic.
// Thread: confined to the source's claim.
class IgnoreMask {
 public:
  explicit IgnoreMask(std::vector<Polygon> polygons) : polygons_(std::move(polygons)) {}

  // The returned view is valid until the next call and while `image` is.
  ImageView apply(const ImageView& image);
  // Of the size last seen by `apply`.
  bool covers(int x, int y) const;
  bool empty() const { return polygons_.empty(); }

 private:
  struct Span {
    int row, from, to;  // pixels [from, to)
  };
  void convert(int width, int height);
  void fill_row(int row, std::vector<std::uint8_t>& marked) const;
  void blank(PixelFormat format, const std::array<std::uint8_t*, 3>& planes, const std::array<int, 3>& strides,
             std::int16_t temperature) const;
  // The median of the pixels no polygon covers, in hundredths of a degree Celsius.
  std::int16_t room_temperature(const ImageView& image) const;

  std::vector<Polygon> polygons_;
  int width_ = 0;
  int height_ = 0;
  std::vector<Span> spans_;  // rising by row, then from; scan-converted once per picture size
  std::vector<std::uint8_t> copy_;
};

}  // namespace kanhu::analyze
