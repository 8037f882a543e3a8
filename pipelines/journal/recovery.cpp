// SPDX-License-Identifier: MIT
#include "pipelines/journal/recovery.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.hpp"
#include "pipelines/journal/losses.hpp"
#include "pipelines/journal/open_alarms.hpp"

namespace kanhu::journal {
namespace {

constexpr std::uint64_t kCheckedBytes = 64u << 20;
constexpr std::size_t kCheckedSegments = 2;

// What a run over the newest segments finds.
struct Replay {
  OpenIncidents incidents;
  EpochEnd end;
  std::uint32_t ordinal = 0;
  bool has_snapshot = false;
  std::map<std::uint64_t, Record> early;  // of the newest epoch, by seq
  std::uint64_t shown = 0;                // of the newest epoch: the last number known to have been handed out before it was on disk
  bool late = false;                      // its last event was handed out before it was on disk, as others behind it may have been
  bool open_told = false;                 // its last record says that its end is not known
  std::int64_t accepted_us = 0;           // of the last record
  std::vector<Loss> lost;                 // of the newest epoch: told by none of its events, for they were found when it was over
  std::uint64_t reserve = 0;              // the segment that early records not yet in place begin with; 0: none
  Sha256 last_hash{};
  std::vector<std::pair<std::size_t, SegmentScan>> scans;

  void record(const Record& record, const std::map<std::uint32_t, std::string>& epochs);
};

std::string epoch_of(const Json& body) {
  const auto found = body.find("epoch");
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Of which streams they were is not known. `to` 0: nor how many.
Loss never_durable(const std::string& epoch, std::uint64_t from, std::uint64_t to) {
  return {epoch, from, to, to == 0 ? 0 : to - from + 1, "never_durable", {}};
}

void Replay::record(const Record& record, const std::map<std::uint32_t, std::string>& epochs) {
  accepted_us = record.accepted_us;
  if (record.epoch_ordinal > ordinal) {
    ordinal = record.epoch_ordinal;
    end = {};
    early.clear();
    shown = 0;
    late = open_told = false;
    lost.clear();
    if (const auto known = epochs.find(ordinal); known != epochs.end()) end.epoch = known->second;
  }
  if (record.kind == RecordKind::kEvent) {
    if (record.seq >= end.seq) late = (record.flags & kFlagLate) != 0;
    end.seq = std::max(end.seq, record.seq);
    auto& number = end.streams[record.stream];
    number = std::max(number, record.stream_seq);
    incidents.apply(record);
    return;
  }
  if (record.kind == RecordKind::kEarly) {
    early.emplace(record.seq, record);
    return;
  }
  const auto parsed = parse_json(record.body, kRecordMostBytes);
  if (!parsed || !parsed->is_object()) return;
  if (const std::string epoch = epoch_of(*parsed); !epoch.empty() && end.epoch.empty()) end.epoch = epoch;
  if (record.kind == RecordKind::kSnapshot) {
    incidents.restore(*parsed);
    has_snapshot = true;
    shown = std::max(shown, parsed->value("shown", std::uint64_t{0}));
    end.open = end.open || parsed->value("ends_open", false);
    if (reserve == 0) reserve = parsed->value("reserve", std::uint64_t{0});
  }
  end.seq = std::max(end.seq, record.seq);
  for (const auto& [stream, number] : stream_numbers(*parsed, "streams")) {
    auto& known = end.streams[stream];
    known = std::max(known, number);
  }
  if (record.kind == RecordKind::kGap) {
    for (const Json& subject : parsed->value("ended", Json::array())) {
      if (subject.is_string()) incidents.end(subject.get<std::string>());
    }
    if (parsed->value("reason", std::string()) != "never_durable") return;
    const auto to = parsed->value("to", record.seq);
    open_told = open_told || to == 0;
    end.open = end.open || to == 0;
    lost.push_back(never_durable(end.epoch, parsed->value("from", std::uint64_t{0}), to));
  }
}

Result<Replay> replay_from(FileIo& io, const std::vector<SegmentFile>& segments, std::size_t first) {
  std::map<std::uint32_t, std::string> epochs;
  for (const SegmentFile& segment : segments) {
    if (segment.header) epochs[segment.header->epoch_ordinal] = segment.header->epoch_text();
  }
  Replay replay;
  for (std::size_t i = first; i < segments.size(); ++i) {
    auto bytes = read_whole(io, segments[i].path);
    if (!bytes) return tl::unexpected(bytes.error());
    auto scan = scan_segment(*bytes, segments[i].header, successor_of(segments, i), [&](const Record& record) {
      replay.record(record, epochs);
      return true;
    });
    if (scan.records > 0 || segments[i].header) replay.last_hash = scan.last_hash;
    replay.scans.emplace_back(i, std::move(scan));
  }
  return replay;
}

std::size_t first_to_check(const std::vector<SegmentFile>& segments) {
  std::size_t first = segments.size();
  std::uint64_t bytes = 0;
  while (first > 0 && (segments.size() - first < kCheckedSegments || bytes + segments[first - 1].bytes <= kCheckedBytes)) {
    bytes += segments[--first].bytes;
  }
  return first;
}

// The tail that a crash tore, cut; the rest brought to disk, because after a kill it may be in the page cache alone,
// and the next epoch calls it durable. A failure is harmless for reading (the next segment's header says where this
// one ends).
void mend_tail(FileIo& io, const SegmentFile& segment, const SegmentScan& scan) {
  auto file = io.open(segment.path, OpenMode::kAppend);
  Result<void> done;
  if (!file) {
    done = tl::unexpected(file.error());
  } else {
    // Also when nothing is torn: gives back what was reserved behind the end.
    done = (*file)->truncate(scan.good_bytes);
    if (auto synced = (*file)->sync(); done && !synced) done = synced;
  }
  if (!done) log::warning("journal", "{}: its tail could not be mended: {}", segment.path, done.error().message);
  if (scan.torn_bytes > 0) log::warning("journal", "{}: {} torn bytes cut from the end", segment.path, scan.torn_bytes);
}

// Renames a damaged segment and says so; one that was set aside earlier has been announced.
void set_aside(FileIo& io, const std::string& directory, SegmentFile& segment, const std::string& reason, Recovered& recovered) {
  if (segment.set_aside) return;
  const std::string announced = fmt::format("{}: {}", segment.path, reason);
  log::error("journal", "damaged segment set aside, the rest stays readable: {}", announced);
  recovered.report.damaged.push_back(announced);
  const std::string aside = segment.path + ".damaged";
  if (auto renamed = io.rename(segment.path, aside); !renamed) {
    log::error("journal", "{}: cannot be renamed: {}", segment.path, renamed.error().message);
    return;
  }
  if (auto synced = io.sync_directory(directory); !synced) log::warning("journal", "{}", synced.error().message);
  segment.path = aside;
  segment.set_aside = true;
}

std::string describe(const std::vector<Damage>& damage) {
  std::string text = damage.front().text();
  if (damage.size() > 1) text += fmt::format(" (and {} more places)", damage.size() - 1);
  return text;
}

// A segment whose creation was interrupted: nothing in it was ever promised.
bool is_stillborn(const SegmentScan& scan) { return scan.records == 0; }

// What stands in the reserve and never came to its place, and what was lost in front of each and behind the last.
void plan_closing(Replay& replay, const std::optional<Witness>& witness, Recovered& recovered) {
  replay.early.erase(replay.early.begin(), replay.early.upper_bound(replay.end.seq));
  recovered.closed_at = replay.end;
  recovered.closing_ordinal = replay.ordinal;
  EpochEnd& end = replay.end;
  const bool closed = witness && witness->closed && witness->epoch == end.epoch && witness->seq == end.seq;
  const bool orderly = closed || (!replay.early.empty() && ends_gateway(replay.early.rbegin()->second.type));
  end.open = end.open || (!orderly && (!replay.early.empty() || replay.late || replay.shown > end.seq));
  std::int64_t accepted_us = replay.accepted_us;
  const auto lose = [&](std::uint64_t to) {
    replay.lost.push_back(never_durable(end.epoch, end.seq + 1, to));
    recovered.closing.push_back(gap_record(replay.lost.back(), {}, accepted_us));
    end.seq = std::max(end.seq, to);
  };
  for (auto& [seq, record] : replay.early) {
    accepted_us = record.accepted_us;
    if (seq > end.seq + 1) lose(seq - 1);
    record.kind = RecordKind::kEvent;
    end.seq = seq;
    end.streams[record.stream] = record.stream_seq;
    replay.incidents.apply(record);
    recovered.closing.push_back(std::move(record));
  }
  if (end.open && !replay.open_told) lose(0);
  recovered.report.lost = std::move(replay.lost);
}

// A journal that ends in front of what is known to have been durable was put back from a backup, or has lost its end.
void compare_with_witness(const std::string& directory, const std::optional<Witness>& witness, Recovered& recovered) {
  if (!witness) return;
  const Witness& known = *witness;
  recovered.age_clock_us = known.age_clock_us;
  recovered.number = std::max(recovered.number, known.segment);
  const EpochEnd& end = recovered.previous;
  const bool behind = known.ordinal > recovered.epoch_ordinal ||
                      (known.ordinal == recovered.epoch_ordinal && known.epoch == end.epoch && known.seq > end.seq);
  recovered.epoch_ordinal = std::max(recovered.epoch_ordinal, known.ordinal);
  if (!behind) return;
  recovered.report.rewound = Rewind{known.epoch, known.seq, known.closed, end.epoch, end.seq};
  log::error("journal", "{}: set back: it ends at {}:{}, but {}:{} was durable once (a restored backup?)", directory,
             end.epoch.empty() ? "nothing" : end.epoch, end.seq, known.epoch, known.seq);
}

}  // namespace

JournalHead head_behind(const Recovered& recovered, const std::string& epoch) {
  const EpochEnd& previous = recovered.previous;
  JournalHead head;
  head.epoch = epoch;
  head.oldest_seq = 1;
  head.previous_epoch = previous.epoch;
  head.previous_seq = previous.seq;
  head.previous_open = previous.open;
  head.previous_lost = !recovered.report.lost.empty();
  head.previous_streams.assign(previous.streams.begin(), previous.streams.end());
  head.rewound = recovered.report.rewound;
  return head;
}

Result<Recovered> recover(FileIo& io, const std::string& directory) {
  Recovered recovered;
  std::optional<Witness> witness;
  if (auto read = read_witness(io, directory))
    witness = *read;
  else
    log::warning("journal", "{}", read.error().message);
  auto listed = list_segments(io, directory);
  if (!listed) return tl::unexpected(listed.error());
  recovered.segments = std::move(*listed);
  auto& segments = recovered.segments;
  if (segments.empty()) {
    compare_with_witness(directory, witness, recovered);
    return recovered;
  }

  std::size_t first = first_to_check(segments);
  auto replay = replay_from(io, segments, first);
  const auto is_enough = [&] { return replay->has_snapshot && (replay->reserve == 0 || replay->reserve >= segments[first].number); };
  while (replay && first > 0 && !is_enough()) replay = replay_from(io, segments, --first);
  if (!replay) return tl::unexpected(replay.error());
  plan_closing(*replay, witness, recovered);

  recovered.incidents = std::move(replay->incidents);
  recovered.previous = std::move(replay->end);
  recovered.last_hash = replay->last_hash;
  recovered.number = segments.back().number;
  recovered.epoch_ordinal = replay->ordinal;
  for (const SegmentFile& segment : segments) {
    if (segment.header) recovered.epoch_ordinal = std::max(recovered.epoch_ordinal, segment.header->epoch_ordinal);
  }
  compare_with_witness(directory, witness, recovered);
  for (const auto& [index, scan] : replay->scans) {
    const bool newest = index + 1 == segments.size();
    recovered.report.records = scan.records;
    const auto successor = successor_of(segments, index);
    if (newest && is_stillborn(scan) && !segments[index].set_aside) {
      recovered.report.torn_bytes += segments[index].bytes;
      if (auto removed = io.remove(segments[index].path); !removed) log::warning("journal", "{}", removed.error().message);
    } else if (!scan.damage.empty()) {
      set_aside(io, directory, segments[index], describe(scan.damage), recovered);
    } else if (successor && !scan.reached_successor) {
      set_aside(io, directory, segments[index], missing_behind(scan.good_bytes), recovered);
    } else if (newest && !segments[index].set_aside) {
      recovered.report.torn_bytes += scan.torn_bytes;
      mend_tail(io, segments[index], scan);
      segments[index].bytes = scan.good_bytes;
    }
  }
  std::erase_if(segments, [&](const SegmentFile& segment) { return !io.exists(segment.path); });
  recovered.report.open_incidents = recovered.incidents.open_incidents();
  recovered.report.clips = recovered.incidents.pending_clips();
  return recovered;
}

}  // namespace kanhu::journal
