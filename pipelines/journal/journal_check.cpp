// SPDX-License-Identifier: MIT
#include "pipelines/journal/journal_check.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/json.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/journal/witness.hpp"

namespace kanhu::journal {

bool JournalFindings::modified() const {
  return std::any_of(segments.begin(), segments.end(), [](const SegmentFinding& one) { return !one.modified.empty(); });
}

bool JournalFindings::truncated() const {
  return !missing_end.empty() ||
         std::any_of(segments.begin(), segments.end(), [](const SegmentFinding& one) { return !one.truncated.empty(); });
}

namespace {

// Where the newest segment's epoch has come to.
struct End {
  std::uint32_t ordinal = 0;
  std::uint64_t seq = 0;
};

std::string set_back_in(const Record& record) {
  const auto body = parse_json(record.body, kRecordMostBytes);
  const auto known = body ? body->find("rewound") : Json::const_iterator();
  if (!body || known == body->end() || !known->is_object()) return {};
  const Json& previous = body->at("previous");
  const auto place = [](const Json& at) {
    return fmt::format("{}:{}", at.value("epoch", std::string()), at.value("seq", std::uint64_t{0}));
  };
  return fmt::format("the journal was set back to {} when epoch {} began; {} had been durable",
                     previous.is_object() ? place(previous) : "nothing", body->value("epoch", std::string()), place(*known));
}

std::string missing_end_of(const std::optional<Witness>& witness, const End& end) {
  if (!witness || witness->ordinal < end.ordinal || (witness->ordinal == end.ordinal && witness->seq <= end.seq)) return {};
  return fmt::format("its end is missing: {}:{} was durable, says the witness beside the folder", witness->epoch, witness->seq);
}

}  // namespace

Result<void> check_segments_open(FileIo& io, const std::string& journal) {
  if (const auto segments = list_segments(io, journal); !segments) return tl::unexpected(segments.error());
  return {};
}

std::string missed_journal(FileIo& io, const std::string& journal) {
  const auto witness = read_witness(io, journal);
  if (!witness) return witness.error().message;
  return missing_end_of(*witness, {});
}

Result<JournalFindings> check_journal(FileIo& io, const std::string& journal, std::uint64_t from, std::uint64_t to,
                                      const std::string& expected_id, const std::string& expected_hash) {
  JournalFindings findings;
  const auto witness = read_witness(io, journal);  // first: a gateway may go on writing
  if (!witness) findings.doubtful_witness = witness.error().message;
  End end;
  bool front_fits = true;
  auto segments = list_segments(io, journal);
  if (!segments) return tl::unexpected(segments.error());
  for (std::size_t i = 0; i < segments->size(); ++i) {
    const SegmentFile& segment = (*segments)[i];
    if (segment.number > to || (i + 1 < segments->size() && (*segments)[i + 1].number < from)) continue;
    auto bytes = read_whole(io, segment.path);
    if (!bytes) {
      if (bytes.error().kind == ErrorKind::kNotFound) continue;  // retention was faster
      return tl::unexpected(bytes.error());
    }
    SegmentFinding finding;
    finding.number = segment.number;
    finding.path = segment.path;
    finding.newest = i + 1 == segments->size();
    const std::string epoch = segment.header ? segment.header->epoch_text() : std::string();
    const auto successor = successor_of(*segments, i);
    const SegmentScan scan = scan_segment(*bytes, segment.header, successor, [&](const Record& record) {
      if (record.epoch_ordinal > end.ordinal) end = {record.epoch_ordinal, 0};
      if (record.kind == RecordKind::kEpoch) finding.set_back = set_back_in(record);
      if (record.kind != RecordKind::kEarly) end.seq = std::max(end.seq, record.seq);
      if (record.kind != RecordKind::kEvent) return true;
      ++finding.events;
      findings.last_id = fmt::format("{}:{}", epoch, record.seq);
      findings.last_hash = record.hash;
      findings.expected_found = findings.expected_found ||
                                (!expected_id.empty() && findings.last_id == expected_id && to_hex(record.hash).starts_with(expected_hash));
      return true;
    });
    finding.records = scan.records;
    finding.torn_bytes = scan.torn_bytes;
    for (const Damage& place : scan.damage) finding.modified.push_back(place.text());
    if (segment.set_aside && scan.damage.empty()) finding.modified.push_back("it was set aside as damaged when the journal was opened");
    const bool gap_behind = i + 1 < segments->size() && (*segments)[i + 1].number > segment.number + 1;
    const bool fits = !successor || scan.reached_successor || !scan.damage.empty();
    if (!gap_behind && !fits) finding.truncated.push_back(missing_behind(scan.good_bytes));
    if (!findings.segments.empty() && (finding.set_back.empty() || !front_fits)) {
      SegmentFinding& front = findings.segments.back();
      if (segment.number > front.number + 1)
        front.truncated.push_back(fmt::format("segments {} to {} behind it are missing", front.number + 1, segment.number - 1));
    }
    front_fits = fits;
    findings.segments.push_back(std::move(finding));
  }
  if (to == UINT64_MAX && witness) findings.missing_end = missing_end_of(*witness, end);
  return findings;
}

}  // namespace kanhu::journal
