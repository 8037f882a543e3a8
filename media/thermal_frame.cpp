// SPDX-License-Identifier: MIT
#include "media/thermal_frame.hpp"

#include <algorithm>

namespace kanhu {

ThermalMatrix matrix_of(const ThermalFrame& frame) {
  ThermalMatrix matrix;
  matrix.kind = frame.kind;
  if (frame.width <= 0 || frame.height <= 0 ||
      frame.values.size() < static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height))
    return matrix;
  matrix.width = std::min(frame.width, kMostMatrixWidth);
  matrix.height = std::min(frame.height, kMostMatrixHeight);
  std::vector<std::int32_t> means;
  means.reserve(static_cast<std::size_t>(matrix.width) * static_cast<std::size_t>(matrix.height));
  for (int row = 0; row < matrix.height; ++row) {
    const int top = row * frame.height / matrix.height;
    const int bottom = (row + 1) * frame.height / matrix.height;
    for (int column = 0; column < matrix.width; ++column) {
      const int left = column * frame.width / matrix.width;
      const int right = (column + 1) * frame.width / matrix.width;
      std::int64_t sum = 0;
      for (int y = top; y < bottom; ++y)
        for (int x = left; x < right; ++x)
          sum += frame.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(frame.width) + static_cast<std::size_t>(x)];
      means.push_back(static_cast<std::int32_t>(sum / ((bottom - top) * (right - left))));
    }
  }
  const auto [least, most] = std::minmax_element(means.begin(), means.end());
  matrix.low_centi = *least;
  matrix.step_centi = std::max(1, (*most - *least + 254) / 255);
  matrix.cells.reserve(means.size());
  for (const std::int32_t mean : means)
    matrix.cells.push_back(static_cast<std::uint8_t>((mean - matrix.low_centi + matrix.step_centi / 2) / matrix.step_centi));
  return matrix;
}

}  // namespace kanhu
