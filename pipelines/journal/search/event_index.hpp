// SPDX-License-Identifier: MIT
// The index over the journal that searches use: SQLite, made from the segments and never the truth (docs/design/0005). Private to
// pipelines/publish.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "pipelines/journal/search/event_search.hpp"
#include "pipelines/journal/search/index_file.hpp"
#include "pipelines/journal/search/sqlite.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::journal {

// What a search has to read now, and what is known about the journal beside.
struct IndexAnswer {
  std::vector<EventPlace> places;                 // oldest first
  std::vector<std::string> damage;                // as a scan words it
  std::map<std::uint32_t, std::string> epochs;    // by ordinal
  std::map<std::uint64_t, std::string> segments;  // path by number
};

// One process uses it at a time: `open` takes a lock (file `<path>.lock`) and the object keeps it. SQLite so has one connection in the
// world, without write-ahead log. A sum over the whole file (`<path>.sum`) is compared first: an index that was cut off or
// changed by whoever it be is made anew.
// Thread: confined.
class EventIndex {
 public:
  // kTimeout: another process uses it (waits 2 s). kPermission: it cannot be written. ":memory:" has neither lock nor sum.
  static Result<EventIndex> open(FileIo& io, const std::string& path);
  EventIndex(EventIndex&& other) noexcept;
  EventIndex& operator=(EventIndex&&) = delete;
  ~EventIndex();

  // Reads what the journal has more, forgets what it has no longer; what does not fit to the segments that are there is read again.
  Result<void> catch_up(FileIo& io, const std::string& journal);
  Result<IndexAnswer> find(const EventFilter& filter);
  Result<KnownNames> names();
  bool was_made_anew() const { return anew_; }  // a file was there and was of no use

  // What was found by it does not stand in the journal: the next `open` makes it anew. Needs no lock.
  static void disown(FileIo& io, const std::string& path);

 private:
  // A row of the table `segment`.
  struct Segment {
    std::int64_t id = 0;
    std::string name, header, successor, last_hash, damage;  // header and hashes as bytes, empty: none; damage: a place a line
    FileStamp stamp;
    std::uint64_t end = 0;       // of what has been read
    std::uint64_t repeated = 0;  // events that stand in front of it already
  };
  explicit EventIndex(std::string path) : path_(std::move(path)) {}
  Result<void> lock();
  Result<void> open_database(FileIo& io);
  Result<void> begin_anew(FileIo& io);
  Result<bool> sum_is_right(FileIo& io);
  Result<void> write_sum(FileIo& io);

  Result<std::vector<Segment>> stored_segments();
  Result<void> forget(const char* comparison, std::int64_t segment);  // all whose id compares so
  Result<void> find_last();
  Result<void> bring_up_to_date(FileIo& io, const std::vector<SegmentFile>& files, std::vector<Segment>& stored);
  Result<void> read_segment(FileIo& io, const SegmentFile& file, const std::optional<Sha256>& successor, const Segment* known);
  Result<void> add(std::int64_t segment, const Record& record, std::uint64_t begins, std::uint64_t size);
  Result<std::int64_t> name_id(int kind, const std::string& text);

  const std::string path_;
  int lock_ = -1;
  bool anew_ = false;
  std::optional<SqliteDatabase> database_;
  std::optional<SqliteStatement> insert_;
  std::map<std::pair<int, std::string>, std::int64_t> names_;
  std::pair<std::uint32_t, std::uint64_t> last_{0, 0};  // of the newest event that is in
  std::string journal_;
  std::vector<SegmentFile> files_;
};

}  // namespace kanhu::journal
