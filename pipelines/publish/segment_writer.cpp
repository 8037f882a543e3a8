#include "pipelines/publish/segment_writer.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/json.hpp"
#include "base/log.hpp"

namespace kanhu::publish {
namespace {

Json to_json(const std::map<std::string, std::uint64_t>& streams) {
  Json json = Json::object();
  for (const auto& [stream, number] : streams) json[stream] = number;
  return json;
}

}  // namespace

SegmentWriter::SegmentWriter(FileIo& io, const Clock& clock, std::string directory, const JournalConfig& config, std::string epoch,
                             Recovered recovered)
    : io_(io),
      clock_(clock),
      directory_(std::move(directory)),
      config_(config),
      epoch_(std::move(epoch)),
      epoch_ordinal_(recovered.epoch_ordinal + 1),
      previous_(std::move(recovered.previous)),
      ledger_(std::move(recovered.ledger)),
      report_(std::move(recovered.report)),
      segments_(std::move(recovered.segments)),
      number_(recovered.number),
      last_hash_(recovered.last_hash) {}

SegmentWriter::~SegmentWriter() { close_segment(); }

Result<void> SegmentWriter::begin() { return start_segment(); }

Record SegmentWriter::own_record(RecordKind kind, const Json& body) const {
  Record record;
  record.kind = kind;
  record.epoch_ordinal = epoch_ordinal_;
  record.seq = durable_seq_;
  record.stream = "-";
  record.source = "-";
  record.type = kind == RecordKind::kEpoch ? "epoch" : "snapshot";
  record.time_us = record.accepted_us = to_microseconds(clock_.wall());
  record.body = canonical_json(body);
  return record;
}

Result<void> SegmentWriter::start_segment() {
  close_segment();
  const std::uint64_t number = ++number_;
  SegmentHeader header;
  header.number = number;
  header.epoch = epoch_bytes(epoch_);
  header.epoch_ordinal = epoch_ordinal_;
  header.first_seq = durable_seq_ + 1;
  header.created_us = to_microseconds(clock_.wall());
  header.previous_hash = last_hash_;
  Bytes bytes = encode(header);

  Sha256 hash = last_hash_;
  if (!epoch_recorded_) {
    Json body = {
        {"v", 1}, {"epoch", epoch_}, {"ordinal", epoch_ordinal_}, {"torn_bytes", report_.torn_bytes}, {"damaged", report_.damaged}};
    body["previous"] = previous_.epoch.empty()
                           ? Json()
                           : Json{{"epoch", previous_.epoch}, {"seq", previous_.seq}, {"streams", to_json(previous_.streams)}};
    Record record = own_record(RecordKind::kEpoch, body);
    encode(record, hash, bytes);
    hash = record.hash;
  }
  Record snapshot = own_record(RecordKind::kSnapshot, {{"v", 1},
                                                       {"epoch", epoch_},
                                                       {"streams", to_json(durable_streams_)},
                                                       {"open", ledger_.open_incidents()},
                                                       {"clips", ledger_.pending_clips()},
                                                       {"state", last_states_}});
  encode(snapshot, hash, bytes);
  hash = snapshot.hash;

  const std::string path = segment_path(directory_, number);
  if (auto made = io_.make_directories(directory_); !made) return made;
  auto opened = io_.open(path, OpenMode::kCreateNew);
  if (!opened) return tl::unexpected(opened.error());
  // Best effort: without it an append may find the disk full, which is handled.
  (void)(*opened)->allocate(std::max<std::uint64_t>(config_.segment_bytes, bytes.size()));
  auto done = (*opened)->append(bytes);
  if (done) done = (*opened)->sync();
  if (done) done = io_.sync_directory(directory_);
  if (!done) {
    opened->reset();
    // Should it stay: the next header's previous hash makes it void.
    (void)io_.remove(path);
    return done;
  }
  file_ = std::move(*opened);
  file_bytes_ = bytes.size();
  bytes_written_ += bytes.size();
  last_hash_ = hash;
  epoch_recorded_ = true;
  segments_.push_back({number, path, false, file_bytes_, header});
  enforce_retention();
  return {};
}

// Gives back what was reserved behind the end. After a failure it also cuts what stands behind the last durable
// record: that was promised to nobody. The file is not synced again.
void SegmentWriter::close_segment() {
  if (file_) (void)file_->truncate(file_bytes_);
  file_.reset();
}

Result<void> SegmentWriter::rotate(const Json& application) {
  ledger_.absorb(application);
  if (application.is_object()) {
    last_states_ = application;
    last_states_.erase("open");
    last_states_.erase("clips");
  }
  close_segment();
  return start_segment();
}

Result<void> SegmentWriter::append(std::vector<Record>& batch) {
  Bytes bytes;
  // At once: reserved record by record, each one would copy all that stand in front of it.
  bytes.reserve(std::accumulate(batch.begin(), batch.end(), std::size_t{0},
                                [](std::size_t sum, const Record& record) { return sum + encoded_size(record); }));
  Sha256 hash = last_hash_;
  for (Record& record : batch) {
    record.epoch_ordinal = epoch_ordinal_;
    encode(record, hash, bytes);
    hash = record.hash;
  }
  if (auto appended = file_->append(bytes); !appended) return appended;
  if (auto synced = file_->sync(); !synced) return synced;
  last_hash_ = hash;
  file_bytes_ += bytes.size();
  bytes_written_ += bytes.size();
  segments_.back().bytes = file_bytes_;
  for (const Record& record : batch) {
    durable_seq_ = std::max(durable_seq_, record.seq);
    if (record.kind == RecordKind::kEvent) durable_streams_[record.stream] = record.stream_seq;
  }
  return {};
}

Result<void> SegmentWriter::write(std::vector<Record>& batch) {
  Result<void> done = file_ ? append(batch) : fail(ErrorKind::kIo, "no segment is open");
  if (!done) {
    if (file_) log::warning("journal", "{}: {}; going on in a new segment", segments_.back().path, done.error().message);
    done = start_segment();
    if (done) done = append(batch);
    if (!done) {
      close_segment();
      return done;
    }
  }
  for (const Record& record : batch) {
    if (record.kind != RecordKind::kGap) continue;
    if (auto body = parse_json(record.body, kRecordMostBytes); body && body->contains("streams")) {
      for (const auto& [stream, number] : (*body)["streams"].items()) durable_streams_[stream] = number.get<std::uint64_t>();
    }
  }
  return {};
}

std::uint64_t SegmentWriter::oldest_seq() const {
  for (const SegmentFile& segment : segments_) {
    if (segment.header && segment.header->epoch_ordinal == epoch_ordinal_) return segment.header->first_seq;
  }
  return 1;
}

void SegmentWriter::enforce_retention() {
  std::uint64_t bytes = 0;
  for (const SegmentFile& segment : segments_) bytes += segment.bytes;
  const std::int64_t oldest_kept_us = to_microseconds(clock_.wall() - config_.most_age);
  std::size_t gone = 0;
  while (gone + 1 < segments_.size()) {
    const SegmentFile& segment = segments_[gone];
    // A segment's records are all older than the creation of the next one.
    const auto& next = segments_[gone + 1].header;
    const bool too_old = next && next->created_us < oldest_kept_us;
    if (bytes <= config_.most_bytes && !too_old) break;
    if (auto removed = io_.remove(segment.path); !removed && removed.error().kind != ErrorKind::kNotFound) {
      log::warning("journal", "{}: cannot be removed: {}", segment.path, removed.error().message);
      break;
    }
    log::info("journal", "{}: removed by retention", segment.path);
    bytes -= segment.bytes;
    ++gone;
  }
  segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(gone));
}

}  // namespace kanhu::publish
