// SPDX-License-Identifier: MIT
#include "pipelines/ingest/background.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"

namespace kanhu::ingest {
namespace {

constexpr int kMostThreads = 16;
constexpr std::chrono::seconds kPatienceAtExit{3};
constexpr std::chrono::seconds kIdleThreadStays{5};

struct Job {
  std::function<void()> work;
  std::string camera;
  std::chrono::steady_clock::time_point begun{};
};

struct Pool {
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable idle;
  std::deque<Job> jobs;
  std::list<Job> running;  // without their work
  int threads = 0;
  int busy = 0;
  bool closing = false;
};

// Never destroyed: a job that hangs may outlive main().
Pool& pool() {
  static Pool* const instance = [] {
    auto* made = new Pool;
    std::atexit([] {
      if (!wait_for_background(std::chrono::milliseconds(kPatienceAtExit)))
        log::warning("ingest", "a session with a camera could not be closed in {} s and is left behind", kPatienceAtExit.count());
    });
    return made;
  }();
  return *instance;
}

void serve(Pool& pool) {
  name_this_thread("teardown");
  std::unique_lock lock(pool.mutex);
  while (true) {
    if (!pool.work.wait_for(lock, kIdleThreadStays, [&] { return !pool.jobs.empty() || pool.closing; }) || pool.jobs.empty()) break;
    auto job = std::move(pool.jobs.front());
    pool.jobs.pop_front();
    ++pool.busy;
    const auto mark = pool.running.insert(pool.running.end(), {nullptr, job.camera, std::chrono::steady_clock::now()});
    lock.unlock();
    job.work();
    job.work = nullptr;  // its captures die before the pool may be called idle
    lock.lock();
    pool.running.erase(mark);
    --pool.busy;
    pool.idle.notify_all();
  }
  --pool.threads;
  pool.idle.notify_all();
}

}  // namespace

void run_in_background(std::function<void()> job, std::string camera) {
  Pool& shared = pool();
  std::scoped_lock lock(shared.mutex);
  shared.jobs.push_back({std::move(job), std::move(camera), {}});
  const int waiting = static_cast<int>(shared.jobs.size());
  if (shared.threads - shared.busy < waiting && shared.threads < kMostThreads) {
    ++shared.threads;
    std::thread([&shared] { serve(shared); }).detach();
  } else if (shared.busy >= kMostThreads) {
    log::warning("ingest", "{} sessions with cameras hang while closing, {} wait", shared.busy, waiting);
  }
  shared.work.notify_one();
}

std::vector<Closing> closing_in_background() {
  Pool& shared = pool();
  std::vector<Closing> closing;
  const auto now = std::chrono::steady_clock::now();
  std::scoped_lock lock(shared.mutex);
  for (const Job& job : shared.running)
    if (!job.camera.empty()) closing.push_back({job.camera, now - job.begun});
  std::sort(closing.begin(), closing.end(), [](const Closing& a, const Closing& b) { return a.lasted > b.lasted; });
  return closing;
}

bool wait_for_background(std::chrono::milliseconds patience) {
  Pool& shared = pool();
  std::unique_lock lock(shared.mutex);
  shared.closing = true;
  shared.work.notify_all();
  const bool done = shared.idle.wait_for(lock, patience, [&] { return shared.jobs.empty() && shared.threads == 0; });
  shared.closing = false;
  return done;
}

}  // namespace kanhu::ingest
