// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace kanhu {

// A queue between threads that states its capacity, what happens when it is full, and how it closes.
// Full: `try_push` refuses (the caller counts the drop); `push` waits for room.
// Closed: pushes are refused; pops hand out what is left, then nothing.
// Thread: any number of producers and consumers.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // False when the queue is full or closed; the value is then untouched.
  bool try_push(T&& value) {
    {
      std::scoped_lock lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(value));
    }
    readable_.notify_one();
    return true;
  }

  // Waits for room. False when the queue is closed.
  bool push(T value) {
    {
      std::unique_lock lock(mutex_);
      writable_.wait(lock, [&] { return closed_ || items_.size() < capacity_; });
      if (closed_) return false;
      items_.push_back(std::move(value));
    }
    readable_.notify_one();
    return true;
  }

  // Waits for a value; nothing when the queue is closed and empty.
  std::optional<T> pop() {
    std::unique_lock lock(mutex_);
    readable_.wait(lock, [&] { return closed_ || !items_.empty(); });
    return take(lock);
  }

  // As `pop`, but nothing after `patience` too.
  std::optional<T> pop_for(std::chrono::nanoseconds patience) {
    std::unique_lock lock(mutex_);
    readable_.wait_for(lock, patience, [&] { return closed_ || !items_.empty(); });
    return take(lock);
  }

  // Everything that is there now, in order, at most `most`; does not wait.
  std::vector<T> drain(std::size_t most) {
    std::vector<T> taken;
    {
      std::scoped_lock lock(mutex_);
      while (!items_.empty() && taken.size() < most) {
        taken.push_back(std::move(items_.front()));
        items_.pop_front();
      }
    }
    writable_.notify_all();
    return taken;
  }

  void close() {
    {
      std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    readable_.notify_all();
    writable_.notify_all();
  }

  bool closed() const {
    std::scoped_lock lock(mutex_);
    return closed_;
  }

  std::size_t size() const {
    std::scoped_lock lock(mutex_);
    return items_.size();
  }

  std::size_t capacity() const { return capacity_; }

 private:
  std::optional<T> take(std::unique_lock<std::mutex>& lock) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> value(std::move(items_.front()));
    items_.pop_front();
    lock.unlock();
    writable_.notify_one();
    return value;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable readable_;
  std::condition_variable writable_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace kanhu
