#include "pipelines/publish/journal_check.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "pipelines/publish/segment_reader.hpp"

namespace kanhu::publish {

bool JournalFindings::modified() const {
  return std::any_of(segments.begin(), segments.end(), [](const SegmentFinding& one) { return !one.modified.empty(); });
}

bool JournalFindings::truncated() const {
  return std::any_of(segments.begin(), segments.end(), [](const SegmentFinding& one) { return !one.truncated.empty(); });
}

Result<JournalFindings> check_journal(FileIo& io, const std::string& journal, std::uint64_t from, std::uint64_t to,
                                      const std::string& expected_id, const std::string& expected_hash) {
  JournalFindings findings;
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
    if (gap_behind)
      finding.truncated.push_back(
          fmt::format("segments {} to {} behind it are missing", segment.number + 1, (*segments)[i + 1].number - 1));
    else if (successor && !scan.reached_successor && scan.damage.empty())
      finding.truncated.push_back(missing_behind(scan.good_bytes));
    findings.segments.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace kanhu::publish
