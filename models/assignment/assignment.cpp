// SPDX-License-Identifier: MIT
#include "models/assignment/assignment.hpp"

#include <algorithm>

#include <dlib/matrix.h>
#include <dlib/optimization/max_cost_assignment.h>

namespace kanhu::models {

std::vector<int> assign_best(const std::vector<std::int64_t>& benefit, std::size_t rows, std::size_t columns) {
  constexpr std::size_t kMost = 512;
  std::vector<int> result(rows, -1);
  const std::size_t side = std::max(rows, columns);
  if (rows == 0 || columns == 0 || side > kMost || benefit.size() != rows * columns) return result;

  // The solver wants a square matrix; padding and forbidden pairs are worth nothing.
  dlib::matrix<long long> cost = dlib::zeros_matrix<long long>(static_cast<long>(side), static_cast<long>(side));
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      cost(static_cast<long>(row), static_cast<long>(column)) = std::max<std::int64_t>(0, benefit[row * columns + column]);

  const std::vector<long> assigned = dlib::max_cost_assignment(cost);
  for (std::size_t row = 0; row < rows; ++row) {
    const auto column = static_cast<std::size_t>(assigned[row]);
    if (column < columns && benefit[row * columns + column] > 0) result[row] = static_cast<int>(column);
  }
  return result;
}

}  // namespace kanhu::models
