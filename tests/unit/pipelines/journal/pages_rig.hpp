// SPDX-License-Identifier: MIT
// The journal as a client sees it: page by page, until nothing more is durable.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipelines/journal/pages.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

namespace kanhu::test {

struct Fetched {
  std::vector<journal::JournalRecord> events;
  std::vector<journal::JournalGap> gaps;
  journal::JournalPlace next;
  int pages = 0;
};

inline Fetched fetch_all(journal::JournalPages& pages, const journal::JournalHead& head, journal::FetchRequest request) {
  Fetched all;
  while (true) {
    auto page = pages.fetch(request, head);
    if (!page) throw std::runtime_error(page.error().message);
    ++all.pages;
    for (auto& event : page->events) all.events.push_back(std::move(event));
    for (auto& gap : page->gaps) all.gaps.push_back(std::move(gap));
    all.next = page->next;
    if (page->complete) return all;
    const bool goes_on = page->next.epoch != request.after.epoch || page->next.seq > request.after.seq;
    if (!goes_on) throw std::runtime_error("the same page again");
    request.after = page->next;
  }
}

inline journal::FetchRequest everything(std::size_t most_events = 500) {
  journal::FetchRequest request;
  request.most_events = most_events;
  return request;
}

inline journal::FetchRequest behind(const std::string& epoch, std::uint64_t seq) {
  journal::FetchRequest request;
  request.after = {epoch, seq};
  return request;
}

// Every number from `first` to `last` of the epoch comes exactly once: as an event or in one gap. Empty when it is so, else what is not.
inline std::string covers(const Fetched& all, const std::string& epoch, std::uint64_t first, std::uint64_t last) {
  std::map<std::uint64_t, int> times;
  for (const auto& event : all.events)
    if (event.id.epoch == epoch) ++times[event.id.seq];
  for (const auto& gap : all.gaps) {
    if (gap.epoch != epoch) continue;
    if (gap.to > last) return "a gap to " + std::to_string(gap.to);
    for (std::uint64_t seq = gap.from; seq <= gap.to; ++seq) ++times[seq];
  }
  for (std::uint64_t seq = first; seq <= last; ++seq) {
    if (times[seq] != 1) return std::to_string(seq) + " comes " + std::to_string(times[seq]) + " times";
  }
  return times.empty() || (times.begin()->first >= first && times.rbegin()->first <= last) ? "" : "numbers beyond";
}

}  // namespace kanhu::test
