// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/backoff.hpp"

namespace kanhu::sense {

// How often a broker that refuses user or password is asked again: 60 -> 600 s, after the fifth refusal once an hour, so that no account is
// locked and no log filled; at once when the secret or the configuration is another one, which is for the caller to see. As cameras are
// (daemon/supervise/reconnects.hpp).
// Thread: confined.
class PasswordRation {
 public:
  // Refused once more: how long to wait.
  std::chrono::milliseconds refused(std::uint64_t random);
  // "refused 3 times; tried again within 10 min, ..."
  std::string words() const;
  void reset();  // it was let in, or another secret is tried

 private:
  Backoff backoff_{std::chrono::seconds(60), std::chrono::seconds(600), std::chrono::seconds(60)};
  std::chrono::milliseconds pause_{0};
};

}  // namespace kanhu::sense
