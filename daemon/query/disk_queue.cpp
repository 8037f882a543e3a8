// SPDX-License-Identifier: MIT
#include "daemon/query/disk_queue.hpp"

#include <algorithm>
#include <utility>

#include "base/fault.hpp"
#include "base/thread_name.hpp"

namespace kanhu {

DiskQueue::DiskQueue() : thread_([this] { run(); }) {}

DiskQueue::~DiskQueue() {
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool DiskQueue::post(Job job) {
  {
    std::scoped_lock lock(mutex_);
    if (waiting_[0].size() >= kMostJobs) return false;
    waiting_[0].push_back({std::move(job), "", ""});
  }
  changed_.notify_all();
  return true;
}

bool DiskQueue::post_page(const publish::Asker& asker, Job job) {
  {
    std::scoped_lock lock(mutex_);
    auto& pages = waiting_[1];
    std::size_t of_connection = 0, of_user = 0;
    for (const Waiting& one : pages) {
      of_connection += one.connection == asker.connection ? 1 : 0;
      of_user += one.user == asker.user ? 1 : 0;
    }
    // Without keys everybody is the same user.
    if (pages.size() >= kMostPages || of_connection >= kMostOfConnection || (!asker.user.empty() && of_user >= kMostOfUser)) return false;
    pages.push_back({std::move(job), asker.connection, asker.user});
  }
  changed_.notify_all();
  return true;
}

void DiskQueue::run() {
  name_this_thread("evidence");
  std::size_t turn = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || !waiting_[0].empty() || !waiting_[1].empty(); });
    if (stopping_) return;
    turn = 1 - turn;
    if (waiting_[turn].empty()) turn = 1 - turn;
    {
      const Job job = std::move(waiting_[turn].front().job);
      waiting_[turn].pop_front();
      lock.unlock();
      faults::contained("evidence", job);
    }
    lock.lock();
  }
}

}  // namespace kanhu
