// SPDX-License-Identifier: MIT
// What came from the brokers and waits to be looked at.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace kanhu::sense {

// What is kept of a topic while nobody looks: a new temperature picture makes the older one worthless, every change of a state counts.
enum class Keep { kNewest, kEach };

struct Delivery {
  std::string broker, topic;
  std::string payload;
  std::uint64_t bytes = 0;  // as sent; more than `payload` has when it was too large to be kept
  bool retained = false;
  MonoTime mono{};
  WallTime wall{};
};

// A broker came or went, or does not let a topic be read.
struct BrokerNote {
  std::string broker;
  std::string topic;         // only when it is about one
  std::optional<Error> why;  // nothing: connected
};

struct TopicCount {
  std::uint64_t messages = 0, bytes = 0;
  std::uint64_t overtaken = 0;  // dropped because newer ones came before anybody looked
};

// One slot a topic: of kNewest the newest message, of kEach the newest 64. Full: the oldest is dropped and counted, so a flood on one
// topic costs the others nothing, and memory is bounded by topics. A lost broker's messages are dropped with it. Notes about brokers
// go first; each `take` has at most one message a topic.
// Thread: any; one taker.
class Inbox {
 public:
  static constexpr std::size_t kMostKept = 64;

  // Topics that are not expected are dropped. `most_bytes`: of a longer payload only its length is kept.
  void expect(const std::string& broker, const std::string& topic, Keep keep, std::size_t most_bytes);
  void forget(const std::string& broker);

  void put(const std::string& broker, std::string_view topic, std::string_view payload, bool retained, MonoTime mono, WallTime wall);
  void note(BrokerNote note);

  struct Batch {
    std::vector<BrokerNote> notes;
    std::vector<Delivery> messages;
    bool empty() const { return notes.empty() && messages.empty(); }
  };
  Batch take(std::chrono::nanoseconds patience);
  void wake();  // ends a `take` that waits

  std::map<std::pair<std::string, std::string>, TopicCount> counts() const;

 private:
  struct Slot {
    Keep keep = Keep::kNewest;
    std::size_t most_bytes = 0;
    std::deque<Delivery> waiting;
    TopicCount count;
  };
  using Key = std::pair<std::string, std::string>;  // broker, topic
  bool has_some() const;

  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::map<Key, Slot> slots_;
  std::deque<BrokerNote> notes_;
  bool woken_ = false;
};

}  // namespace kanhu::sense
