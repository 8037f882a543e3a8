// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

#include "base/clock.hpp"

namespace kanhu::test {

// A clock that moves only when told. Thread: any.
class FakeClock final : public Clock {
 public:
  MonoTime mono() const override { return MonoTime(std::chrono::nanoseconds(mono_ns_.load())); }
  WallTime wall() const override { return wall_from_microseconds(wall_us_.load()); }
  void advance(std::chrono::nanoseconds span) {
    mono_ns_ += span.count();
    wall_us_ += std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  }
  void step_wall(std::chrono::microseconds span) { wall_us_ += span.count(); }

 private:
  std::atomic<std::int64_t> mono_ns_{1'000'000'000};
  std::atomic<std::int64_t> wall_us_{1'790'000'000'000'000};  // 2026-09-21T14:13:20Z
};

}  // namespace kanhu::test
