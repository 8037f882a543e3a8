// SPDX-License-Identifier: MIT
// The durable truth: append-only, hash-chained segments (format in docs/journal.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "base/histogram.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "pipelines/event.hpp"

namespace kanhu::journal {

struct StreamHead {
  std::uint64_t stream_seq = 0;  // last number given
  std::uint64_t durable = 0;     // last number on disk
};

// Numbers of events that were given and will never be in the journal.
struct Loss {
  std::string epoch;
  std::uint64_t from = 0, to = 0;  // `to` 0: how many there were is not known
  std::uint64_t count = 0;         // known to be lost of them; fewer than from..to holds when losses were too many to be told apart
  std::string reason;              // queue_full: the disk could not be written and memory was full. never_durable: lost with the gateway
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> streams;  // first and last, as far as known
};

// The journal ends in front of what is known to have been durable: a backup was put back, or its end was lost.
struct Rewind {
  std::string epoch;  // the newest one known, and its last number known to have been durable
  std::uint64_t seq = 0;
  bool closed = false;      // that epoch ended orderly: there were no more; otherwise there may have been
  std::string found_epoch;  // where the journal ends; empty: there is none
  std::uint64_t found_seq = 0;
};

struct JournalHead {
  std::string epoch;
  std::uint64_t seq = 0;
  std::uint64_t durable_seq = 0;
  std::uint64_t oldest_seq = 0;                             // oldest kept in this epoch
  std::string previous_epoch;                               // empty for the first
  std::uint64_t previous_seq = 0;                           // its last durable number
  bool previous_open = false;                               // more were given and shown; how many is not known
  bool previous_lost = false;                               // numbers of it were lost whose streams are not known
  std::vector<std::pair<std::string, StreamHead>> streams;  // by facility, sorted; "-" is the gateway
  std::vector<std::pair<std::string, std::uint64_t>> previous_streams;
  std::optional<Rewind> rewound;  // this epoch began on a journal that was set back
};

// An event on its way out, in order of seq.
struct Committed {
  std::shared_ptr<const Event> event;
  bool durable = true;       // false: not on disk (it could not be written, or the event is provisional)
  bool provisional = false;  // handed out before its commit because that took over 500 ms
  bool confirms = false;     // an event handed out provisionally earlier is durable now
};

struct JournalStats {
  std::uint64_t accepted = 0, durable = 0, not_durable = 0, commits = 0, bytes = 0;
  std::uint64_t kept = 0;   // alarms written to the reserve
  LatencyHistogram commit;  // accept to durable
};

// What was found when the journal was opened. Both arrays are derived from the event records, so their form does not
// depend on where the newest snapshot stands:
//   open_incidents: {"subject","facility","source","type","time","data"} of each start without an end, oldest first;
//                   "kept" holds the element with the same subject of the last Snapshot answer's `open`, if any
//   clips:          {"clip","subjects","facility","source"} and, as far as known, "from","to","run","clock"
// An incident stays open here until an event of phase end with its subject is accepted.
struct Recovery {
  Json open_incidents = Json::array();
  Json clips = Json::array();        // clips whose last status is pending
  std::uint64_t records = 0;         // read in the last segment
  std::uint64_t torn_bytes = 0;      // cut from the tail
  std::vector<std::string> damaged;  // segments set aside, with the reason
  std::vector<Loss> lost;            // of a gateway that ended on a full disk
  std::optional<Rewind> rewound;
};

// Two threads: one writes and may hang in fdatasync, the other hands out and watches the first.
// Thread: accept and head from any thread; `out` is called on the journal's own thread, in order of seq (confirmations
// repeat an earlier one), and must not block or call flush.
class Journal {
 public:
  using Out = std::function<void(Committed)>;
  // Makes the final bytes once the numbers are known.
  using Body = std::function<std::string(const EventDraft&, const EventId&)>;
  // Called on the accepting thread, inside `accept`, just before a new segment begins; its answer stands at the segment's
  // start: {"open": [...], "clips": [...], anything else is kept as last states}. Never called by `open`. It must not
  // call the journal.
  using Snapshot = std::function<Json()>;

  // Opens (and mends the tail of) the journal in `directory`, begins a new epoch. kNewerFormat: left untouched.
  static Result<std::unique_ptr<Journal>> open(FileIo& io, const Clock& clock, const std::string& directory, const JournalConfig& config,
                                               Body body, Snapshot snapshot, Out out);
  ~Journal();  // commits what is left
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const Recovery& recovery() const;
  // Numbers the event and hands it to the journal thread. Never waits for the disk: when the queue (10,000
  // events, 16 MiB; for alarms on a full disk twice that) is full the event is handed out with durable = false and counted.
  EventId accept(EventDraft draft);
  // Streams that `head` names although they have no event yet. Names once declared stay.
  void declare_streams(const std::vector<std::string>& facilities);
  JournalHead head() const;
  JournalStats stats() const;
  // What has been lost for good since the last call; each is told once, when the journal has written its gap.
  std::vector<Loss> take_losses();
  // Waits until everything accepted so far is durable or was given up.
  void flush();

 private:
  class Writing;
  explicit Journal(std::unique_ptr<Writing> writing);

  const std::unique_ptr<Writing> writing_;
};

}  // namespace kanhu::journal
