// SPDX-License-Identifier: MIT
// Is the journal what was written? Its hash chain, followed from record to record and from segment to segment.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/file_io.hpp"
#include "base/result.hpp"

namespace kanhu::journal {

struct SegmentFinding {
  std::uint64_t number = 0;
  std::string path;
  std::uint64_t records = 0, events = 0;
  std::uint64_t torn_bytes = 0;  // at the end, of a record that is not whole
  bool newest = false;
  std::vector<std::string> modified;   // bytes that cannot be read, links that do not fit
  std::vector<std::string> truncated;  // an end that is not there
  std::string set_back;                // it begins an epoch in front of which the journal was set back, and says so: from where to where
};

struct JournalFindings {
  std::vector<SegmentFinding> segments;  // by number
  std::string last_id;                   // of the newest event that was read: <epoch>:<seq>
  Sha256 last_hash{};                    // of it
  bool expected_found = false;           // the event asked for stands there with the hash asked for
  std::string missing_end;               // it ends in front of what its witness says was durable; empty: it does not
  std::string doubtful_witness;          // why it was not compared
  bool modified() const;
  bool truncated() const;
};

// Segments `from` to `to` and the links to the one in front. `expected_id`, `expected_hash` (hex, may be shortened or empty): an event
// noted earlier, by which a journal is found out that was cut at its end: the chain of what is left fits. The witness beside the folder
// does so too, up to where it was written. A journal that was put back from a backup and has been opened since is neither modified nor
// truncated: it says so itself. Only reads; may run beside a gateway.
Result<JournalFindings> check_journal(FileIo& io, const std::string& journal, std::uint64_t from = 0, std::uint64_t to = UINT64_MAX,
                                      const std::string& expected_id = {}, const std::string& expected_hash = {});

// Whether a journal can be begun with what lies there: every segment is a plain file that this user may read, of no newer format. A folder
// that is not there is a new journal. Only reads the headers; may run beside a gateway. The error names the file.
Result<void> check_segments_open(FileIo& io, const std::string& journal);

// Why a folder that is not there should be; empty: nothing says so.
std::string missed_journal(FileIo& io, const std::string& journal);

}  // namespace kanhu::journal
