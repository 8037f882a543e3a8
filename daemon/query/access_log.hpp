// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "base/bounded_queue.hpp"
#include "pipelines/event.hpp"

namespace kanhu {

// Accesses become events, and what was asked for leaves only when its event is on disk. On a thread of its own, because disks stall:
// everything that waits is accepted and committed together.
// Thread: enter from any; `journal` and `then` are called on the book's thread.
class AccessLog {
 public:
  // Accepts the events; true once all of them are on disk.
  using Journal = std::function<bool(std::vector<EventDraft>)>;
  using Then = std::function<void(bool durable)>;

  explicit AccessLog(Journal journal);
  ~AccessLog();  // after all that was entered
  // False when 64 wait already (the disk stalls): nothing was entered.
  bool enter(EventDraft event, Then then);

 private:
  struct Entry {
    EventDraft event;
    Then then;
  };
  void run();

  const Journal journal_;
  BoundedQueue<Entry> entries_{64};
  std::thread thread_;
};

}  // namespace kanhu
