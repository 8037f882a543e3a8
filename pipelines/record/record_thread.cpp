// SPDX-License-Identifier: MIT
#include "pipelines/record/record_thread.hpp"

#include <utility>

#include "base/thread_name.hpp"

namespace kanhu::record {

RecordThread::RecordThread() : thread_([this] { run(); }) {}

void RecordThread::post(Job job) {
  {
    std::scoped_lock lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void RecordThread::stop() {
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void RecordThread::run() {
  name_this_thread("record");
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it held is released without the lock too
    lock.lock();
  }
}

}  // namespace kanhu::record
