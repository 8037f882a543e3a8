// SPDX-License-Identifier: MIT
#include "pipelines/journal/pages.hpp"

#include <algorithm>
#include <utility>

#include "pipelines/journal/segment_cursor.hpp"

namespace kanhu::journal {
namespace {

constexpr std::uint64_t kMarkEvery = 64u << 10;
constexpr std::uint64_t kMostRead = 16u << 20;  // behind `after`, for one page
constexpr std::size_t kAroundPayload = 400;     // topic and header, roughly

bool asks_for(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> up_to(const std::map<std::string, std::uint64_t>& streams) {
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> bounds;
  for (const auto& [stream, number] : streams)
    if (number > 0) bounds[stream] = {0, number};
  return bounds;
}

}  // namespace

// What has been found for one page so far.
class JournalPages::Reading {
 public:
  Reading(const FetchRequest& request, const JournalHead& head) : request_(request), head_(head) {}

  enum class Go { kOn, kFull, kUpToDate };

  void enter(const std::string& epoch, std::uint64_t behind) {
    page.next = {epoch, behind};
    live_ = epoch == head_.epoch;
    open_ = false;
  }

  void gap(std::uint64_t from, std::uint64_t to, const std::string& reason,
           std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> streams = {}) {
    // Of streams that may not be seen nothing is said; where all that is known to be lost is theirs, there is no gap.
    const bool known = !streams.empty();
    if (request_.sees) std::erase_if(streams, [&](const auto& one) { return !request_.sees(one.first); });
    const bool of_interest =
        !known || std::any_of(streams.begin(), streams.end(), [&](const auto& one) { return asks_for(request_.streams, one.first); });
    if (of_interest) page.gaps.push_back({page.next.epoch, from, to, reason, std::move(streams)});
    page.next.seq = std::max(page.next.seq, to);
  }

  // The epoch that page.next stands in is over; `previous` is how it ended as far as the next one knows, `back` what was
  // durable once and was gone when it began. `missing`: why numbers that were durable are not there.
  void leave(const std::optional<EpochBefore>& previous, const std::optional<SetBack>& back, const char* missing) {
    const std::uint64_t at = page.next.seq;
    const bool known = previous && previous->end.epoch == page.next.epoch;
    const std::uint64_t end = known ? previous->end.seq : at;
    if (at < end) gap(at + 1, end, missing);
    if (back) {
      set_back(end, *back);
    } else if (open_ || (known && previous->open)) {
      gap(end + 1, 0, "never_durable");
    } else if (at > end) {
      gap(end + 1, at, "never_durable");
    }
  }

  // Behind number `end` of page.next's epoch the journal was set back.
  void set_back(std::uint64_t end, const SetBack& back) {
    if (back.known.epoch == page.next.epoch) {
      gap(end + 1, std::max(back.known.seq, page.next.seq), "rewound");
      return;
    }
    gap(end + 1, page.next.seq > end ? page.next.seq : 0, "rewound");
    enter(back.known.epoch, 0);
    if (back.known.seq > 0 || !back.closed) gap(1, back.known.seq, "rewound");
  }

  // The same for whoever comes from the newest epoch that was lost.
  void set_back(const SetBack& back) {
    const std::uint64_t at = page.next.seq;
    if (at < back.known.seq)
      gap(at + 1, back.known.seq, "rewound");
    else if (!back.closed)
      gap(at + 1, 0, "rewound");
  }

  Go take(const Record& record) {
    if (record.kind == RecordKind::kGap) return take_gap(record);
    if (record.kind != RecordKind::kEvent || record.seq <= page.next.seq) return Go::kOn;
    if (live_ && record.seq > head_.durable_seq) return Go::kUpToDate;
    const bool wanted = asks_for(request_.streams, record.stream) && (!request_.sees || request_.sees(record.stream)) &&
                        asks_for(request_.types, record.type);
    const std::size_t size = kAroundPayload + record.body.size();
    if (wanted && !page.events.empty() && (page.events.size() >= request_.most_events || bytes_ + size > request_.most_bytes))
      return Go::kFull;
    if (record.seq > page.next.seq + 1) gap(page.next.seq + 1, record.seq - 1, "damaged");
    page.next.seq = record.seq;
    if (!wanted) return Go::kOn;
    bytes_ += size;
    page.events.push_back({{page.next.epoch, record.seq, record.stream_seq},
                           record.stream,
                           wall_from_microseconds(record.time_us),
                           record.body,
                           record.source,
                           record.type});
    return Go::kOn;
  }

  JournalPage page;

 private:
  // Numbers that were given and never written.
  Go take_gap(const Record& record) {
    const auto body = parse_json(record.body, kRecordMostBytes);
    if (body && body->value("to", record.seq) == 0) {  // told when the epoch is left
      open_ = true;
      return Go::kOn;
    }
    if (!body || record.seq <= page.next.seq) return Go::kOn;
    if (live_ && record.seq > head_.durable_seq) return Go::kUpToDate;
    const std::uint64_t from = std::max(page.next.seq + 1, body->value("from", std::uint64_t{0}));
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> streams;
    if (const auto bounds = body->find("bounds"); bounds != body->end() && bounds->is_object()) {
      for (const auto& [stream, range] : bounds->items())
        streams[stream] = {range.value("from", std::uint64_t{0}), range.value("to", std::uint64_t{0})};
    }
    if (from > page.next.seq + 1) gap(page.next.seq + 1, from - 1, "damaged");
    gap(from, record.seq, body->value("reason", std::string("queue_full")), std::move(streams));
    return Go::kOn;
  }

  const FetchRequest& request_;
  const JournalHead& head_;
  std::size_t bytes_ = 0;
  bool live_ = false;
  bool open_ = false;  // the epoch's last record says that its end is not known
};

std::string JournalPages::epoch_of(std::uint32_t ordinal) const {
  for (const Segment& segment : segments_)
    if (segment.ordinal == ordinal && !segment.epoch.empty()) return segment.epoch;
  return {};
}

std::optional<std::uint32_t> JournalPages::ordinal_of(const std::string& epoch) const {
  for (const Segment& segment : segments_)
    if (!epoch.empty() && segment.epoch == epoch) return segment.ordinal;
  return std::nullopt;
}

Result<void> JournalPages::refresh() {
  auto names = io_.list(directory_);
  if (!names) return tl::unexpected(names.error());
  if (*names == names_) return {};
  auto files = list_segments(io_, directory_);
  if (!files) return tl::unexpected(files.error());
  std::vector<Segment> segments;
  bool all_begun = true;
  for (SegmentFile& file : *files) {
    const auto known = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& one) { return one.file.path == file.path; });
    if (known != segments_.end() && known->file.header) {
      segments.push_back(std::move(*known));
      continue;
    }
    Segment segment;
    segment.file = std::move(file);
    auto described = describe(segment);
    if (!described && described.error().kind == ErrorKind::kNotFound) continue;  // retention was faster
    if (!described) return described;
    if (segment.ordinal > 0)
      segments.push_back(std::move(segment));
    else
      all_begun = false;
  }
  segments_ = std::move(segments);
  // One that has just been created has nothing in it yet: next time the folder is looked at again, although its names are the same.
  if (all_begun)
    names_ = std::move(*names);
  else
    names_.clear();
  return {};
}

// From its header and its first records: which epoch, from which number on, and what stood in front of it.
Result<void> JournalPages::describe(Segment& segment) {
  auto file = io_.open(segment.file.path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  SegmentCursor cursor(**file, kHeaderBytes);
  if (segment.file.header) {
    segment.ordinal = segment.file.header->epoch_ordinal;
    segment.epoch = segment.file.header->epoch_text();
    segment.first_seq = segment.file.header->first_seq;
  }
  for (int records = 0; records < 2; ++records) {
    auto decoded = cursor.next();
    if (!decoded) return tl::unexpected(decoded.error());
    if (!*decoded) break;
    const Record& record = (*decoded)->record;
    if (segment.ordinal == 0) {
      segment.ordinal = record.epoch_ordinal;
      segment.first_seq = record.kind == RecordKind::kEvent ? record.seq : record.seq + 1;
    }
    if (record.kind != RecordKind::kEpoch && record.kind != RecordKind::kSnapshot) break;
    const auto body = parse_json(record.body, kRecordMostBytes);
    if (!body || !body->is_object()) continue;
    if (segment.epoch.empty()) segment.epoch = body->value("epoch", std::string());  // the header is damaged
    if (record.kind == RecordKind::kSnapshot) segment.streams = stream_numbers(*body, "streams");
    if (const auto previous = body->find("previous");
        record.kind == RecordKind::kEpoch && previous != body->end() && previous->is_object()) {
      segment.previous =
          EpochBefore{{previous->value("epoch", std::string()), previous->value("seq", std::uint64_t{0})}, previous->value("open", false)};
    }
    if (const auto rewound = body->find("rewound"); record.kind == RecordKind::kEpoch && rewound != body->end() && rewound->is_object())
      segment.set_back =
          SetBack{{rewound->value("epoch", std::string()), rewound->value("seq", std::uint64_t{0})}, rewound->value("closed", false)};
  }
  segment.marks.push_back({segment.first_seq - 1, kHeaderBytes});
  return {};
}

Result<JournalPage> JournalPages::fetch(const FetchRequest& request, const JournalHead& head) {
  if (auto refreshed = refresh(); !refreshed && refreshed.error().kind != ErrorKind::kNotFound) return tl::unexpected(refreshed.error());
  Reading reading(request, head);
  JournalPage& page = reading.page;
  const auto finish = [&] {
    page.complete = true;
    return std::move(page);
  };
  const JournalPlace& after = request.after;
  if (segments_.empty()) {
    reading.enter(after.epoch.empty() ? head.epoch : after.epoch, after.seq);
    return finish();
  }

  const Segment& oldest = segments_.front();
  std::uint32_t ordinal = oldest.ordinal;
  const auto known = ordinal_of(after.epoch);
  if (known) {
    ordinal = *known;
    reading.enter(after.epoch, after.seq);
    if (ordinal == oldest.ordinal && after.seq + 1 < oldest.first_seq)
      reading.gap(after.seq + 1, oldest.first_seq - 1, "retention", up_to(oldest.streams));
  } else if (!after.epoch.empty() && after.epoch == head.epoch) {  // nothing of it is on disk yet
    reading.enter(after.epoch, after.seq);
    return finish();
  } else {
    const Segment* next = &oldest;
    if (!after.epoch.empty()) {
      reading.enter(after.epoch, after.seq);
      const auto behind = std::find_if(segments_.begin(), segments_.end(),
                                       [&](const Segment& one) { return one.set_back && one.set_back->known.epoch == after.epoch; });
      if (oldest.previous && oldest.previous->end.epoch == after.epoch) {
        reading.leave(oldest.previous, oldest.set_back, "retention");
      } else if (behind != segments_.end()) {
        reading.set_back(*behind->set_back);
        next = &*behind;
      } else {
        reading.gap(after.seq + 1, 0, "unknown_epoch");
      }
    }
    ordinal = next->ordinal;
    reading.enter(epoch_of(ordinal), next->first_seq - 1);
  }

  std::size_t index = 0;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.ordinal < ordinal || (segment.ordinal == ordinal && segment.first_seq <= page.next.seq + 1)) index = i;
  }
  while (segments_[index].ordinal < ordinal && index + 1 < segments_.size()) ++index;

  for (; index < segments_.size(); ++index) {
    Segment& segment = segments_[index];
    if (segment.ordinal != ordinal) {
      // Events and gaps are two lists, in one order as long as the events are of one epoch.
      // (Nobody can ask behind an epoch whose name is lost.)
      if (!page.events.empty() && !page.next.epoch.empty()) return std::move(page);
      reading.leave(segment.previous, segment.set_back, "damaged");
      ordinal = segment.ordinal;
      reading.enter(epoch_of(ordinal), segment.first_seq - 1);
    }
    auto file = io_.open(segment.file.path, OpenMode::kRead);
    if (!file && file.error().kind == ErrorKind::kNotFound) continue;  // retention was faster: its numbers are named as a gap
    if (!file) return tl::unexpected(file.error());
    std::optional<Sha256> successor;
    for (std::size_t i = index + 1; i < segments_.size() && !successor; ++i)
      if (segments_[i].file.header) successor = segments_[i].file.header->previous_hash;
    const auto mark =
        std::find_if(segment.marks.rbegin(), segment.marks.rend() - 1, [&](const Mark& one) { return one.seq <= page.next.seq; });
    SegmentCursor cursor(**file, mark->offset);
    std::uint64_t counted_from = 0;
    while (true) {
      auto decoded = cursor.next();
      if (!decoded) return tl::unexpected(decoded.error());
      if (!*decoded) break;
      const Record& record = (*decoded)->record;
      const std::uint64_t begins = cursor.offset() - (*decoded)->size;
      if (record.kind == RecordKind::kEvent && begins >= segment.marks.back().offset + kMarkEvery)
        segment.marks.push_back({record.seq - 1, begins});
      const auto go = record.epoch_ordinal == ordinal ? reading.take(record) : Reading::Go::kOn;
      if (go == Reading::Go::kFull) return std::move(page);
      if (go == Reading::Go::kUpToDate) return finish();
      if (successor && record.hash == *successor) break;  // what stands behind is void
      if (page.next.seq > after.seq || page.next.epoch != after.epoch) {
        if (counted_from == 0) counted_from = begins;
        if (cursor.offset() - counted_from > kMostRead) return std::move(page);
      }
    }
  }
  // The newest epoch on disk is over, and the one that runs has not been written yet.
  if (page.next.epoch != head.epoch) {
    const bool is_previous = head.previous_epoch == page.next.epoch;
    if (is_previous && page.next.seq < head.previous_seq)
      return finish();  // the rest of it stands in its reserve, and comes to its place first
    std::optional<EpochBefore> previous;
    std::optional<SetBack> back;
    if (is_previous) previous = EpochBefore{{head.previous_epoch, head.previous_seq}, head.previous_open};
    if (head.rewound) back = SetBack{{head.rewound->epoch, head.rewound->seq}, head.rewound->closed};
    reading.leave(previous, back, "damaged");
    reading.enter(head.epoch, 0);
  }
  return finish();
}

}  // namespace kanhu::journal
