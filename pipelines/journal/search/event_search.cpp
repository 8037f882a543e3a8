// SPDX-License-Identifier: MIT
#include "pipelines/journal/search/event_search.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "pipelines/journal/search/event_index.hpp"
#include "pipelines/journal/segment_reader.hpp"

namespace kanhu::journal {
namespace {

using EventNumber = std::pair<std::uint32_t, std::uint64_t>;  // ordinal of the epoch, seq

StoredEvent stored_event(Record&& record, std::uint64_t segment, const std::string& path, std::uint64_t begins, std::string epoch,
                         EventFacts facts) {
  StoredEvent event;
  event.place = {segment, begins, encoded_size(record), record.epoch_ordinal, record.seq, mark_of(record.hash)};
  event.facts = std::move(facts);
  event.segment_path = path;
  event.phase = static_cast<Phase>(std::min<std::uint8_t>(record.phase, static_cast<std::uint8_t>(Phase::kPoint)));
  event.accepted = wall_from_microseconds(record.accepted_us);
  event.provisional = (record.flags & kFlagProvisional) != 0;
  event.late = (record.flags & kFlagLate) != 0;
  event.hash = record.hash;
  event.record = {{std::move(epoch), record.seq, record.stream_seq},
                  std::move(record.stream),
                  wall_from_microseconds(record.time_us),
                  std::move(record.body),
                  std::move(record.source),
                  std::move(record.type)};
  return event;
}

// Records by their place, one file open at a time, neighbours in one read.
class PlaceReader {
 public:
  explicit PlaceReader(FileIo& io) : io_(io) {}

  // Nothing when another record, or none, stands there. kNotFound: the segment has gone.
  Result<std::optional<Record>> read(const std::string& path, const EventPlace& place, bool neighbours) {
    if (path != path_ || !file_) {
      path_.clear();
      auto file = io_.open(path, OpenMode::kRead);
      if (!file) return tl::unexpected(file.error());
      file_ = std::move(*file);
      path_ = path;
      window_.clear();
    }
    if (place.offset < base_ || place.offset + place.size > base_ + window_.size()) {
      window_.resize(std::max<std::size_t>(place.size, neighbours ? kWindowBytes : 0));
      base_ = place.offset;
      auto got = file_->read_at(base_, window_);
      window_.resize(got ? *got : 0);
      if (!got) return tl::unexpected(got.error());
    }
    auto decoded = decode_record(std::span<const std::byte>(window_).subspan(place.offset - base_));
    if (!decoded) return std::optional<Record>();
    const Record& record = decoded->record;
    if (record.kind != RecordKind::kEvent || record.epoch_ordinal != place.epoch_ordinal || record.seq != place.seq ||
        mark_of(record.hash) != place.mark)
      return std::optional<Record>();
    return std::optional(std::move(decoded->record));
  }

 private:
  static constexpr std::size_t kWindowBytes = 256u << 10;
  FileIo& io_;
  std::string path_;
  std::unique_ptr<File> file_;
  Bytes window_;
  std::uint64_t base_ = 0;
};

enum class Delivered { kAll, kStopped, kWrong };  // wrong: a place did not hold what it was said to hold

// `last`: of the newest event that was handed out.
Result<Delivered> deliver(FileIo& io, const IndexAnswer& answer, const EventFilter& filter, const EachEvent& each, SearchNotes& notes,
                          EventNumber& last) {
  PlaceReader reader(io);
  const auto& places = answer.places;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const EventPlace& place = places[i];
    const auto path = answer.segments.find(place.segment);
    if (path == answer.segments.end()) return Delivered::kWrong;
    const bool neighbours =
        i + 1 < places.size() && places[i + 1].segment == place.segment && places[i + 1].offset < place.offset + (64u << 10);
    auto record = reader.read(path->second, place, neighbours);
    if (!record && record.error().kind == ErrorKind::kNotFound) {
      ++notes.removed;
      continue;
    }
    if (!record) return tl::unexpected(record.error());
    if (!*record) return Delivered::kWrong;
    auto facts = facts_of((*record)->body);
    if (!record_matches(filter, **record) || !facts_match(filter, facts)) return Delivered::kWrong;
    const auto epoch = answer.epochs.find(place.epoch_ordinal);
    last = {place.epoch_ordinal, place.seq};
    if (!each(stored_event(std::move(**record), place.segment, path->second, place.offset,
                           epoch == answer.epochs.end() ? "" : epoch->second, std::move(facts))))
      return Delivered::kStopped;
  }
  return Delivered::kAll;
}

Result<IndexAnswer> ask_index(FileIo& io, const SearchPlan& plan, const EventFilter& filter, SearchNotes& notes) {
  for (int attempt = 0;; ++attempt) {
    auto index = EventIndex::open(io, plan.index);
    if (!index) return tl::unexpected(index.error());
    if (index->was_made_anew()) notes.index = fmt::format("{} could not be used and was made again", plan.index);
    auto caught_up = index->catch_up(io, plan.journal);
    auto answer = caught_up ? index->find(filter) : tl::unexpected(caught_up.error());
    // A damaged page that the sum did not tell cannot be; but if it were, once more from the segments.
    if (answer || answer.error().kind != ErrorKind::kCorrupt || attempt > 0) return answer;
    EventIndex::disown(io, plan.index);
  }
}

}  // namespace

Result<SearchNotes> scan_events(FileIo& io, const std::string& journal, const EventFilter& filter, const EachEvent& each,
                                KnownNames* names) {
  SearchNotes notes;
  auto segments = list_segments(io, journal);
  if (!segments) return tl::unexpected(segments.error());
  IndexAnswer newest;  // with a limit: what has been found so far
  auto& epochs = newest.epochs;
  for (const SegmentFile& segment : *segments) {
    newest.segments[segment.number] = segment.path;
    if (segment.header) epochs[segment.header->epoch_ordinal] = segment.header->epoch_text();
  }
  std::deque<EventPlace> places;
  EventNumber last{0, 0};
  bool stopped = false;
  for (std::size_t i = 0; i < segments->size() && !stopped; ++i) {
    const SegmentFile& segment = (*segments)[i];
    auto bytes = read_whole(io, segment.path);
    if (!bytes) {
      if (bytes.error().kind == ErrorKind::kNotFound) continue;  // retention was faster
      return tl::unexpected(bytes.error());
    }
    const std::size_t from = std::min(kHeaderBytes, bytes->size());
    if (!segment.header) notes.damage.push_back(segment.path + ": " + Damage{0, from}.text());
    const auto hash = segment.header ? std::optional(segment.header->previous_hash) : std::nullopt;
    const auto successor = successor_of(*segments, i);
    const auto scan = scan_records(*bytes, from, hash, successor, [&](const Record& record, std::size_t begins) {
      if (record.kind == RecordKind::kEpoch || record.kind == RecordKind::kSnapshot) {
        if (auto epoch = epoch_said_by(record); !segment.header && !epoch.empty()) epochs.try_emplace(record.epoch_ordinal, epoch);
      }
      const EventNumber now{record.epoch_ordinal, record.seq};
      if (record.kind != RecordKind::kEvent || now <= last) return true;
      last = now;
      if (names) {
        const EventFacts facts = facts_of(record.body);
        names->facilities.insert(record.stream);
        names->sources.insert(record.source);
        names->types.insert(record.type);
        if (!facts.zone.empty()) names->zones.insert(facts.zone);
        if (!facts.person.empty()) names->people.insert(facts.person);
      }
      if (!record_matches(filter, record) || body_cannot_match(filter, record.body)) return true;
      const std::string& epoch = epochs[record.epoch_ordinal];
      if (!epoch.starts_with(filter.epoch)) return true;
      EventFacts facts = facts_of(record.body);
      if (!facts_match(filter, facts)) return true;
      if (filter.most == 0) {
        stopped = !each(stored_event(Record(record), segment.number, segment.path, begins, epoch, std::move(facts)));
        return !stopped;
      }
      places.push_back({segment.number, begins, encoded_size(record), record.epoch_ordinal, record.seq, mark_of(record.hash)});
      if (places.size() > filter.most) places.pop_front();
      return true;
    });
    const bool intact = segment.header && scan.damage.empty();
    for (const Damage& place : scan.damage) notes.damage.push_back(segment.path + ": " + place.text());
    if (successor && !scan.reached_successor && !scan.stopped && intact)
      notes.damage.push_back(segment.path + ": " + missing_behind(scan.good_bytes));
  }
  newest.places.assign(places.begin(), places.end());
  EventNumber ignored;
  if (auto done = deliver(io, newest, filter, each, notes, ignored); !done) return tl::unexpected(done.error());
  return notes;
}

Result<SearchNotes> search_events(FileIo& io, const SearchPlan& plan, const EventFilter& filter, const EachEvent& each) {
  if (plan.index.empty()) return scan_events(io, plan.journal, filter, each);
  SearchNotes notes;
  auto answer = ask_index(io, plan, filter, notes);
  if (!answer) {
    if (answer.error().kind == ErrorKind::kNewerFormat) return tl::unexpected(answer.error());
    auto scanned = scan_events(io, plan.journal, filter, each);
    if (scanned) scanned->index = answer.error().message;
    return scanned;
  }
  notes.damage = answer->damage;
  EventNumber last{0, 0};
  auto done = deliver(io, *answer, filter, each, notes, last);
  if (!done) return tl::unexpected(done.error());
  if (*done != Delivered::kWrong) return notes;
  // The segment was changed in a way the file system does not tell. From here on the journal itself is read.
  EventIndex::disown(io, plan.index);
  const EventNumber reached = last;
  auto rest = scan_events(io, plan.journal, filter, [&](const StoredEvent& event) {
    return EventNumber{event.place.epoch_ordinal, event.place.seq} <= reached || each(event);
  });
  if (rest) rest->index = "a segment does not hold what was read of it before; the index will be made again";
  return rest;
}

Result<KnownNames> known_names(FileIo& io, const SearchPlan& plan) {
  KnownNames names;
  if (!plan.index.empty()) {
    auto index = EventIndex::open(io, plan.index);
    if (index && index->catch_up(io, plan.journal)) {
      if (auto found = index->names()) return found;
    }
  }
  EventFilter nothing;
  nothing.seq = UINT64_MAX;
  auto scanned = scan_events(
      io, plan.journal, nothing, [](const StoredEvent&) { return true; }, &names);
  if (!scanned) return tl::unexpected(scanned.error());
  return names;
}

}  // namespace kanhu::journal
