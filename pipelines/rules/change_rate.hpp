// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "base/time.hpp"

namespace kanhu::rules {

// How often something changed in the last minute. More often than its limit it is restless, until it changed at most half as often: a loose
// contact, a sensor at its threshold or a forger is then told once, not at every change. Memory: as many times as its limit.
// `waited` is Context::waited. Thread: confined to the rules.
class ChangeRate {
 public:
  static constexpr std::chrono::minutes kWindow{1};

  // It has changed. True when it is restless now.
  bool changed(WallTime waited, std::size_t most);
  // True when it was restless and is calm from now on.
  bool calmed(WallTime waited, std::size_t most);
  bool restless() const { return restless_; }
  std::size_t count() const { return changes_.size(); }

 private:
  void forget(WallTime waited);

  std::deque<WallTime> changes_;
  bool restless_ = false;
};

}  // namespace kanhu::rules
