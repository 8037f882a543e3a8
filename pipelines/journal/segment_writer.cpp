// SPDX-License-Identifier: MIT
#include "pipelines/journal/segment_writer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/fault.hpp"
#include "base/json.hpp"
#include "base/log.hpp"

namespace kanhu::journal {
namespace {

constexpr std::uint64_t kPieceBytes = 256u << 10;

Json to_json(const std::map<std::string, std::uint64_t>& streams) {
  Json json = Json::object();
  for (const auto& [stream, number] : streams) json[stream] = number;
  return json;
}

template <typename Records>
std::uint64_t size_of(const Records& batch) {
  std::uint64_t bytes = 0;
  for (const auto& record : batch) bytes += encoded_size(record);
  return bytes;
}

// Where retention by age counts from at first: as written down, or from the newest segment.
std::int64_t age_clock_of(std::int64_t written_down_us, const std::vector<SegmentFile>& segments) {
  if (written_down_us != 0 || segments.empty()) return written_down_us;
  const auto& newest = segments.back().header;
  return newest ? newest->created_us : 0;
}

}  // namespace

SegmentWriter::SegmentWriter(FileIo& io, const Clock& clock, std::string directory, const JournalConfig& config, std::string epoch,
                             Recovered recovered, Shown shown)
    : io_(io),
      clock_(clock),
      directory_(std::move(directory)),
      config_(config),
      epoch_(std::move(epoch)),
      epoch_ordinal_(recovered.epoch_ordinal + 1),
      previous_(std::move(recovered.previous)),
      incidents_(std::move(recovered.incidents)),
      report_(std::move(recovered.report)),
      segments_(std::move(recovered.segments)),
      number_(recovered.number),
      last_hash_(recovered.last_hash),
      shown_(std::move(shown)),
      reserve_(io, directory_, config.reserve_bytes),
      closing_(std::move(recovered.closing)),
      closing_at_{recovered.closed_at.epoch, recovered.closing_ordinal, recovered.closed_at.seq, recovered.closed_at.streams,
                  previous_.open},
      age_(clock, age_clock_of(recovered.age_clock_us, segments_)) {}

SegmentWriter::~SegmentWriter() {
  close_segment();
  if (epoch_recorded_) witness(durable_seq_ == last_given_);
}

Result<void> SegmentWriter::begin() {
  reserve_.provide();
  auto begun = start_segment(0);
  // The epoch can begin in the reserve; what is not an alarm waits for space all the same.
  if (!begun && begun.error().kind == ErrorKind::kNoSpace && reserve_.ready()) (void)start_in_reserve();
  return begun;
}

Record SegmentWriter::own_record(RecordKind kind, const Place& place, const Json& body) const {
  Record record;
  record.kind = kind;
  record.epoch_ordinal = place.ordinal;
  record.seq = place.seq;
  record.stream = "-";
  record.source = "-";
  record.type = kind == RecordKind::kEpoch ? "epoch" : "snapshot";
  record.time_us = record.accepted_us = to_microseconds(clock_.wall());
  record.body = canonical_json(body);
  return record;
}

// Header and first records; `hash` is the chain's in front and becomes the one behind.
Bytes SegmentWriter::beginning(const Place& place, bool with_epoch, SegmentHeader& header, Sha256& hash) const {
  header.epoch = epoch_bytes(place.epoch);
  header.epoch_ordinal = place.ordinal;
  header.first_seq = place.seq + 1;
  header.created_us = to_microseconds(clock_.wall());
  header.previous_hash = hash;
  Bytes bytes = encode(header);
  if (with_epoch) {
    Json body = {
        {"v", 1}, {"epoch", epoch_}, {"ordinal", epoch_ordinal_}, {"torn_bytes", report_.torn_bytes}, {"damaged", report_.damaged}};
    body["previous"] = previous_.epoch.empty()
                           ? Json()
                           : Json{{"epoch", previous_.epoch}, {"seq", previous_.seq}, {"streams", to_json(previous_.streams)}};
    if (previous_.open) body["previous"]["open"] = true;
    if (const auto& rewound = report_.rewound)
      body["rewound"] = {{"epoch", rewound->epoch}, {"seq", rewound->seq}, {"closed", rewound->closed}};
    hash = encode(own_record(RecordKind::kEpoch, place, body), hash, bytes);
  }
  Json body = {{"v", 1},
               {"epoch", place.epoch},
               {"streams", to_json(place.streams)},
               {"open", incidents_.open_incidents()},
               {"clips", incidents_.pending_clips()},
               {"state", last_states_}};
  if (early_segment_ > 0) body["reserve"] = early_segment_;
  if (const std::uint64_t shown = shown_(); place.epoch == epoch_ && shown > place.seq) body["shown"] = shown;
  if (place.ends_open) body["ends_open"] = true;
  hash = encode(own_record(RecordKind::kSnapshot, place, body), hash, bytes);
  return bytes;
}

// A new file with room for a segment; on a nearly full disk with `room` for what is to be written at once.
Result<std::unique_ptr<File>> SegmentWriter::create(const std::string& path, std::uint64_t room) {
  if (auto made = io_.make_directories(directory_); !made) return tl::unexpected(made.error());
  Result<std::unique_ptr<File>> file = fail(ErrorKind::kInternal, "a segment could not be created");
  if (!faults::contained("journal", [&] { file = io_.open(path, OpenMode::kCreateNew); })) (void)io_.remove(path);
  if (!file) return file;
  auto claimed = (*file)->allocate(std::max(config_.segment_bytes, room));
  if (!claimed && claimed.error().kind == ErrorKind::kNoSpace) claimed = (*file)->allocate(room);
  // Any other failure: without it an append may find the disk full, which is handled.
  if (claimed || claimed.error().kind != ErrorKind::kNoSpace) return file;
  file->reset();
  (void)io_.remove(path);
  return tl::unexpected(claimed.error());
}

Result<void> SegmentWriter::fill(std::unique_ptr<File> file, const std::string& path, const Bytes& bytes) {
  Result<void> done;
  const bool whole = faults::contained("journal", [&] {
    done = file->append(bytes);
    if (done) done = file->sync();
    if (done) done = io_.sync_directory(directory_);
  });
  if (!whole) done = fail(ErrorKind::kInternal, "writing failed inside the gateway");
  if (!done) {
    file.reset();
    // Should it stay: the next header's previous hash makes it void.
    (void)io_.remove(path);
    return done;
  }
  close_segment();
  file_ = std::move(file);
  file_bytes_ = bytes.size();
  bytes_written_ += bytes.size();
  return {};
}

// The epoch's next segment in this file.
Result<void> SegmentWriter::enter(std::unique_ptr<File> file, const std::string& path, std::uint64_t number) {
  SegmentHeader header;
  header.number = number;
  Sha256 hash = last_hash_;
  const Bytes bytes = beginning({epoch_, epoch_ordinal_, durable_seq_, durable_streams_}, !epoch_recorded_, header, hash);
  if (auto filled = fill(std::move(file), path, bytes); !filled) return filled;
  in_reserve_ = false;
  last_hash_ = hash;
  epoch_recorded_ = true;
  segments_.push_back({number, path, false, file_bytes_, header});
  return {};
}

Result<void> SegmentWriter::start_segment(std::uint64_t room) {
  if (!in_reserve_) close_segment();  // what it had reserved is for the new one
  if (auto closed = close_epoch(); !closed) return closed;
  const std::uint64_t number = ++number_;
  const std::string path = segment_path(directory_, number);
  SegmentHeader header;
  Sha256 hash = last_hash_;
  room += beginning({epoch_, epoch_ordinal_, durable_seq_, durable_streams_}, !epoch_recorded_, header, hash).size();
  auto file = create(path, room);
  if (!file) return tl::unexpected(file.error());
  if (auto entered = enter(std::move(*file), path, number); !entered) return entered;
  enforce_retention();
  witness(false);
  return {};
}

Result<void> SegmentWriter::start_in_reserve() {
  if (auto closed = close_epoch(); !closed) return closed;
  const std::uint64_t number = ++number_;
  const std::string path = segment_path(directory_, number);
  auto file = reserve_.become(path);
  if (!file) return tl::unexpected(file.error());
  close_segment();
  if (auto entered = enter(std::move(*file), path, number); !entered) return entered;
  in_reserve_ = true;
  return {};
}

// What the epoch before had in its reserve comes to its place, in a segment of that epoch.
Result<void> SegmentWriter::close_epoch() {
  if (closing_.empty()) return {};
  const std::uint64_t number = ++number_;
  const std::string path = segment_path(directory_, number);
  SegmentHeader header;
  Sha256 hash = last_hash_;
  const std::uint64_t room = beginning(closing_at_, false, header, hash).size() + size_of(closing_);
  auto file = create(path, room);
  if (!file && file.error().kind == ErrorKind::kNoSpace && reserve_.ready()) file = reserve_.become(path);
  if (!file) return tl::unexpected(file.error());
  auto closed = close_epoch_in(std::move(*file), path, number);
  reserve_.provide();  // what is left of it, when it was used
  return closed;
}

Result<void> SegmentWriter::close_epoch_in(std::unique_ptr<File> file, const std::string& path, std::uint64_t number) {
  SegmentHeader header;
  header.number = number;
  Sha256 hash = last_hash_;
  Bytes bytes = beginning(closing_at_, false, header, hash);
  for (Record& record : closing_) {
    record.epoch_ordinal = closing_at_.ordinal;
    hash = encode(record, hash, bytes);
  }
  if (auto filled = fill(std::move(file), path, bytes); !filled) return filled;
  close_segment();
  last_hash_ = hash;
  segments_.push_back({number, path, false, bytes.size(), header});
  closing_.clear();
  return {};
}

// Gives back what was reserved behind the end. After a failure it also cuts what stands behind the last durable
// record: that was promised to nobody. The file is not synced again.
void SegmentWriter::close_segment() {
  if (file_) (void)file_->truncate(file_bytes_);
  file_.reset();
  in_reserve_ = false;
}

Result<void> SegmentWriter::rotate(const Json& application) {
  incidents_.absorb(application);
  if (application.is_object()) {
    last_states_ = application;
    last_states_.erase("open");
    last_states_.erase("clips");
  }
  return start_segment(0);
}

Result<void> SegmentWriter::append(std::span<RecordView> batch) {
  // Made ready before anything is written: nothing may throw between the disk's word and what is known to be durable.
  std::uint64_t seq = durable_seq_;
  auto streams = durable_streams_;
  for (const RecordView& record : batch) {
    if (record.kind == RecordKind::kEarly) continue;
    seq = std::max(seq, record.seq);
    if (record.kind == RecordKind::kEvent) streams[std::string(record.stream)] = record.stream_seq;
  }
  // In pieces, so that the disk is at work on one while the next is hashed.
  Bytes piece;
  piece.reserve(std::min(size_of(batch), kPieceBytes + kPieceBytes / 8));
  std::uint64_t appended = 0;
  Sha256 hash = last_hash_;
  for (RecordView& record : batch) {
    record.epoch_ordinal = epoch_ordinal_;
    hash = encode(record, hash, piece);
    if (piece.size() < kPieceBytes && &record != &batch.back()) continue;
    if (auto done = file_->append(piece); !done) return done;
    appended += piece.size();
    piece.clear();
  }
  if (auto synced = file_->sync(); !synced) return synced;
  last_hash_ = hash;
  file_bytes_ += appended;
  bytes_written_ += appended;
  segments_.back().bytes = file_bytes_;
  durable_seq_ = seq;
  durable_streams_.swap(streams);
  return {};
}

Result<void> SegmentWriter::write(std::span<RecordView> batch) {
  const bool ready = file_ && !in_reserve_;
  Result<void> done = ready ? append(batch) : fail(ErrorKind::kIo, "no segment is open");
  if (!done) {
    if (ready) log::warning("journal", "{}: {}; going on in a new segment", segments_.back().path, done.error().message);
    done = start_segment(size_of(batch));
    if (done) done = append(batch);
    if (!done) {
      if (!in_reserve_) close_segment();
      return done;
    }
  }
  for (const RecordView& record : batch) {
    if (record.kind != RecordKind::kGap) continue;
    faults::contained("journal", [&] {
      if (auto body = parse_json(record.body, kRecordMostBytes); body && body->contains("streams")) {
        for (const auto& [stream, number] : (*body)["streams"].items()) durable_streams_[stream] = number.get<std::uint64_t>();
      }
    });
  }
  if (durable_seq_ >= early_seq_) early_segment_ = 0;
  return {};
}

Result<void> SegmentWriter::write_early(std::span<RecordView> alarms) {
  if (!in_reserve_) {
    if (auto begun = start_in_reserve(); !begun) return begun;
  }
  const std::uint64_t number = segments_.back().number;
  if (auto appended = append(alarms); !appended) {
    close_segment();
    return appended;
  }
  early_seq_ = alarms.back().seq;
  if (early_segment_ == 0) early_segment_ = number;
  return {};
}

std::uint64_t SegmentWriter::oldest_seq() const {
  for (const SegmentFile& segment : segments_) {
    if (segment.header && segment.header->epoch_ordinal == epoch_ordinal_) return segment.header->first_seq;
  }
  return 1;
}

void SegmentWriter::enforce_retention() {
  const std::uint64_t kept_from = early_segment_ > 0 ? early_segment_ : std::numeric_limits<std::uint64_t>::max();
  const std::size_t beyond = beyond_retention(segments_, config_, age_.now_us(), kept_from);
  std::size_t gone = 0;
  for (; gone < beyond; ++gone) {
    const std::string& path = segments_[gone].path;
    if (auto removed = io_.remove(path); !removed && removed.error().kind != ErrorKind::kNotFound) {
      log::warning("journal", "{}: cannot be removed: {}", path, removed.error().message);
      break;
    }
    log::info("journal", "{}: removed by retention", path);
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(gone));
}

// Not often and never in front of a commit: unless the epoch is closed, what it says is a lower bound.
void SegmentWriter::witness(bool closed) {
  const Witness now{epoch_, epoch_ordinal_, durable_seq_, closed, number_, age_.now_us()};
  if (auto written = write_witness(io_, directory_, now); !written) log::warning("journal", "{}", written.error().message);
}

}  // namespace kanhu::journal
