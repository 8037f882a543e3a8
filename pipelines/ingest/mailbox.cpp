// SPDX-License-Identifier: MIT
#include "pipelines/ingest/mailbox.hpp"

#include <algorithm>
#include <utility>

namespace kanhu::ingest {
namespace {

constexpr std::size_t kMostPackets = 512;
constexpr std::size_t kMostPacketBytes = 32u << 20;
constexpr std::size_t kMostFrames = 4;

}  // namespace

bool Mailbox::has_room(const Item& item) const {
  if (std::holds_alternative<Frame>(item)) return frames_ < kMostFrames;
  // One packet always fits, so that a lossless writer cannot wait for ever.
  return packets_ == 0 || (packets_ < kMostPackets && packet_bytes_ + std::get<PacketPtr>(item)->bytes.size() <= kMostPacketBytes);
}

void Mailbox::count(const Item& item, int sign) {
  if (std::holds_alternative<Frame>(item)) {
    frames_ += static_cast<std::size_t>(sign);
  } else {
    packets_ += static_cast<std::size_t>(sign);
    packet_bytes_ += static_cast<std::size_t>(sign) * std::get<PacketPtr>(item)->bytes.size();
  }
}

void Mailbox::forget_oldest_frame() {
  const auto oldest = std::find_if(items_.begin(), items_.end(), [](const Item& item) { return std::holds_alternative<Frame>(item); });
  if (oldest == items_.end()) return;
  count(*oldest, -1);
  items_.erase(oldest);
}

Mailbox::Posted Mailbox::post(Item item) {
  {
    std::unique_lock lock(mutex_);
    if (lossless_) room_.wait(lock, [&] { return end_ || has_room(item); });
    if (end_) return Posted::kClosed;
    if (!has_room(item)) {
      if (std::holds_alternative<PacketPtr>(item)) return Posted::kRefused;
      forget_oldest_frame();
    }
    count(item, 1);
    items_.push_back(std::move(item));
  }
  changed_.notify_all();
  return Posted::kTaken;
}

void Mailbox::end(Error why) {
  {
    std::scoped_lock lock(mutex_);
    if (end_) return;
    end_ = std::move(why);
  }
  changed_.notify_all();
  room_.notify_all();
}

void Mailbox::abort(Error why) {
  std::deque<Item> forgotten;  // dies outside the lock
  {
    std::scoped_lock lock(mutex_);
    if (aborted_) return;
    aborted_ = true;
    end_ = std::move(why);
    forgotten.swap(items_);
    packets_ = packet_bytes_ = frames_ = 0;
  }
  changed_.notify_all();
  room_.notify_all();
}

std::optional<Item> Mailbox::next(std::chrono::nanoseconds patience) {
  std::optional<Item> item;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return !items_.empty() || end_; });
    if (items_.empty()) return std::nullopt;
    item.emplace(std::move(items_.front()));
    items_.pop_front();
    count(*item, -1);
  }
  room_.notify_all();
  return item;
}

std::optional<Error> Mailbox::ended() const {
  std::scoped_lock lock(mutex_);
  return items_.empty() ? end_ : std::nullopt;
}

bool Mailbox::closed() const {
  std::scoped_lock lock(mutex_);
  return end_.has_value();
}

bool Mailbox::wait_until_closed(std::chrono::nanoseconds patience) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, patience, [&] { return end_.has_value(); });
}

bool Mailbox::reopen() {
  std::scoped_lock lock(mutex_);
  if (aborted_) return false;
  end_.reset();
  items_.clear();
  packets_ = packet_bytes_ = frames_ = 0;
  return true;
}

}  // namespace kanhu::ingest
