// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "pipelines/publish/access/rights.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {

// What requests need from a disk, away from the query thread, because disks hang: one after the other, pages of the journal in turn
// with everything else, so that neither a picture nor a clip waits behind all who catch up.
// Thread: post from any; jobs run on the thread `evidence`, and must answer whoever asks themselves. One that throws is lost alone; the
// reply that it held says `internal` (publish::Reply).
class DiskQueue {
 public:
  using Job = std::function<void()>;
  static constexpr std::size_t kMostJobs = 32, kMostPages = 128;  // that wait
  // Of those pages: so that one connection, or one user with many of them, does not keep the others out.
  static constexpr std::size_t kMostOfConnection = 4, kMostOfUser = 32;

  DiskQueue();
  ~DiskQueue();  // after the job at hand; the others are dropped: nobody is there any more to be answered
  DiskQueue(const DiskQueue&) = delete;
  DiskQueue& operator=(const DiskQueue&) = delete;

  // False when too many wait already.
  bool post(Job job);
  bool post_page(const publish::Asker& asker, Job job);

 private:
  struct Waiting {
    Job job;
    std::string connection, user;
  };
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<std::deque<Waiting>, 2> waiting_;  // the pages are the second
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kanhu
