// SPDX-License-Identifier: MIT
// Searching the journal, for auditors: by an index where there is one (event_index.hpp), else by reading everything. Both give the same.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/search/event_filter.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::journal {

// Where a record stands, and enough of it to know it again.
struct EventPlace {
  std::uint64_t segment = 0;  // its number
  std::uint64_t offset = 0, size = 0;
  std::uint32_t epoch_ordinal = 0;
  std::uint64_t seq = 0;
  std::uint64_t mark = 0;  // the first 8 bytes of its hash
};

struct StoredEvent {
  JournalRecord record;
  EventPlace place;
  EventFacts facts;
  std::string segment_path;
  Phase phase = Phase::kPoint;
  WallTime accepted{};
  bool provisional = false;  // handed out before it was durable because that took over 500 ms
  bool late = false;         // handed out with durable = false, written later
  Sha256 hash{};
};
using EachEvent = std::function<bool(const StoredEvent&)>;

// What was seen on the way. Damage does not stop a search: what can be read is given.
struct SearchNotes {
  std::vector<std::string> damage;  // one sentence a place, oldest first
  std::string index;                // why the index was not used, or was built anew; empty: nothing to say
  std::uint64_t removed = 0;        // found, and dropped by retention before they could be read
};

// Everything the journal knows that a filter may name.
struct KnownNames {
  std::set<std::string> facilities, sources, types, zones, people;
};

// The file beside a journal. Another name is taken only for a file that is absent, empty, or an index of Kanhu.
inline constexpr std::string_view kIndexName = "journal.index.sqlite";

struct SearchPlan {
  std::string journal;  // its folder
  std::string index;    // file; empty: none is used
};

// Hands out what matches, oldest first, until `each` says false. The journal is only read, and may be written meanwhile; the index is
// brought up to date, made anew where it does not belong to this journal, and left alone when somebody else uses it or it
// cannot be written.
Result<SearchNotes> search_events(FileIo& io, const SearchPlan& plan, const EventFilter& filter, const EachEvent& each);
// Reads everything; `names`, when given, is filled on the way.
Result<SearchNotes> scan_events(FileIo& io, const std::string& journal, const EventFilter& filter, const EachEvent& each,
                                KnownNames* names = nullptr);
// By the index, or by reading everything.
Result<KnownNames> known_names(FileIo& io, const SearchPlan& plan);

}  // namespace kanhu::journal
