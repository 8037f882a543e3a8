// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipelines/journal/journal.hpp"

namespace kanhu::journal {

// Bounds of what waits for the disk: 5 s of a peak of 2,000 events a second, and the reserve while the disk is full.
inline constexpr std::size_t kMostWaitingEvents = 10'000;
inline constexpr std::size_t kMostWaitingBytes = 16u << 20;

// Numbers that were given to events which did not fit: lost to the journal, handed out all the same.
struct Gap {
  std::uint64_t from = 0, to = 0;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> streams;  // first and last lost
  std::vector<std::string> ended;                                          // subjects whose end was lost
};

// One thing in line for the disk.
struct Waiting {
  enum class Kind { kEvent, kGap, kRotate };
  Kind kind = Kind::kEvent;
  Event event;
  Json clip;  // the draft's data.clip
  MonoTime accepted{};
  std::int64_t accepted_us = 0;
  bool handed_out = false;
  bool provisional = false;  // when handed out: the disk was slow, not failing
  bool undurable = false;    // it was not on disk when it was handed out
  bool taken = false;        // a batch holds it
  bool urgent = false;       // the reserve is for it (OpenAlarms), or it is a mark
  bool kept = false;         // it is on disk, in the reserve, ahead of its place
  Gap gap;
  Json application;  // of kRotate: the Snapshot callback's answer
};
using WaitingPtr = std::shared_ptr<Waiting>;

// The line for the disk and the line to the subscribers, and the rule that keeps the second in order of seq: what was
// handed out is always a prefix of what waits. While the disk is bad everything goes out at once, except that what is urgent waits
// (and what came behind it) until it is kept in the reserve, as long as there is one.
// Thread: guarded by its owner's mutex.
class CommitQueue {
 public:
  // Queues an accepted event, or, when there is no room, extends the gap and hands the event out at once.
  void accept(WaitingPtr event);
  void rotate(Json application, MonoTime now);

  // The next batch, up to and without a rotation; or the rotation alone when it is at the front.
  std::vector<WaitingPtr> take(std::size_t most);
  // The batch is on disk.
  void committed(const std::vector<WaitingPtr>& batch);
  // The disk cannot be written: what waits goes out now and stays in line. `reserve`: there is one for what is urgent.
  void disk_failed(bool reserve);
  // The disk is slow: everything waiting goes out now, to be confirmed later.
  void hand_out_provisionally() { hand_out_waiting(!disk_bad_, true); }

  // What is urgent and not kept yet, while there is a reserve.
  bool has_urgent() const { return disk_bad_ && reserve_ && urgent_ > 0; }
  std::vector<WaitingPtr> take_urgent(std::size_t most);
  void kept(const std::vector<WaitingPtr>& batch);
  // The reserve is used up: nothing waits for it any more.
  void reserve_is_gone();

  bool disk_is_bad() const { return disk_bad_; }
  void disk_is_good() {
    disk_bad_ = false;
    reserve_ = false;
    mark_every_ = {};
    mark_at_ = {};
  }
  bool empty() const { return line_.empty(); }
  std::size_t size() const { return line_.size(); }
  bool has_unseen() const { return unseen_ > 0; }
  // Since when what was not handed out waits, or what is in front of it.
  MonoTime oldest() const;
  std::uint64_t settled() const { return settled_; }  // every number up to it is on disk or given up
  std::uint64_t not_durable() const { return not_durable_; }
  // The last number handed out before it was on disk. From any thread, without the mutex.
  std::uint64_t shown() const { return shown_; }

  std::deque<Committed> outbox;
  std::uint64_t outbox_pushed = 0;

 private:
  std::deque<WaitingPtr>::const_iterator first_unseen() const;
  void hand_out_waiting(bool provisional, bool urgent_too);
  void hand_out(const WaitingPtr& going, bool provisional);
  void lose(const Waiting& event);
  void mark(Waiting& event);
  void mark_newest();

  std::deque<WaitingPtr> line_;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
  std::size_t unseen_ = 0;  // events in line that were not handed out
  std::size_t urgent_ = 0;  // urgent ones in line that are not kept
  bool disk_bad_ = false;
  bool reserve_ = false;
  std::chrono::seconds mark_every_{0};
  MonoTime mark_at_{};  // when the next event goes to the reserve whatever it is, so that the numbers in front of it are known
  std::uint64_t settled_ = 0;
  std::uint64_t not_durable_ = 0;
  std::atomic<std::uint64_t> shown_{0};
};

}  // namespace kanhu::journal
