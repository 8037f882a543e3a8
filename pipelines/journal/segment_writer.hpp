// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "config/config.hpp"
#include "pipelines/journal/open_incidents.hpp"
#include "pipelines/journal/record_format.hpp"
#include "pipelines/journal/recovery.hpp"
#include "pipelines/journal/reserve.hpp"
#include "pipelines/journal/retention.hpp"

namespace kanhu::journal {

// Writes batches of records to segments. A batch is durable whole or not at all as far as the caller is told; after a
// failed append or sync the file is never written or synced again and the batch goes to a new one (what the old one may
// hold of it is void: the new header's previous hash says where the old segment ends).
// Thread: confined to the journal's writing thread (construction and `begin` happen before it starts).
class SegmentWriter {
 public:
  // The last number handed out before it was on disk.
  using Shown = std::function<std::uint64_t()>;
  SegmentWriter(FileIo& io, const Clock& clock, std::string directory, const JournalConfig& config, std::string epoch, Recovered recovered,
                Shown shown);
  ~SegmentWriter();

  // Starts the epoch's first segment. On failure `write` tries again. With a full disk: kNoSpace, also when the epoch could begin
  // in the reserve.
  Result<void> begin();
  // Starts a new segment; `application` is the Snapshot callback's answer. On failure the next `write` tries again.
  Result<void> rotate(const Json& application);
  // Durable when it returns success; the caller then applies the batch to `incidents`. One attempt on the segment there
  // is and one on a new one.
  Result<void> write(std::span<RecordView> batch);

  // Alarms, ahead of their place, to the reserve; durable when it returns success. After a failure the reserve is used up.
  Result<void> write_early(std::span<RecordView> alarms);
  bool has_reserve() const { return in_reserve_ || reserve_.ready(); }
  // It was used, and what is in it stands in its place now.
  bool lacks_reserve() const { return config_.reserve_bytes > 0 && !has_reserve() && early_segment_ == 0; }
  void provide_reserve() { reserve_.provide(); }
  // After an exception: cuts what stands behind the last durable record; the next write begins a new segment.
  void leave_segment() { close_segment(); }

  // No number behind this one was given, and none will be: when everything is durable at the end, the witness says so.
  void will_end_at(std::uint64_t seq) { last_given_ = seq; }

  OpenIncidents& incidents() { return incidents_; }  // as of the last durable record
  std::uint64_t bytes_written() const { return bytes_written_; }
  std::uint64_t oldest_seq() const;  // of this epoch

 private:
  // Where a segment stands: an epoch and what of it is durable in front.
  struct Place {
    std::string epoch;
    std::uint32_t ordinal = 0;
    std::uint64_t seq = 0;
    std::map<std::string, std::uint64_t> streams;
    bool ends_open = false;  // the epoch is over, and how many more numbers were shown is not known
  };
  Result<void> start_segment(std::uint64_t room);
  Result<void> start_in_reserve();
  Result<void> close_epoch();
  Result<void> close_epoch_in(std::unique_ptr<File> file, const std::string& path, std::uint64_t number);
  Bytes beginning(const Place& place, bool with_epoch, SegmentHeader& header, Sha256& hash) const;
  Result<std::unique_ptr<File>> create(const std::string& path, std::uint64_t room);
  Result<void> fill(std::unique_ptr<File> file, const std::string& path, const Bytes& bytes);
  Result<void> enter(std::unique_ptr<File> file, const std::string& path, std::uint64_t number);
  Result<void> append(std::span<RecordView> batch);
  void close_segment();
  void enforce_retention();
  void witness(bool closed);
  Record own_record(RecordKind kind, const Place& place, const Json& body) const;

  FileIo& io_;
  const Clock& clock_;
  const std::string directory_;
  const JournalConfig config_;
  const std::string epoch_;
  std::uint32_t epoch_ordinal_ = 0;
  EpochEnd previous_;
  OpenIncidents incidents_;
  Json last_states_ = Json::object();
  Recovery report_;
  std::vector<SegmentFile> segments_;
  std::unique_ptr<File> file_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t number_ = 0;
  Sha256 last_hash_{};
  std::uint64_t durable_seq_ = 0;
  const Shown shown_;
  std::optional<std::uint64_t> last_given_;  // known at the end alone
  std::map<std::string, std::uint64_t> durable_streams_;
  bool epoch_recorded_ = false;
  std::uint64_t bytes_written_ = 0;
  Reserve reserve_;
  bool in_reserve_ = false;          // file_ was the reserve: for alarms alone
  std::uint64_t early_seq_ = 0;      // the last alarm written ahead of its place
  std::uint64_t early_segment_ = 0;  // the first segment with such that are not in their place; 0: none
  std::vector<Record> closing_;      // of the epoch before, see Recovered
  Place closing_at_;
  AgeClock age_;
};

}  // namespace kanhu::journal
