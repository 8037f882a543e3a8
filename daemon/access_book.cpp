#include "daemon/access_book.hpp"

#include <utility>

#include "base/thread_name.hpp"

namespace kanhu {

AccessBook::AccessBook(Journal journal) : journal_(std::move(journal)), thread_([this] { run(); }) {}

AccessBook::~AccessBook() {
  entries_.close();
  thread_.join();
}

bool AccessBook::enter(EventDraft event, Then then) { return entries_.try_push(Entry{std::move(event), std::move(then)}); }

void AccessBook::run() {
  name_this_thread("access");
  while (auto first = entries_.pop()) {
    std::vector<Entry> together = entries_.drain(entries_.capacity());
    together.insert(together.begin(), std::move(*first));
    std::vector<EventDraft> events;
    for (Entry& entry : together) events.push_back(std::move(entry.event));
    const bool durable = journal_(std::move(events));
    for (const Entry& entry : together)
      if (entry.then) entry.then(durable);
  }
}

}  // namespace kanhu
