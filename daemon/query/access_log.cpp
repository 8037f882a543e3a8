// SPDX-License-Identifier: MIT
#include "daemon/query/access_log.hpp"

#include <utility>

#include "base/fault.hpp"
#include "base/thread_name.hpp"

namespace kanhu {

AccessLog::AccessLog(Journal journal) : journal_(std::move(journal)), thread_([this] { run(); }) {}

AccessLog::~AccessLog() {
  entries_.close();
  thread_.join();
}

bool AccessLog::enter(EventDraft event, Then then) { return entries_.try_push(Entry{std::move(event), std::move(then)}); }

void AccessLog::run() {
  name_this_thread("access");
  while (auto first = entries_.pop()) {
    std::vector<Entry> together = entries_.drain(entries_.capacity());
    together.insert(together.begin(), std::move(*first));
    std::vector<EventDraft> events;
    for (Entry& entry : together) events.push_back(std::move(entry.event));
    bool durable = false;  // nothing is shown of what could not be journalled, for whatever reason
    faults::contained("access", [&] { durable = journal_(std::move(events)); });
    for (const Entry& entry : together)
      if (entry.then) faults::contained("access", [&] { entry.then(durable); });
  }
}

}  // namespace kanhu
