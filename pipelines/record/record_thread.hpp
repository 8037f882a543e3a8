// SPDX-License-Identifier: MIT
// The one thread that touches the files of a volume.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace kanhu::record {

// Runs jobs in the order they were posted, holding no lock meanwhile. The queue's length is bounded by its posters:
// each stream counts the bytes it has posted (StreamClips).
// Thread: `post` from any; jobs run on the thread itself.
class RecordThread {
 public:
  using Job = std::function<void()>;
  RecordThread();
  ~RecordThread() { stop(); }
  RecordThread(const RecordThread&) = delete;
  RecordThread& operator=(const RecordThread&) = delete;

  void post(Job job);  // after stop: dropped
  void stop();         // runs what has been posted, then ends; a second call does nothing

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kanhu::record
