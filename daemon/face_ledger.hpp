#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "pipelines/identify/desk.hpp"

namespace kanhu {

// What decisions about faces rest on, for the auditor: one file a day (UTC), faces-YYYYMMDD.jsonl, a line an entry:
// {"digest":"...","entry":{...}}, canonical. An event names its entry by that digest and stands in the hash-chained journal, so
// an entry that was changed is found. Entries hold person_refs and scores, no names and no templates.
// Promises: `record` never waits; an entry is handed to the disk before its event has been committed, as a rule (the
// journal's commit takes longer than the way to this thread), and is lost only with it: full queue, full disk, power; then
// counted and logged once a minute. Files older than `keep` are removed.
// Queue: 4,096 entries; full: the entry is counted as lost. Closes in the destructor after what is queued is written.
// Thread: record from any; the files belong to the `ledger` thread.
class FaceLedger {
 public:
  FaceLedger(FileIo& files, std::string folder, std::function<std::chrono::hours()> keep, const Clock& clock);
  ~FaceLedger();

  void record(identify::LedgerEntry entry);
  std::uint64_t written() const { return written_; }
  std::uint64_t lost() const { return lost_; }

 private:
  void run();
  void write(std::vector<identify::LedgerEntry> entries);
  Result<void> append(const std::string& lines, const std::string& name);
  void lose(std::size_t count, const std::string& why);
  void apply_retention();

  FileIo& files_;
  const std::string folder_;
  const std::function<std::chrono::hours()> keep_;
  const Clock& clock_;
  BoundedQueue<identify::LedgerEntry> queue_{4096};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::string file_name_;
  std::unique_ptr<File> file_;
  std::atomic<std::int64_t> complained_{0};  // monotonic nanoseconds, 0 never
  std::thread thread_;
};

// The entry with this digest. kNotFound when there is none, kCorrupt when its content has another digest.
Result<Json> find_ledger_entry(FileIo& files, const std::string& folder, const std::string& digest);

}  // namespace kanhu
