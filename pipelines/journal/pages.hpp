// SPDX-License-Identifier: MIT
// The journal page by page, while it is being written: what `fetch` answers (docs/events.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_io.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/journal/record_format.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::journal {

// Behind the event of that number; 0: in front of the epoch's first.
struct JournalPlace {
  std::string epoch;
  std::uint64_t seq = 0;
};

struct FetchRequest {
  JournalPlace after;                                   // without an epoch: in front of the oldest event that is kept
  std::vector<std::string> streams;                     // facilities, "-" the gateway's own; empty: all
  std::function<bool(const std::string& stream)> sees;  // of `streams`, those that may be seen; empty: all
  std::vector<std::string> types;                       // without "kanhu."; empty: all
  std::size_t most_events = 500;                        // 1 to kMostFetched
  std::size_t most_bytes = 256u << 10;
};
inline constexpr std::size_t kMostFetched = 5'000;
inline constexpr std::size_t kMostFetchedBytes = 4u << 20;

// Numbers that will never come: `from` to `to` of `epoch`.
struct JournalGap {
  std::string epoch;
  std::uint64_t from = 0, to = 0;
  // retention: dropped by age or size. never_durable: shown, but lost with the power or the disk. queue_full: given while the disk
  // could not be written and memory was full. damaged: the journal is unreadable there. unknown_epoch: not of this journal.
  // rewound: they were durable once, and the journal was set back in front of them. `to` 0: how many is not known.
  std::string reason;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>
      streams;  // first (0: not known) and last number lost, by stream; may be empty
};

struct JournalPage {
  std::vector<JournalRecord> events;
  std::vector<JournalGap> gaps;
  JournalPlace next;      // ask again behind this
  bool complete = false;  // nothing that is durable now stands behind `next`
};

// Keeps, by segment, where every 64 KiB begin, so that a page costs its own bytes and not the segment's. What is void behind the end of
// a segment (docs/journal.md) is passed over; so is damage, which is named as a gap.
// Thread: confined.
class JournalPages {
 public:
  JournalPages(FileIo& io, std::string directory) : io_(io), directory_(std::move(directory)) {}

  // `head`: of the journal at this moment; nothing behind its durable number is given. At most 16 MiB are read for one page.
  Result<JournalPage> fetch(const FetchRequest& request, const JournalHead& head);

 private:
  struct Mark {
    std::uint64_t seq = 0, offset = 0;  // the first record at or behind `offset` comes behind `seq`
  };
  struct EpochBefore {
    JournalPlace end;   // its last durable place
    bool open = false;  // more numbers were given and shown; how many is not known
  };
  struct SetBack {
    JournalPlace known;   // the newest place known to have been durable
    bool closed = false;  // there was nothing behind it
  };
  struct Segment {
    SegmentFile file;
    std::uint32_t ordinal = 0;
    std::string epoch;  // empty when neither its header nor its first records can be read
    std::uint64_t first_seq = 0;
    std::optional<EpochBefore> previous;           // of the epoch that begins here
    std::optional<SetBack> set_back;               // it began on a journal that was set back
    std::map<std::string, std::uint64_t> streams;  // durable heads in front of it
    std::vector<Mark> marks;                       // rising; grows as it is read
  };
  class Reading;

  Result<void> refresh();
  Result<void> describe(Segment& segment);
  std::string epoch_of(std::uint32_t ordinal) const;
  std::optional<std::uint32_t> ordinal_of(const std::string& epoch) const;

  FileIo& io_;
  const std::string directory_;
  std::vector<std::string> names_;  // of the folder, as of segments_
  std::vector<Segment> segments_;   // by number
};

}  // namespace kanhu::journal
