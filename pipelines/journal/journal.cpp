// SPDX-License-Identifier: MIT
#include "pipelines/journal/journal.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "base/backoff.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/journal/batch_writing.hpp"
#include "pipelines/journal/commit_queue.hpp"
#include "pipelines/journal/losses.hpp"
#include "pipelines/journal/open_alarms.hpp"
#include "pipelines/journal/segment_writer.hpp"
#include "pipelines/journal/waiting_record.hpp"

namespace kanhu::journal {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr auto kProvisionalAfter = 500ms;
constexpr auto kWatchEvery = 20ms;           // how often the watchdog looks while something waits
constexpr std::size_t kMostBatch = 4096;     // bounds the memory of one commit
constexpr std::size_t kImpatientAt = 256;    // so many events do not wait for company
constexpr std::size_t kMostHandedOut = 256;  // at once, before the watchdog looks again
constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
constexpr auto kLongestSegment = 24h;  // so that what is too old goes although little happens
constexpr auto kProvideEvery = 10s;    // how often a reserve that was used is tried to be had again

}  // namespace

class Journal::Writing {
 public:
  Writing(FileIo& io, const Clock& clock, const std::string& directory, const JournalConfig& config, Body body, Snapshot snapshot, Out out,
          const Recovered& recovered)
      : clock_(clock),
        config_(config),
        body_(std::move(body)),
        snapshot_(std::move(snapshot)),
        out_(std::move(out)),
        recovery_(recovered.report),
        epoch_(random_id()),
        alarms_(recovered.report.open_incidents),
        head_(head_behind(recovered, epoch_)),
        writer_(io, clock, directory, config, epoch_, recovered, [this] { return queue_.shown(); }) {
    segment_began_ = clock.mono();
    streams_["-"];
    losses_ = recovery_.lost;
  }

  ~Writing() {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    to_disk_.notify_all();
    if (disk_thread_.joinable()) disk_thread_.join();
    to_out_.notify_all();
    if (out_thread_.joinable()) out_thread_.join();
    writer_.will_end_at(head_.seq);
  }

  Result<void> start() {
    if (auto begun = writer_.begin(); !begun) {
      // A full or failing disk must not blind the gateway: it starts, says durable = false, and keeps trying.
      if (begun.error().kind != ErrorKind::kNoSpace && begun.error().kind != ErrorKind::kIo) return begun;
      log::error("journal", "cannot be written, events go out undurable until it can: {}", begun.error().message);
      queue_.disk_failed(begun.error().kind == ErrorKind::kNoSpace && writer_.has_reserve());
    }
    disk_thread_ = std::thread([this] { write_loop(); });
    out_thread_ = std::thread([this] { hand_out_loop(); });
    return {};
  }

  const Recovery& recovery() const { return recovery_; }
  EventId accept(EventDraft draft);
  void declare_streams(const std::vector<std::string>& facilities);
  JournalHead head() const;
  JournalStats stats() const;
  std::vector<Loss> take_losses() {
    std::scoped_lock lock(mutex_);
    return std::exchange(losses_, {});
  }
  void flush();

 private:
  void ask_for_snapshot(std::unique_lock<std::mutex>& lock);
  void write_loop();
  void write_batch(std::unique_lock<std::mutex>& lock);
  void write_urgent(std::unique_lock<std::mutex>& lock);
  void settle(const std::vector<WaitingPtr>& batch) noexcept;
  void give_up(const Error& error);
  void hand_out_loop();

  const Clock& clock_;
  const JournalConfig config_;
  const Body body_;
  const Snapshot snapshot_;
  const Out out_;
  const Recovery recovery_;
  const std::string epoch_;

  std::mutex accepting_;  // taken before mutex_
  OpenAlarms alarms_;     // under accepting_
  mutable std::mutex mutex_;
  std::condition_variable to_disk_, to_out_, settled_;
  CommitQueue queue_;
  JournalHead head_;  // its `streams` stay empty; they are in streams_
  std::map<std::string, StreamHead> streams_;
  JournalStats stats_;
  std::uint64_t segment_estimate_ = 0;  // bytes accepted since the last rotation
  MonoTime segment_began_{};
  std::vector<Loss> losses_;
  bool asking_ = false;
  bool stopping_ = false;
  bool disk_done_ = false;
  int flushers_ = 0;
  std::uint64_t outbox_done_ = 0;
  std::size_t disk_wakes_at_ = kNever;  // so many in line wake the writing thread
  bool out_waits_ = false;              // the handing-out thread waits: for anything,
  bool out_watches_ = false;            // or, while it also watches the disk, for something to hand out

  // Of the writing thread.
  SegmentWriter writer_;
  Backoff backoff_{100ms, 5s, 50ms};
  SteadyTime last_commit_{};
  SteadyTime retry_at_{};
  SteadyTime provide_at_{};  // when the reserve is looked after next

  std::thread disk_thread_, out_thread_;
};

void Journal::Writing::ask_for_snapshot(std::unique_lock<std::mutex>& lock) {
  asking_ = true;
  segment_estimate_ = 0;
  segment_began_ = clock_.mono();
  Json application = Json::object();
  if (snapshot_) {
    lock.unlock();
    try {
      application = snapshot_();
    } catch (const std::exception& error) {
      log::error("journal", "the snapshot could not be made: {}", error.what());
    }
    lock.lock();
  }
  queue_.rotate(std::move(application), clock_.mono());
  asking_ = false;
}

EventId Journal::Writing::accept(EventDraft draft) {
  // In turn, but a body is made outside mutex_: that takes many times as long as everything else here, and neither the writing thread
  // nor who asks may be kept out meanwhile.
  std::scoped_lock in_turn(accepting_);
  auto waiting = std::make_shared<Waiting>();
  waiting->urgent = alarms_.take(draft);
  if (draft.data.is_object()) waiting->clip = draft.data.value("clip", Json());
  EventId id{epoch_, 0, 0};
  waiting->event.id.epoch = epoch_;
  std::unique_lock lock(mutex_);
  const bool full = segment_estimate_ >= config_.segment_bytes || clock_.mono() - segment_began_ >= kLongestSegment;
  if (full && !asking_ && !queue_.disk_is_bad()) ask_for_snapshot(lock);
  // Once a number is given nothing may throw: it would be in no record and in no gap.
  StreamHead& stream = streams_[draft.facility];
  waiting->event.id.seq = id.seq = ++head_.seq;
  waiting->event.id.stream_seq = id.stream_seq = ++stream.stream_seq;
  lock.unlock();
  waiting->accepted = clock_.mono();
  waiting->accepted_us = to_microseconds(clock_.wall());
  Event& event = waiting->event;
  event.body = body_of(body_, draft, id);
  event.facility = std::move(draft.facility);
  event.source = std::move(draft.source);
  event.type = std::move(draft.type);
  event.subject = std::move(draft.subject);
  event.phase = draft.phase;
  event.time = draft.time;
  event.arrival = draft.arrival;
  lock.lock();
  segment_estimate_ += kRecordLeastBytes + event.body.size();
  ++stats_.accepted;
  queue_.accept(std::move(waiting));
  // Waking a thread takes longer than everything else here: only when there is something for it.
  const bool for_disk = queue_.size() >= disk_wakes_at_ || queue_.has_urgent();
  if (for_disk) disk_wakes_at_ = kNever;
  const bool for_out = out_waits_ && (!out_watches_ || !queue_.outbox.empty());
  lock.unlock();
  if (for_disk) to_disk_.notify_one();
  if (for_out) to_out_.notify_one();
  return id;
}

void Journal::Writing::declare_streams(const std::vector<std::string>& facilities) {
  std::scoped_lock lock(mutex_);
  for (const std::string& facility : facilities) streams_[facility];
}

JournalHead Journal::Writing::head() const {
  std::scoped_lock lock(mutex_);
  JournalHead head = head_;
  head.streams.assign(streams_.begin(), streams_.end());
  return head;
}

JournalStats Journal::Writing::stats() const {
  std::scoped_lock lock(mutex_);
  JournalStats stats = stats_;
  stats.not_durable = queue_.not_durable();
  return stats;
}

void Journal::Writing::flush() {
  std::unique_lock lock(mutex_);
  ++flushers_;
  to_disk_.notify_all();
  settled_.wait(lock, [&, target = head_.seq] { return queue_.settled() >= target && !queue_.has_urgent(); });
  settled_.wait(lock, [&, target = queue_.outbox_pushed] { return outbox_done_ >= target; });
  --flushers_;
}

// Thread: the writing thread, the only one that may hang in the disk.
void Journal::Writing::write_loop() {
  name_this_thread("journal");
  std::unique_lock lock(mutex_);
  while (true) {
    disk_wakes_at_ = 1;
    to_disk_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    disk_wakes_at_ = kNever;
    if (queue_.empty()) break;
    if (queue_.disk_is_bad()) {
      to_disk_.wait_until(lock, retry_at_, [&] { return stopping_ || queue_.has_urgent(); });
      if (queue_.has_urgent()) {
        write_urgent(lock);
        continue;
      }
    } else {
      disk_wakes_at_ = kImpatientAt;
      to_disk_.wait_until(lock, last_commit_ + config_.commit_every,
                          [&] { return stopping_ || flushers_ > 0 || queue_.size() >= kImpatientAt; });
      disk_wakes_at_ = kNever;
    }
    write_batch(lock);
    if (stopping_ && queue_.disk_is_bad()) {
      log::error("journal", "closed with {} records that could not be written", queue_.size());
      break;
    }
  }
  disk_done_ = true;
  to_out_.notify_all();
}

void Journal::Writing::write_batch(std::unique_lock<std::mutex>& lock) {
  const auto batch = queue_.take(kMostBatch);
  const bool rotation = batch.front()->kind == Waiting::Kind::kRotate;
  const auto seen = seen_of(batch);
  last_commit_ = std::chrono::steady_clock::now();
  lock.unlock();

  Result<void> done;
  if (rotation) {
    if (auto rotated = rotate_segment(writer_, batch.front()->application); !rotated)
      log::warning("journal", "no new segment: {}", rotated.error().message);  // the next batch tries again and decides
  } else {
    done = write_events(writer_, batch, seen);
  }
  const auto now = std::chrono::steady_clock::now();
  if (done && now >= provide_at_ && writer_.lacks_reserve()) {
    faults::contained("journal", [&] { writer_.provide_reserve(); });
    provide_at_ = now + kProvideEvery;
  }
  lock.lock();
  if (done)
    settle(batch);
  else
    give_up(done.error());
  to_out_.notify_one();
  settled_.notify_all();
}

// Alarms while the disk is full: to the reserve, ahead of their place.
void Journal::Writing::write_urgent(std::unique_lock<std::mutex>& lock) {
  const auto batch = queue_.take_urgent(kMostBatch);
  const auto seen = seen_of(batch);
  lock.unlock();
  const auto done = write_alarms(writer_, batch, seen);
  lock.lock();
  if (done) {
    queue_.kept(batch);
    stats_.kept += batch.size();
    stats_.bytes = writer_.bytes_written();
  } else {
    log::error("journal", "the reserve for alarms is used up, alarms go out undurable too: {}", done.error().message);
    queue_.reserve_is_gone();
  }
  to_out_.notify_one();
  settled_.notify_all();
}

// An exception here ends the process, on purpose: the disk has what the line still holds, and going on would write it twice. The next
// start reads the truth from the disk.
void Journal::Writing::settle(const std::vector<WaitingPtr>& batch) noexcept {
  const MonoTime now = clock_.mono();
  const bool rotation = batch.front()->kind == Waiting::Kind::kRotate;
  for (const WaitingPtr& waiting : batch) {
    if (waiting->kind == Waiting::Kind::kGap) {
      head_.durable_seq = std::max(head_.durable_seq, waiting->gap.to);
      for (const auto& [stream, range] : waiting->gap.streams) streams_[stream].durable = range.second;
      add_loss(losses_, loss_of(waiting->gap, epoch_));
    } else if (waiting->kind == Waiting::Kind::kEvent) {
      ++stats_.durable;
      stats_.commit.add(now - waiting->accepted);
      head_.durable_seq = waiting->event.id.seq;
      streams_[waiting->event.facility].durable = waiting->event.id.stream_seq;
    }
  }
  queue_.committed(batch);
  stats_.bytes = writer_.bytes_written();
  head_.oldest_seq = writer_.oldest_seq();
  if (rotation) return;
  ++stats_.commits;
  if (queue_.disk_is_bad()) log::info("journal", "can be written again");
  queue_.disk_is_good();
  backoff_.reset();
}

void Journal::Writing::give_up(const Error& error) {
  if (!queue_.disk_is_bad()) log::error("journal", "cannot be written, events go out undurable until it can: {}", error.message);
  queue_.disk_failed(error.kind == ErrorKind::kNoSpace && writer_.has_reserve());
  retry_at_ = std::chrono::steady_clock::now() + backoff_.next(random_u64());
}

// Thread: the journal's own, on which `out` is called; also the watchdog of the writing thread.
void Journal::Writing::hand_out_loop() {
  name_this_thread("journal/out");
  std::vector<Committed> going;
  going.reserve(kMostHandedOut);
  std::unique_lock lock(mutex_);
  while (true) {
    if (!queue_.outbox.empty()) {
      for (; !queue_.outbox.empty() && going.size() < kMostHandedOut; queue_.outbox.pop_front())
        going.push_back(std::move(queue_.outbox.front()));
      lock.unlock();
      for (Committed& committed : going) {
        faults::contained("journal/out", [&] { out_(std::move(committed)); });
      }
      lock.lock();
      outbox_done_ += going.size();
      going.clear();
      if (outbox_done_ == queue_.outbox_pushed) settled_.notify_all();
    } else if (disk_done_) {
      return;
    } else if (!queue_.has_unseen()) {
      out_waits_ = true;
      to_out_.wait(lock);
      out_waits_ = false;
    } else if (clock_.mono() - queue_.oldest() > kProvisionalAfter) {
      queue_.hand_out_provisionally();
    } else {
      out_waits_ = out_watches_ = true;
      to_out_.wait_for(lock, kWatchEvery);
      out_waits_ = out_watches_ = false;
    }
  }
}

Journal::Journal(std::unique_ptr<Writing> writing) : writing_(std::move(writing)) {}
Journal::~Journal() = default;
const Recovery& Journal::recovery() const { return writing_->recovery(); }
EventId Journal::accept(EventDraft draft) { return writing_->accept(std::move(draft)); }
void Journal::declare_streams(const std::vector<std::string>& facilities) { writing_->declare_streams(facilities); }
JournalHead Journal::head() const { return writing_->head(); }
JournalStats Journal::stats() const { return writing_->stats(); }
std::vector<Loss> Journal::take_losses() { return writing_->take_losses(); }
void Journal::flush() { writing_->flush(); }

Result<std::unique_ptr<Journal>> Journal::open(FileIo& io, const Clock& clock, const std::string& directory, const JournalConfig& config,
                                               Body body, Snapshot snapshot, Out out) {
  auto recovered = recover(io, directory);
  if (!recovered) return tl::unexpected(recovered.error());
  auto writing = std::make_unique<Writing>(io, clock, directory, config, std::move(body), std::move(snapshot), std::move(out), *recovered);
  if (auto started = writing->start(); !started) return tl::unexpected(started.error());
  return std::unique_ptr<Journal>(new Journal(std::move(writing)));
}

}  // namespace kanhu::journal
