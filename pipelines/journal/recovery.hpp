// SPDX-License-Identifier: MIT
// What opening for writing learns from the segments that are there. Private to pipelines/publish.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/open_incidents.hpp"
#include "pipelines/journal/record_format.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/journal/witness.hpp"

namespace kanhu::journal {

// The last durable numbers of an epoch.
struct EpochEnd {
  std::string epoch;  // empty: none
  std::uint64_t seq = 0;
  std::map<std::string, std::uint64_t> streams;
  bool open = false;  // more numbers were given and shown; how many is not known
};

struct Recovered {
  Recovery report;
  OpenIncidents incidents;
  EpochEnd previous;  // also with what `closing` will hold
  // What the newest epoch has in its reserve ahead of its place, with gaps for what was shown and lost, to be written in place in a
  // segment of that epoch before another begins; behind number `closed_at`.
  std::vector<Record> closing;
  EpochEnd closed_at;
  std::uint32_t closing_ordinal = 0;
  std::uint32_t epoch_ordinal = 0;  // the last one used
  std::uint64_t number = 0;         // of the newest segment
  Sha256 last_hash{};
  std::vector<SegmentFile> segments;  // that are kept, by number
  std::int64_t age_clock_us = 0;      // what retention by age counted from last; 0: not known
};

// Of an epoch that begins behind it.
JournalHead head_behind(const Recovered& recovered, const std::string& epoch);

// Lists all segments and checks the newest (at least two, up to 64 MiB; as far back as a readable snapshot stands) in
// full: cuts the torn tail of the newest, sets damaged ones aside. Older ones are checked by whoever reads them.
// Compares with the witness, which stands beside the folder and says how far the journal had come.
Result<Recovered> recover(FileIo& io, const std::string& directory);

}  // namespace kanhu::journal
