// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/age_clock.hpp"
#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "base/json.hpp"

namespace kanhu {

// What an event's decision rests on, by the SHA-256 of its canonical JSON.
struct EvidenceEntry {
  std::string digest;
  Json entry;
};

// Evidence that is too large for events, for the auditor: one file a day (UTC), NAME-YYYYMMDD.jsonl, a line an entry:
// {"digest":"...","entry":{...}}, canonical. An event names its entry by that digest and stands in the hash-chained journal, so
// an entry that was changed is found. `faces`: what decisions about faces rest on, person_refs and scores, no names and no templates.
// `series`: matrices of warmth that led to a presence, never a picture.
// Promises: `record` never waits; an entry is handed to the disk before its event has been committed, as a rule (the
// journal's commit takes longer than the way to this thread), and is lost only with it: full queue, full disk, power; then
// counted and logged once a minute. Files older than `keep`, and the oldest ones beyond `most_bytes` (not 0), are removed, but never
// today's. Queue: 4,096 entries; full: the entry is counted as lost. Closes in the destructor after what is queued is written. Thread:
// record from any; the files belong to the `ledger` thread.
class EvidenceLedger {
 public:
  struct Retention {
    std::chrono::hours keep{0};
    std::uint64_t most_bytes = 0;
  };
  EvidenceLedger(FileIo& files, std::string folder, std::string name, std::function<Retention()> retention, const Clock& clock);
  ~EvidenceLedger();

  void record(EvidenceEntry entry);
  std::uint64_t written() const { return written_; }
  std::uint64_t lost() const { return lost_; }

 private:
  void run();
  void write(std::vector<EvidenceEntry> entries);
  Result<void> append(const std::string& lines, const std::string& name);
  void give_up(std::size_t count, const std::string& why);
  void lose(std::size_t count, const std::string& why);
  void apply_retention();

  FileIo& files_;
  const std::string folder_;
  const std::string name_;
  const std::function<Retention()> retention_;
  const Clock& clock_;
  BoundedQueue<EvidenceEntry> queue_{4096};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> lost_{0};
  AgeClock age_;  // on the ledger's thread
  std::string file_name_;
  std::unique_ptr<File> file_;
  std::atomic<std::int64_t> complained_{0};  // monotonic nanoseconds, 0 never
  std::thread thread_;
};

// The entry with this digest. kNotFound when there is none, kCorrupt when its content has another digest.
Result<Json> find_evidence(FileIo& files, const std::string& folder, const std::string& name, const std::string& digest);

}  // namespace kanhu
