// SPDX-License-Identifier: MIT
#include "pipelines/sense/inbox.hpp"

#include <algorithm>

namespace kanhu::sense {

void Inbox::expect(const std::string& broker, const std::string& topic, Keep keep, std::size_t most_bytes) {
  std::scoped_lock lock(mutex_);
  auto [at, fresh] = slots_.try_emplace({broker, topic});
  Slot& slot = at->second;
  // Two sensors may share a topic: then what the more demanding one needs is kept.
  slot.keep = fresh || keep == Keep::kEach ? keep : slot.keep;
  slot.most_bytes = std::max(slot.most_bytes, most_bytes);
}

void Inbox::forget(const std::string& broker) {
  std::scoped_lock lock(mutex_);
  std::erase_if(slots_, [&](const auto& entry) { return entry.first.first == broker; });
  std::erase_if(notes_, [&](const BrokerNote& note) { return note.broker == broker; });
}

void Inbox::put(const std::string& broker, std::string_view topic, std::string_view payload, bool retained, MonoTime mono, WallTime wall) {
  {
    std::scoped_lock lock(mutex_);
    const auto found = slots_.find(Key(broker, topic));
    if (found == slots_.end()) return;
    Slot& slot = found->second;
    ++slot.count.messages;
    slot.count.bytes += payload.size();
    const std::size_t most = slot.keep == Keep::kNewest ? 1 : kMostKept;
    if (slot.waiting.size() >= most) {
      slot.waiting.pop_front();
      ++slot.count.overtaken;
    }
    const bool fits = payload.size() <= slot.most_bytes;
    slot.waiting.push_back({broker, std::string(topic), fits ? std::string(payload) : std::string(), payload.size(), retained, mono, wall});
  }
  filled_.notify_one();
}

void Inbox::note(BrokerNote note) {
  {
    std::scoped_lock lock(mutex_);
    if (note.topic.empty() && note.why) {
      for (auto& [key, slot] : slots_)
        if (key.first == note.broker) slot.waiting.clear();
    }
    // Only the newest word on a broker counts, and on each of its topics.
    std::erase_if(notes_,
                  [&](const BrokerNote& old) { return old.broker == note.broker && (note.topic.empty() || old.topic == note.topic); });
    notes_.push_back(std::move(note));
  }
  filled_.notify_one();
}

bool Inbox::has_some() const {
  return !notes_.empty() || std::any_of(slots_.begin(), slots_.end(), [](const auto& entry) { return !entry.second.waiting.empty(); });
}

Inbox::Batch Inbox::take(std::chrono::nanoseconds patience) {
  Batch batch;
  std::unique_lock lock(mutex_);
  filled_.wait_for(lock, patience, [this] { return woken_ || has_some(); });
  woken_ = false;
  batch.notes.assign(std::make_move_iterator(notes_.begin()), std::make_move_iterator(notes_.end()));
  notes_.clear();
  for (auto& [key, slot] : slots_) {
    if (slot.waiting.empty()) continue;
    batch.messages.push_back(std::move(slot.waiting.front()));
    slot.waiting.pop_front();
  }
  return batch;
}

void Inbox::wake() {
  {
    std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  filled_.notify_one();
}

std::map<std::pair<std::string, std::string>, TopicCount> Inbox::counts() const {
  std::scoped_lock lock(mutex_);
  std::map<Key, TopicCount> counts;
  for (const auto& [key, slot] : slots_) counts.emplace(key, slot.count);
  return counts;
}

}  // namespace kanhu::sense
