// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include <catch2/catch.hpp>

namespace kanhu::test {

// One value from another thread.
template <typename T>
class Once {
 public:
  void put(T value) {
    std::scoped_lock lock(mutex_);
    ++times_;
    value_.emplace(std::move(value));
    changed_.notify_all();
  }
  T wait() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return value_.has_value(); }));
    T value = std::move(*value_);
    value_.reset();
    return value;
  }
  int times() const {
    std::scoped_lock lock(mutex_);
    return times_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<T> value_;
  int times_ = 0;
};

}  // namespace kanhu::test
