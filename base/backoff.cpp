// SPDX-License-Identifier: MIT
#include "base/backoff.hpp"

#include <algorithm>

namespace kanhu {

std::chrono::milliseconds Backoff::next(std::uint64_t random) {
  std::int64_t ceiling = first_.count();
  for (int doubled = 0; doubled < attempts_ && ceiling < most_.count(); ++doubled) ceiling *= 2;
  ceiling = std::min<std::int64_t>(ceiling, most_.count());
  // Past 40 doublings even 1 ms has outgrown every sensible limit; the counter need not grow further.
  attempts_ = std::min(attempts_ + 1, 40);
  if (ceiling <= floor_.count()) return floor_;
  // The remainder's bias is below span / 2^64: nothing for waits of minutes.
  const auto span = static_cast<std::uint64_t>(ceiling - floor_.count()) + 1;
  return floor_ + std::chrono::milliseconds(static_cast<std::int64_t>(random % span));
}

}  // namespace kanhu
