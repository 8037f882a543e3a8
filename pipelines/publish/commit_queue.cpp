#include "pipelines/publish/commit_queue.hpp"

#include <algorithm>

namespace kanhu::publish {
namespace {

constexpr std::size_t kMostEndedSubjects = 4096;  // a gap's memory is bounded too

}  // namespace

void CommitQueue::accept(WaitingPtr event) {
  if (events_ >= kMostWaitingEvents || bytes_ + event->event.body.size() > kMostWaitingBytes) {
    hand_out_waiting(!disk_bad_);
    lose(*event);
    hand_out(*event, false);
    return;
  }
  line_.push_back(std::move(event));
  Waiting& waiting = *line_.back();
  ++events_;
  bytes_ += waiting.event.body.size();
  ++unseen_;
  if (disk_bad_) hand_out_waiting(false);
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
    Committed committed;
    committed.confirms = waiting->handed_out;
    committed.event = std::move(waiting->event);
    outbox.push_back(std::move(committed));
    ++outbox_pushed;
  }
}

void CommitQueue::disk_failed() {
  disk_bad_ = true;
  hand_out_waiting(false);
  for (const WaitingPtr& waiting : line_) waiting->taken = false;
  for (auto waiting = line_.rbegin(); waiting != line_.rend(); ++waiting) {
    if ((*waiting)->kind == Waiting::Kind::kRotate) continue;
    settled_ = std::max(settled_, (*waiting)->kind == Waiting::Kind::kGap ? (*waiting)->gap.to : (*waiting)->event.id.seq);
    break;
  }
}

void CommitQueue::hand_out_waiting(bool provisional) {
  if (unseen_ == 0) return;
  auto first = line_.end();
  while (first != line_.begin()) {
    const Waiting& waiting = **std::prev(first);
    if (waiting.kind == Waiting::Kind::kEvent && waiting.handed_out) break;
    --first;
  }
  for (; first != line_.end(); ++first) {
    if ((*first)->kind == Waiting::Kind::kEvent) hand_out(**first, provisional);
  }
  unseen_ = 0;
}

void CommitQueue::hand_out(Waiting& waiting, bool provisional) {
  waiting.handed_out = true;
  waiting.provisional = provisional;
  Committed committed;
  committed.event = waiting.event;
  committed.durable = false;
  committed.provisional = provisional;
  outbox.push_back(std::move(committed));
  ++outbox_pushed;
  if (!provisional) {
    ++not_durable_;
    if (disk_bad_) settled_ = std::max(settled_, waiting.event.id.seq);
  }
}

}  // namespace kanhu::publish
