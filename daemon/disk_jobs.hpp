#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "base/bounded_queue.hpp"
#include "base/thread_name.hpp"

namespace kanhu {

// What a request needs from a disk, away from the query thread: one after the other, at most 32 waiting.
// Thread: post from any.
class DiskJobs {
 public:
  DiskJobs()
      : thread_([this] {
          name_this_thread("evidence");
          while (auto job = jobs_.pop()) (*job)();
        }) {}
  ~DiskJobs() {
    jobs_.close();
    thread_.join();
  }
  DiskJobs(const DiskJobs&) = delete;
  DiskJobs& operator=(const DiskJobs&) = delete;
  // False when the queue is full.
  bool post(std::function<void()> job) { return jobs_.try_push(std::move(job)); }

 private:
  BoundedQueue<std::function<void()>> jobs_{32};
  std::thread thread_;
};

}  // namespace kanhu
