// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace kanhu {

// A token bucket: `per_second` on average, `burst` at once.
struct Rate {
  double per_second = 1;
  double burst = 1;
};

// One bucket a user and one for all of them, so that nobody uses up the gateway alone. Remembers the 1,024 users seen last; who was
// forgotten had been idle and begins with a full bucket.
// Thread: any.
class RateLimit {
 public:
  RateLimit(Rate each_user, Rate all) : each_(each_user), all_(all), common_{"", all.burst, {}} {}

  // Takes one; or, when there is none, takes nothing and says how long until there is.
  std::optional<std::chrono::milliseconds> wait_for_one(const std::string& user, MonoTime now);

 private:
  struct Bucket {
    std::string user;
    double tokens;
    std::optional<MonoTime> at;
  };
  static void fill(Bucket& bucket, const Rate& rate, MonoTime now);

  const Rate each_, all_;
  std::mutex mutex_;
  Bucket common_;
  std::list<Bucket> users_;  // seen last first
};

}  // namespace kanhu
