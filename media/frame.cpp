// SPDX-License-Identifier: MIT
#include "media/frame.hpp"

#include <algorithm>

namespace kanhu {

int plane_count(PixelFormat format) {
  switch (format) {
    case PixelFormat::kI420:
      return 3;
    case PixelFormat::kNv12:
      return 2;
    case PixelFormat::kGray8:
    case PixelFormat::kBgr24:
    case PixelFormat::kCentiCelsius:
      return 1;
  }
  return 0;
}

int plane_row_bytes(PixelFormat format, int plane, int width) {
  if (plane < 0 || plane >= plane_count(format)) return 0;
  const int half = (width + 1) / 2;  // chroma of an odd width covers the last column too
  switch (format) {
    case PixelFormat::kGray8:
      return width;
    case PixelFormat::kBgr24:
      return width * 3;
    case PixelFormat::kCentiCelsius:
      return width * 2;
    case PixelFormat::kI420:
      return plane == 0 ? width : half;
    case PixelFormat::kNv12:
      return plane == 0 ? width : half * 2;
  }
  return 0;
}

int plane_rows(PixelFormat format, int plane, int height) {
  if (plane < 0 || plane >= plane_count(format)) return 0;
  return plane == 0 ? height : (height + 1) / 2;
}

double intersection_over_union(const Box& a, const Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / (a.area() + b.area() - common);
}

}  // namespace kanhu
