// SPDX-License-Identifier: MIT
#include "bench/events/accepting.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.hpp"
#include "bench/effort.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/client/subscriber.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu::bench {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kSegmentBytes = 16u << 20;

// Notes how many bytes went to the disk between two syncs.
class NotingFile final : public File {
 public:
  NotingFile(std::unique_ptr<File> file, Guarded<std::vector<std::size_t>>& batches) : file_(std::move(file)), batches_(batches) {}
  Result<void> append(std::span<const std::byte> bytes) override {
    unsynced_ += bytes.size();
    return file_->append(bytes);
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override { return file_->read_at(offset, into); }
  Result<void> sync() override {
    batches_.with([&](std::vector<std::size_t>& batches) { batches.push_back(std::exchange(unsynced_, 0)); });
    return file_->sync();
  }
  Result<void> allocate(std::uint64_t bytes) override { return file_->allocate(bytes); }
  Result<void> truncate(std::uint64_t bytes) override { return file_->truncate(bytes); }
  Result<std::uint64_t> size() override { return file_->size(); }

 private:
  std::unique_ptr<File> file_;
  Guarded<std::vector<std::size_t>>& batches_;
  std::size_t unsynced_ = 0;
};

class NotingFileIo final : public FileIo {
 public:
  explicit NotingFileIo(FileIo& io) : io_(io) {}
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return io_.open(path, mode).map([this](std::unique_ptr<File> file) -> std::unique_ptr<File> {
      return std::make_unique<NotingFile>(std::move(file), batches_);
    });
  }
  Result<void> rename(const std::string& from, const std::string& to) override { return io_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return io_.remove(path); }
  Result<void> make_directories(const std::string& path) override { return io_.make_directories(path); }
  Result<void> sync_directory(const std::string& path) override { return io_.sync_directory(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return io_.list(path); }
  bool exists(const std::string& path) override { return io_.exists(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return io_.free_bytes(path); }

  std::vector<std::size_t> take() {
    return batches_.with([](std::vector<std::size_t>& batches) { return std::exchange(batches, {}); });
  }

 private:
  FileIo& io_;
  Guarded<std::vector<std::size_t>> batches_;
};

// The same batches into files that are reserved and rotated like segments; seconds.
Result<double> write_raw(FileIo& io, const std::string& folder, const std::vector<std::size_t>& batches) {
  const std::vector<std::byte> bytes(*std::max_element(batches.begin(), batches.end()), std::byte{0x6b});
  std::unique_ptr<File> file;
  std::size_t written = 0;
  int number = 0;
  const auto begin = Steady::now();
  const auto path = [&](int which) { return folder + "/raw-" + std::to_string(which); };
  for (const std::size_t batch : batches) {
    if (!file || written >= kSegmentBytes) {
      auto opened = io.open(path(number++), OpenMode::kCreateNew);
      if (!opened) return tl::unexpected(opened.error());
      file = std::move(*opened);
      written = 0;
      if (auto reserved = file->allocate(kSegmentBytes); !reserved) return tl::unexpected(reserved.error());
      if (auto synced = io.sync_directory(folder); !synced) return tl::unexpected(synced.error());
    }
    if (auto appended = file->append(std::span<const std::byte>(bytes).first(batch)); !appended) return tl::unexpected(appended.error());
    if (auto synced = file->sync(); !synced) return tl::unexpected(synced.error());
    written += batch;
  }
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  file.reset();
  while (number > 0)
    if (auto removed = io.remove(path(--number)); !removed) return tl::unexpected(removed.error());
  return seconds;
}

double processor_microseconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

double milliseconds_between(Steady::time_point from, Steady::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

Result<AcceptFigures> measure_accepting(FileIo& io, const std::string& folder, double seconds, bool composed, Account& account) {
  AcceptFigures figures;
  NotingFileIo noting(io);
  RigOptions options;
  options.folder = folder;
  options.cheap_bodies = !composed;
  auto rig = EventsRig::open(noting, options);
  if (!rig) return tl::unexpected(rig.error());
  EventsRig& gateway = **rig;
  const auto until = Steady::now() + std::chrono::duration<double>(seconds);
  do {
    (void)noting.take();
    const journal::JournalStats before = gateway.journal_stats();
    const double used_before = processor_microseconds();
    const auto begin = Steady::now();
    const auto round_ends = begin + std::min(1s, std::chrono::duration_cast<std::chrono::seconds>(until - begin) + 1s);
    std::uint64_t offered = 0;
    while (Steady::now() < round_ends) {
      for (int i = 0; i < 16; ++i) gateway.offer();
      offered += 16;
    }
    gateway.flush();
    figures.journal_per_second.push_back(static_cast<double>(offered) / std::chrono::duration<double>(Steady::now() - begin).count());
    figures.processor_us += processor_microseconds() - used_before;
    const journal::JournalStats after = gateway.journal_stats();
    figures.events += offered;
    figures.commits += after.commits - before.commits;
    figures.bytes += after.bytes - before.bytes;
    auto raw = write_raw(io, folder, noting.take());
    if (!raw) return tl::unexpected(raw.error());
    figures.raw_per_second.push_back(static_cast<double>(offered) / *raw);
  } while (Steady::now() < until);

  const journal::JournalStats stats = gateway.journal_stats();
  figures.not_durable = stats.not_durable;
  figures.accept_to_durable_p99_ms = to_seconds(stats.commit.quantile(0.99)) * 1000;
  Account mine;
  mine.expected = figures.events;
  std::uint64_t last = 0;
  const auto read = journal::read_journal(io, gateway.journal_folder(), [&](const journal::JournalRecord& record) {
    ++mine.received;
    if (record.id.seq <= last) ++mine.misordered;
    last = record.id.seq;
    return true;
  });
  if (!read) return tl::unexpected(read.error());
  mine.lost = mine.expected - std::min(mine.expected, mine.received);
  account.add(mine);
  return figures;
}

Result<std::vector<double>> receive_live(EventsRig& rig, double seconds, Account& account) {
  auto subscriber = publish::Subscriber::connect(rig.live(), {});
  if (!subscriber) return tl::unexpected(subscriber.error());
  const auto subscribed = Steady::now() + 10s;
  while (true) {  // a head shows that the subscription is there
    const auto message = (*subscriber)->receive(100ms);
    if (message && *message) break;
    if (Steady::now() > subscribed) return fail(ErrorKind::kTimeout, "a subscriber on loopback heard nothing for 10 s");
  }
  Guarded<std::map<std::uint64_t, Steady::time_point>> accepted;
  std::vector<double> late;
  Account mine;
  std::atomic<std::uint64_t> newest{0};
  std::atomic<bool> all_accepted{false};
  std::thread receiver([&] {
    std::uint64_t last = 0;
    auto patience = Steady::now() + 10s;
    while (Steady::now() < patience && !(all_accepted && last >= newest)) {
      const auto message = (*subscriber)->receive(20ms);
      const auto now = Steady::now();
      if (!all_accepted) patience = now + 10s;
      if (!message || !*message || !(*message)->topic.starts_with(std::string("kanhu1/") + kFacility + "/corridor")) continue;
      const auto seq = (*message)->header.value("seq", std::uint64_t{0});
      const auto since = accepted.with([&](auto& waiting) {
        const auto found = waiting.find(seq);
        const auto at = found == waiting.end() ? Steady::time_point{} : found->second;
        if (found != waiting.end()) waiting.erase(found);
        return at;
      });
      if (since == Steady::time_point{}) {
        ++mine.repeated;
        continue;
      }
      if (seq < last) ++mine.misordered;
      last = std::max(last, seq);
      ++mine.received;
      late.push_back(milliseconds_between(since, now));
    }
  });
  const auto begin = Steady::now();
  const auto count = static_cast<std::uint64_t>(std::max(1.0, seconds * kLiveRate));
  for (std::uint64_t i = 0; i < count; ++i) {
    std::this_thread::sleep_until(
        begin + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(static_cast<double>(i) / kLiveRate)));
    // The number is given inside `accept`: the receiver must not see it before it is noted.
    accepted.with([&](auto& waiting) {
      const auto at = Steady::now();
      newest = rig.accept();
      waiting.emplace(newest, at);
    });
  }
  all_accepted = true;
  receiver.join();
  mine.expected = count;
  mine.lost = count - std::min(count, mine.received);
  account.add(mine);
  return late;
}

Result<LatencyFigures> measure_latency(FileIo& io, EventsRig& rig, const std::string& folder, double seconds, Account& account) {
  LatencyFigures figures;
  figures.per_second = kLiveRate;
  const std::string body = sample_body(sample_event(1), {std::string(32, '0'), 1, 1});
  const auto bytes = std::as_bytes(std::span(body.data(), body.size()));
  std::vector<double> synced, received;
  constexpr int kTurns = 4;
  for (int turn = 0; turn < kTurns; ++turn) {  // in turn, so that both meet the same disk
    const std::string path = folder + "/sync-" + std::to_string(turn);
    auto file = io.open(path, OpenMode::kCreateNew);
    if (!file) return tl::unexpected(file.error());
    if (auto reserved = (*file)->allocate(kSegmentBytes); !reserved) return tl::unexpected(reserved.error());
    const auto until = Steady::now() + std::chrono::duration<double>(seconds / kTurns);
    auto next = Steady::now();
    do {
      std::this_thread::sleep_until(next);
      const auto begin = Steady::now();
      if (auto appended = (*file)->append(bytes); !appended) return tl::unexpected(appended.error());
      if (auto done = (*file)->sync(); !done) return tl::unexpected(done.error());
      synced.push_back(milliseconds_between(begin, Steady::now()));
      next = std::max(next + 5ms, Steady::now());
    } while (Steady::now() < until);
    if (auto removed = io.remove(path); !removed) return tl::unexpected(removed.error());
    auto late = receive_live(rig, seconds / kTurns, account);
    if (!late) return tl::unexpected(late.error());
    received.insert(received.end(), late->begin(), late->end());
  }
  figures.sync = quantiles_of(std::move(synced));
  figures.received = quantiles_of(std::move(received));
  return figures;
}

}  // namespace kanhu::bench
