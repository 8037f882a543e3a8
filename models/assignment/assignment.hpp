// SPDX-License-Identifier: MIT
// The linear assignment problem, for the tracker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kanhu::models {

// For each of `rows` rows the column it gets, or -1, such that the sum of the benefits is as large as can be and no
// column is given twice (Kuhn 1955, as solved by dlib::max_cost_assignment in O(n^3)). `benefit` is row-major,
// rows * columns values below 2^40; a benefit <= 0 means "never together". The same input gives the same answer.
// A matrix of another size than rows * columns, or one beyond 512 on a side, assigns nothing.
std::vector<int> assign_best(const std::vector<std::int64_t>& benefit, std::size_t rows, std::size_t columns);

}  // namespace kanhu::models
