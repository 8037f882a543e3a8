// SPDX-License-Identifier: MIT
#include "bench/events/figures.hpp"

#include <algorithm>
#include <cmath>

#include "bench/effort.hpp"

namespace kanhu::bench {

void Account::add(const Account& other) {
  expected += other.expected;
  received += other.received;
  lost += other.lost;
  misordered += other.misordered;
  repeated += other.repeated;
}

Quantiles quantiles_of(std::vector<double> milliseconds) {
  Quantiles quantiles;
  if (milliseconds.empty()) return quantiles;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(milliseconds.size())));
    return milliseconds[std::clamp<std::size_t>(rank, 1, milliseconds.size()) - 1];
  };
  quantiles.count = milliseconds.size();
  quantiles.p50_ms = at(0.5);
  quantiles.p99_ms = at(0.99);
  quantiles.most_ms = milliseconds.back();
  return quantiles;
}

double AcceptFigures::per_second() const { return median(journal_per_second); }
double AcceptFigures::raw() const { return median(raw_per_second); }

}  // namespace kanhu::bench
