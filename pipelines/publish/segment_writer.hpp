#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "config/config.hpp"
#include "pipelines/publish/incident_ledger.hpp"
#include "pipelines/publish/record_format.hpp"
#include "pipelines/publish/recovery.hpp"

namespace kanhu::publish {

// Writes batches of records to segments. A batch is durable whole or not at all as far as the caller is told; after a
// failed append or sync the file is never written or synced again and the batch goes to a new one (what the old one may
// hold of it is void: the new header's previous hash says where the old segment ends).
// Thread: confined to the journal's writing thread (construction and `begin` happen before it starts).
class SegmentWriter {
 public:
  SegmentWriter(FileIo& io, const Clock& clock, std::string directory, const JournalConfig& config, std::string epoch, Recovered recovered);
  ~SegmentWriter();

  // Starts the epoch's first segment. On failure `write` tries again.
  Result<void> begin();
  // Starts a new segment; `application` is the Snapshot callback's answer. On failure the next `write` tries again.
  Result<void> rotate(const Json& application);
  // Durable when it returns success; the caller then applies the batch to `ledger`. One attempt on the segment there
  // is and one on a new one.
  Result<void> write(std::vector<Record>& batch);

  IncidentLedger& ledger() { return ledger_; }  // as of the last durable record
  std::uint64_t bytes_written() const { return bytes_written_; }
  std::uint64_t oldest_seq() const;  // of this epoch
  std::uint32_t epoch_ordinal() const { return epoch_ordinal_; }
  void enforce_retention();

 private:
  Result<void> start_segment();
  Result<void> append(std::vector<Record>& batch);
  void close_segment();
  Record own_record(RecordKind kind, const Json& body) const;

  FileIo& io_;
  const Clock& clock_;
  const std::string directory_;
  const JournalConfig config_;
  const std::string epoch_;
  std::uint32_t epoch_ordinal_ = 0;
  EpochEnd previous_;
  IncidentLedger ledger_;
  Json last_states_ = Json::object();
  Recovery report_;
  std::vector<SegmentFile> segments_;
  std::unique_ptr<File> file_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t number_ = 0;
  Sha256 last_hash_{};
  std::uint64_t durable_seq_ = 0;
  std::map<std::string, std::uint64_t> durable_streams_;
  bool epoch_recorded_ = false;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace kanhu::publish
