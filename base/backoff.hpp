// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace kanhu {

// Exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015):
// the n-th wait is uniform in [floor, min(most, first * 2^n)]. The caller brings the randomness, so tests are exact.
// Thread: confined to its owner.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most, std::chrono::milliseconds floor)
      : first_(first), most_(most), floor_(floor) {}

  // `random` is uniform over all 64-bit values.
  std::chrono::milliseconds next(std::uint64_t random);
  void reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds most_;
  std::chrono::milliseconds floor_;
  int attempts_ = 0;
};

}  // namespace kanhu
