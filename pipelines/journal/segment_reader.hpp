// SPDX-License-Identifier: MIT
// Reading segments: listing, scanning with resynchronisation behind damage, chain checks. Private to pipelines/journal, but for
// read_journal.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file_io.hpp"
#include "base/json.hpp"
#include "base/time.hpp"
#include "pipelines/event.hpp"
#include "pipelines/journal/record_format.hpp"

namespace kanhu::journal {

struct SegmentFile {
  std::uint64_t number = 0;
  std::string path;
  bool set_aside = false;  // its name ends in ".damaged"
  std::uint64_t bytes = 0;
  std::optional<SegmentHeader> header;  // nothing: unreadable
};

std::string segment_path(const std::string& directory, std::uint64_t number);

// All segments by number with their headers. An absent directory is an empty journal; kNewerFormat names the file.
Result<std::vector<SegmentFile>> list_segments(FileIo& io, const std::string& directory);

// Twice what `journal.segment_bytes` allows: more is no segment.
inline constexpr std::uint64_t kMostSegmentBytes = 2ull << 30;
// kCorrupt: it has more than `most` bytes.
Result<Bytes> read_whole(FileIo& io, const std::string& path, std::uint64_t most = kMostSegmentBytes);

// A place that contradicts the format, as offsets into the file, or a break of the hash chain (then from == to).
struct Damage {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::string text() const;
};

struct SegmentScan {
  std::uint64_t records = 0;
  std::uint64_t good_bytes = 0;  // end of the last record that counts
  std::uint64_t torn_bytes = 0;  // behind it, and no readable record follows
  Sha256 last_hash{};            // of the last record that counts
  bool reached_successor = false;
  bool stopped = false;  // `each` said false
  std::vector<Damage> damage;
};

// The next offset at or behind `from` where a whole record stands.
std::optional<std::size_t> next_record(std::span<const std::byte> bytes, std::size_t from);

// Walks the records of one segment. `successor`: the previous hash of the next segment's header; the segment ends
// at the record that carries it, whatever stands behind (a batch that was appended but whose sync failed is repeated
// in the next segment).
SegmentScan scan_segment(std::span<const std::byte> bytes, const std::optional<SegmentHeader>& header,
                         const std::optional<Sha256>& successor, const std::function<bool(const Record&)>& each);

// The same from the record at `offset` on. `hash`: of the record in front of it; nothing when that is not known, and then its own link is
// not checked. `each` learns where the record begins.
SegmentScan scan_records(std::span<const std::byte> bytes, std::size_t offset, const std::optional<Sha256>& hash,
                         const std::optional<Sha256>& successor, const std::function<bool(const Record&, std::size_t begins)>& each);

// The name of its epoch in the body of an epoch record or a snapshot; empty when it has none.
std::string epoch_said_by(const Record& record);
// How a segment is described whose successor names a record it does not hold.
std::string missing_behind(std::uint64_t byte);

// The previous hash of the first readable header behind `index`.
std::optional<Sha256> successor_of(const std::vector<SegmentFile>& segments, std::size_t index);

// Numbers by stream, as a member of a record's body: {"f1":41}. Whatever is none is passed over.
std::map<std::string, std::uint64_t> stream_numbers(const Json& body, const char* name);

// Reads a journal without writing to it, in order; for `kanhu` sub-commands and tests.
struct JournalRecord {
  EventId id;
  std::string facility;
  WallTime time{};
  std::string body;
  std::string source;  // camera id, or "-"
  std::string type;    // without the "kanhu." prefix
};
// Hands out every readable event once, in order, until `each` says false; also those of segments set aside.
// kCorrupt at the end names the first damaged place; a torn tail is no damage (a journal being written has one).
Result<void> read_journal(FileIo& io, const std::string& directory, const std::function<bool(const JournalRecord&)>& each);

}  // namespace kanhu::journal
