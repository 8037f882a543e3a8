// SPDX-License-Identifier: MIT
#include "daemon/query/rate_limit.hpp"

#include <algorithm>
#include <cmath>

namespace kanhu {
namespace {

constexpr std::size_t kMostUsers = 1024;

}  // namespace

void RateLimit::fill(Bucket& bucket, const Rate& rate, MonoTime now) {
  if (bucket.at && now > *bucket.at) bucket.tokens = std::min(rate.burst, bucket.tokens + rate.per_second * to_seconds(now - *bucket.at));
  bucket.at = now;
}

std::optional<std::chrono::milliseconds> RateLimit::wait_for_one(const std::string& user, MonoTime now) {
  std::scoped_lock lock(mutex_);
  auto found = std::find_if(users_.begin(), users_.end(), [&](const Bucket& bucket) { return bucket.user == user; });
  if (found == users_.end()) {
    users_.push_front({user, each_.burst, now});
    if (users_.size() > kMostUsers) users_.pop_back();
  } else {
    users_.splice(users_.begin(), users_, found);
  }
  Bucket& own = users_.front();
  fill(own, each_, now);
  fill(common_, all_, now);
  const double wait_s = std::max((1 - own.tokens) / each_.per_second, (1 - common_.tokens) / all_.per_second);
  if (wait_s > 0) return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(wait_s * 1000)));
  own.tokens -= 1;
  common_.tokens -= 1;
  return std::nullopt;
}

}  // namespace kanhu
