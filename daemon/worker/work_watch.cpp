// SPDX-License-Identifier: MIT
#include "daemon/worker/work_watch.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace kanhu {
namespace {

// The slowest detector takes 0.1 s a picture, 2 s for its very first one.
constexpr auto kStandsStill = std::chrono::milliseconds(2500);
constexpr auto kGetsOn = std::chrono::milliseconds(1);  // of processor time between two looks
constexpr auto kWorthTelling = std::chrono::seconds(1);
constexpr auto kHangs = std::chrono::seconds(5);  // to close a session takes less, whatever the camera does
constexpr int kMostOfCore = 2;                    // a half and more

std::uint64_t in_ms(std::chrono::nanoseconds span) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
}

}  // namespace

bool WorkWatch::look(const std::vector<analyze::Scheduler::AtWork>& at_work, MonoTime now, std::vector<relay::WorkerReport::AtWork>& told) {
  bool stuck = false;
  for (const auto& work : at_work) {
    Seen& seen = threads_[work.thread];
    if (seen.since != work.since || work.processor_time - seen.used >= kGetsOn)
      seen = {work.since, work.processor_time, seen.since != work.since ? work.since : now};
    stuck = stuck || now - seen.moved > kStandsStill;
    if (work.processor_time >= kWorthTelling) told.push_back({work.source, false, in_ms(work.processor_time)});
  }
  std::sort(told.begin(), told.end(), [](const auto& a, const auto& b) { return a.processor_ms > b.processor_ms; });
  if (told.size() > relay::kMostAtWork) told.resize(relay::kMostAtWork);
  return stuck;
}

std::map<int, std::chrono::nanoseconds> processor_times_of_threads() {
  std::map<int, std::chrono::nanoseconds> times;
  const double tick_s = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", problem)) {
    std::FILE* file = std::fopen((entry.path() / "stat").c_str(), "re");
    if (file == nullptr) continue;
    int thread = 0;
    char name[64] = {};
    unsigned long user = 0, kernel = 0;
    const int read = std::fscanf(file, "%d (%63[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &thread, name, &user, &kernel);
    std::fclose(file);
    if (read != 4 || std::strncmp(name, "analyze/", 8) == 0) continue;
    times[thread] = std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(user + kernel) * tick_s * 1e9));
  }
  return times;
}

bool ClosingWatch::hangs(const std::vector<ingest::Closing>& closing) const { return !closing.empty() && closing.front().lasted > kHangs; }

void ClosingWatch::look(const std::vector<ingest::Closing>& closing, const std::map<int, std::chrono::nanoseconds>& threads, MonoTime now,
                        std::vector<relay::WorkerReport::AtWork>& told) {
  if (!hangs(closing) || closing.front().camera != camera_) {
    camera_ = hangs(closing) ? closing.front().camera : std::string();
    since_ = now;
    before_ = threads;
    return;
  }
  std::chrono::nanoseconds most{0};
  for (const auto& [thread, used] : threads) {
    const auto before = before_.find(thread);
    if (before != before_.end()) most = std::max(most, used - before->second);
  }
  if (most < kWorthTelling || most * kMostOfCore < now - since_ || told.size() >= relay::kMostAtWork) return;
  told.push_back({camera_, true, in_ms(most)});
}

}  // namespace kanhu
