// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <utility>

namespace kanhu {

// A value that can only be reached with its mutex held.
//   guarded.with([](Roster& roster) { roster.add(...); });
// Thread: any.
template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <typename F>
  decltype(auto) with(F&& body) {
    std::scoped_lock lock(mutex_);
    return std::forward<F>(body)(value_);
  }

  template <typename F>
  decltype(auto) with(F&& body) const {
    std::scoped_lock lock(mutex_);
    return std::forward<F>(body)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace kanhu
