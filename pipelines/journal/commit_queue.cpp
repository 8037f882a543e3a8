// SPDX-License-Identifier: MIT
#include "pipelines/journal/commit_queue.hpp"

#include <algorithm>

namespace kanhu::journal {
namespace {

constexpr std::size_t kMostEndedSubjects = 4096;  // a gap's memory is bounded too
// Twice as long each time: a reserve of 8 MiB is for alarms for days.
constexpr std::chrono::seconds kFirstBetweenMarks(1), kLongestBetweenMarks(60);

// Immutable since it was accepted; it lives as long as anybody has it.
std::shared_ptr<const Event> event_of(const WaitingPtr& waiting) { return {waiting, &waiting->event}; }

}  // namespace

// Should the gateway end before the disk has space again, what was lost with it is known up to the last event in the reserve, and
// that more may have been lost behind it.
void CommitQueue::mark(Waiting& event) {
  if (!disk_bad_ || !reserve_ || event.accepted < mark_at_) return;
  event.urgent = true;
  mark_every_ = std::clamp(2 * mark_every_, kFirstBetweenMarks, kLongestBetweenMarks);
  mark_at_ = event.accepted + mark_every_;
}

// The disk was just found to be full: the newest of what waits, so that all of it is known.
void CommitQueue::mark_newest() {
  if (mark_at_ != MonoTime{}) return;
  const auto newest = std::find_if(line_.rbegin(), line_.rend(), [](const WaitingPtr& one) { return one->kind == Waiting::Kind::kEvent; });
  if (newest == line_.rend() || (*newest)->urgent) return;
  mark(**newest);
  if ((*newest)->urgent) ++urgent_;
}

void CommitQueue::accept(WaitingPtr event) {
  mark(*event);
  // For what the reserve can hold there is room as long again.
  const std::size_t share = event->urgent && disk_bad_ && reserve_ ? 2 : 1;
  if (events_ >= share * kMostWaitingEvents || bytes_ + event->event.body.size() > share * kMostWaitingBytes) {
    hand_out_waiting(!disk_bad_, true);
    lose(*event);
    hand_out(event, false);
    return;
  }
  line_.push_back(std::move(event));
  Waiting& waiting = *line_.back();
  ++events_;
  bytes_ += waiting.event.body.size();
  ++unseen_;
  if (waiting.urgent) ++urgent_;
  if (disk_bad_) hand_out_waiting(false, false);
}

void CommitQueue::rotate(Json application, MonoTime now) {
  auto waiting = std::make_shared<Waiting>();
  waiting->kind = Waiting::Kind::kRotate;
  waiting->application = std::move(application);
  waiting->accepted = now;
  line_.push_back(std::move(waiting));
}

void CommitQueue::lose(const Waiting& event) {
  if (line_.empty() || line_.back()->kind != Waiting::Kind::kGap || line_.back()->taken) {
    auto waiting = std::make_shared<Waiting>();
    waiting->kind = Waiting::Kind::kGap;
    waiting->accepted = event.accepted;
    waiting->accepted_us = event.accepted_us;
    waiting->gap.from = event.event.id.seq;
    line_.push_back(std::move(waiting));
  }
  Gap& gap = line_.back()->gap;
  gap.to = event.event.id.seq;
  const auto number = event.event.id.stream_seq;
  gap.streams.try_emplace(event.event.facility, number, number).first->second.second = number;
  if (event.event.phase == Phase::kEnd && gap.ended.size() < kMostEndedSubjects) gap.ended.push_back(event.event.subject);
  if (disk_bad_) settled_ = std::max(settled_, gap.to);
}

std::vector<WaitingPtr> CommitQueue::take(std::size_t most) {
  std::vector<WaitingPtr> batch;
  for (const WaitingPtr& waiting : line_) {
    if (batch.size() == most) break;
    if (waiting->kind == Waiting::Kind::kRotate && !batch.empty()) break;
    waiting->taken = true;
    batch.push_back(waiting);
    if (waiting->kind == Waiting::Kind::kRotate) break;
  }
  return batch;
}

void CommitQueue::committed(const std::vector<WaitingPtr>& batch) {
  for (const WaitingPtr& waiting : batch) {
    line_.pop_front();
    if (waiting->kind == Waiting::Kind::kGap) settled_ = std::max(settled_, waiting->gap.to);
    if (waiting->kind != Waiting::Kind::kEvent) continue;
    --events_;
    bytes_ -= waiting->event.body.size();
    settled_ = std::max(settled_, waiting->event.id.seq);
    if (!waiting->handed_out) --unseen_;
    if (waiting->urgent && !waiting->kept) --urgent_;
    if (waiting->handed_out && waiting->kept) continue;  // subscribers know that it is on disk
    Committed committed;
    committed.confirms = waiting->handed_out;
    waiting->clip = nullptr;  // the event may live on for a while
    committed.event = event_of(waiting);
    outbox.push_back(std::move(committed));
    ++outbox_pushed;
  }
}

std::vector<WaitingPtr> CommitQueue::take_urgent(std::size_t most) {
  std::vector<WaitingPtr> batch;
  for (const WaitingPtr& waiting : line_) {
    if (batch.size() == most) break;
    if (waiting->urgent && !waiting->kept) batch.push_back(waiting);
  }
  return batch;
}

void CommitQueue::kept(const std::vector<WaitingPtr>& batch) {
  for (const WaitingPtr& waiting : batch) {
    waiting->kept = true;
    --urgent_;
    if (!waiting->handed_out) continue;
    Committed committed;  // it went out meanwhile
    committed.confirms = true;
    committed.event = event_of(waiting);
    outbox.push_back(std::move(committed));
    ++outbox_pushed;
  }
  hand_out_waiting(false, false);
}

void CommitQueue::reserve_is_gone() {
  reserve_ = false;
  hand_out_waiting(false, true);
}

void CommitQueue::disk_failed(bool reserve) {
  disk_bad_ = true;
  reserve_ = reserve;
  for (const WaitingPtr& waiting : line_) waiting->taken = false;
  if (reserve) mark_newest();
  hand_out_waiting(false, false);
  for (auto end = first_unseen(); end != line_.begin();) {
    const Waiting& waiting = **--end;
    if (waiting.kind == Waiting::Kind::kRotate) continue;
    settled_ = std::max(settled_, waiting.kind == Waiting::Kind::kGap ? waiting.gap.to : waiting.event.id.seq);
    break;
  }
}

MonoTime CommitQueue::oldest() const {
  const auto first = disk_bad_ ? first_unseen() : line_.begin();
  return first == line_.end() ? line_.front()->accepted : (*first)->accepted;
}

// The first event that was not handed out; all in front of it were.
std::deque<WaitingPtr>::const_iterator CommitQueue::first_unseen() const {
  auto first = line_.end();
  if (unseen_ == 0) return first;
  for (auto at = line_.end(); at != line_.begin();) {
    const Waiting& waiting = **--at;
    if (waiting.kind != Waiting::Kind::kEvent) continue;
    if (waiting.handed_out) break;
    first = at;
  }
  return first;
}

void CommitQueue::hand_out_waiting(bool provisional, bool urgent_too) {
  for (auto at = first_unseen(); at != line_.end(); ++at) {
    const Waiting& waiting = **at;
    if (waiting.kind != Waiting::Kind::kEvent) continue;
    if (!urgent_too && reserve_ && waiting.urgent && !waiting.kept) return;
    hand_out(*at, provisional);
    --unseen_;
  }
}

void CommitQueue::hand_out(const WaitingPtr& going, bool provisional) {
  Waiting& waiting = *going;
  waiting.handed_out = true;
  waiting.provisional = provisional;
  waiting.undurable = !waiting.kept;
  Committed committed;
  committed.event = event_of(going);
  committed.durable = waiting.kept;
  committed.provisional = provisional && !waiting.kept;
  if (!waiting.kept) shown_ = waiting.event.id.seq;
  outbox.push_back(std::move(committed));
  ++outbox_pushed;
  if (disk_bad_) settled_ = std::max(settled_, waiting.event.id.seq);
  if (!provisional && !waiting.kept) ++not_durable_;
}

}  // namespace kanhu::journal
