// SPDX-License-Identifier: MIT
#include "pipelines/journal/segment_reader.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "pipelines/journal/journal.hpp"

namespace kanhu::journal {
namespace {

constexpr std::string_view kSuffix = ".journal";
constexpr std::string_view kDamagedSuffix = ".journal.damaged";

std::optional<SegmentFile> parse_name(const std::string& directory, const std::string& name) {
  SegmentFile file;
  std::string_view stem(name);
  if (stem.ends_with(kDamagedSuffix)) {
    file.set_aside = true;
    stem.remove_suffix(kDamagedSuffix.size());
  } else if (stem.ends_with(kSuffix)) {
    stem.remove_suffix(kSuffix.size());
  } else {
    return std::nullopt;
  }
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), file.number);
  if (error != std::errc() || end != stem.data() + stem.size() || file.number == 0) return std::nullopt;
  file.path = directory + "/" + name;
  return file;
}

// Reads the header and the size; an unreadable header is no error here.
Result<void> inspect(FileIo& io, SegmentFile& segment) {
  auto file = io.open(segment.path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  segment.bytes = *size;
  Bytes bytes(std::min<std::uint64_t>(*size, 4096));
  auto got = (*file)->read_at(0, bytes);
  if (!got) return tl::unexpected(got.error());
  auto header = decode_header(std::span<const std::byte>(bytes).first(*got));
  if (header) {
    segment.header = *header;
  } else if (header.error().kind == ErrorKind::kNewerFormat) {
    return fail(ErrorKind::kNewerFormat,
                fmt::format("{}: {}; the journal is left untouched, start the newer program or move the folder away", segment.path,
                            header.error().message));
  }
  return {};
}

}  // namespace

std::optional<std::size_t> next_record(std::span<const std::byte> bytes, std::size_t from) {
  const std::array<std::byte, 4> marker{std::byte{'K'}, std::byte{'R'}, std::byte{'E'}, std::byte{'C'}};
  auto at = bytes.begin() + static_cast<std::ptrdiff_t>(std::min(from, bytes.size()));
  while (true) {
    at = std::search(at, bytes.end(), marker.begin(), marker.end());
    if (at == bytes.end()) return std::nullopt;
    const auto offset = static_cast<std::size_t>(at - bytes.begin());
    if (decode_record(bytes.subspan(offset))) return offset;
    ++at;
  }
}

std::string segment_path(const std::string& directory, std::uint64_t number) {
  return fmt::format("{}/{:012}{}", directory, number, kSuffix);
}

std::string Damage::text() const {
  return from == to ? fmt::format("the hash chain breaks at byte {}", from) : fmt::format("bytes {} to {} are unreadable", from, to - 1);
}

Result<std::vector<SegmentFile>> list_segments(FileIo& io, const std::string& directory) {
  std::vector<SegmentFile> segments;
  auto names = io.list(directory);
  if (!names) {
    if (names.error().kind == ErrorKind::kNotFound) return segments;
    return tl::unexpected(names.error());
  }
  for (const std::string& name : *names) {
    auto segment = parse_name(directory, name);
    if (!segment) continue;
    if (auto inspected = inspect(io, *segment); !inspected) {
      if (inspected.error().kind == ErrorKind::kNotFound) continue;  // retention was faster
      return tl::unexpected(inspected.error());
    }
    segments.push_back(std::move(*segment));
  }
  std::sort(segments.begin(), segments.end(), [](const SegmentFile& a, const SegmentFile& b) { return a.number < b.number; });
  return segments;
}

Result<Bytes> read_whole(FileIo& io, const std::string& path, std::uint64_t most) {
  auto file = io.open(path, OpenMode::kRead);
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return tl::unexpected(size.error());
  if (*size > most)
    return fail(ErrorKind::kCorrupt,
                fmt::format("{} has {} bytes, and no file of its kind has more than {}: it is none of ours, or damaged; "
                            "move it out of the folder",
                            path, *size, most));
  Bytes bytes(*size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto got = (*file)->read_at(done, std::span<std::byte>(bytes).subspan(done));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) break;
    done += *got;
  }
  bytes.resize(done);
  return bytes;
}

SegmentScan scan_segment(std::span<const std::byte> bytes, const std::optional<SegmentHeader>& header,
                         const std::optional<Sha256>& successor, const std::function<bool(const Record&)>& each) {
  const std::size_t offset = std::min(kHeaderBytes, bytes.size());
  const auto hash = header ? std::optional(header->previous_hash) : std::nullopt;
  SegmentScan scan = scan_records(bytes, offset, hash, successor, [&](const Record& record, std::size_t) { return each(record); });
  if (!header) scan.damage.insert(scan.damage.begin(), {0, offset});
  return scan;
}

SegmentScan scan_records(std::span<const std::byte> bytes, std::size_t offset, const std::optional<Sha256>& hash,
                         const std::optional<Sha256>& successor, const std::function<bool(const Record&, std::size_t begins)>& each) {
  SegmentScan scan;
  scan.good_bytes = offset;
  bool chain_known = hash.has_value();
  if (hash) scan.last_hash = *hash;
  while (true) {
    if (successor && chain_known && *successor == scan.last_hash) {
      scan.reached_successor = true;
      return scan;
    }
    if (offset >= bytes.size()) return scan;
    auto decoded = decode_record(bytes.subspan(offset));
    if (!decoded) {
      const auto next = next_record(bytes, offset + 1);
      if (!next) {
        scan.torn_bytes = bytes.size() - offset;
        return scan;
      }
      scan.damage.push_back({offset, *next});
      offset = *next;
      chain_known = false;
      continue;
    }
    if (chain_known && chain_hash(scan.last_hash, decoded->hashed) != decoded->record.hash) scan.damage.push_back({offset, offset});
    chain_known = true;
    scan.last_hash = decoded->record.hash;
    const std::size_t begins = offset;
    offset += decoded->size;
    scan.good_bytes = offset;
    ++scan.records;
    if (!each(decoded->record, begins)) {
      scan.stopped = true;
      return scan;
    }
  }
}

std::optional<Sha256> successor_of(const std::vector<SegmentFile>& segments, std::size_t index) {
  for (std::size_t i = index + 1; i < segments.size(); ++i) {
    if (segments[i].header) return segments[i].header->previous_hash;
  }
  return std::nullopt;
}

std::string epoch_said_by(const Record& record) {
  const auto body = parse_json(record.body, kRecordMostBytes);
  return body && body->contains("epoch") && (*body)["epoch"].is_string() ? (*body)["epoch"].get<std::string>() : std::string();
}

std::string missing_behind(std::uint64_t byte) { return fmt::format("what follows byte {} is missing or was changed", byte); }

Result<void> read_journal(FileIo& io, const std::string& directory, const std::function<bool(const JournalRecord&)>& each) {
  auto segments = list_segments(io, directory);
  if (!segments) return tl::unexpected(segments.error());
  std::map<std::uint32_t, std::string> epochs;
  for (const SegmentFile& segment : *segments) {
    if (segment.header) epochs[segment.header->epoch_ordinal] = segment.header->epoch_text();
  }
  std::vector<std::string> damage;
  std::pair<std::uint32_t, std::uint64_t> last{0, 0};
  const auto deliver = [&](const Record& record) {
    if (record.kind == RecordKind::kEpoch || record.kind == RecordKind::kSnapshot) {
      // Says the epoch of a segment whose header is damaged.
      if (auto epoch = epoch_said_by(record); !epoch.empty()) epochs.try_emplace(record.epoch_ordinal, std::move(epoch));
      return true;
    }
    const std::pair<std::uint32_t, std::uint64_t> now{record.epoch_ordinal, record.seq};
    if (record.kind != RecordKind::kEvent || now <= last) return true;
    last = now;
    return each({{epochs[record.epoch_ordinal], record.seq, record.stream_seq},
                 record.stream,
                 wall_from_microseconds(record.time_us),
                 record.body,
                 record.source,
                 record.type});
  };
  for (std::size_t i = 0; i < segments->size(); ++i) {
    const SegmentFile& segment = (*segments)[i];
    auto bytes = read_whole(io, segment.path);
    if (!bytes) {
      if (bytes.error().kind == ErrorKind::kNotFound) continue;
      return tl::unexpected(bytes.error());
    }
    const auto successor = successor_of(*segments, i);
    const SegmentScan scan = scan_segment(*bytes, segment.header, successor, deliver);
    if (scan.stopped) return {};
    for (const Damage& place : scan.damage) damage.push_back(segment.path + ": " + place.text());
    if (successor && !scan.reached_successor && scan.damage.empty()) {
      damage.push_back(segment.path + ": " + missing_behind(scan.good_bytes));
    }
  }
  if (!damage.empty()) {
    return fail(ErrorKind::kCorrupt, damage.size() == 1 ? damage[0] : fmt::format("{} (and {} more places)", damage[0], damage.size() - 1));
  }
  return {};
}

std::map<std::string, std::uint64_t> stream_numbers(const Json& body, const char* name) {
  std::map<std::string, std::uint64_t> streams;
  const auto found = body.find(name);
  if (found == body.end() || !found->is_object()) return streams;
  for (const auto& [stream, number] : found->items()) {
    if (number.is_number_unsigned()) streams[stream] = number.get<std::uint64_t>();
  }
  return streams;
}

}  // namespace kanhu::journal
