// SPDX-License-Identifier: MIT
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pipelines/journal/search/event_index.hpp"
#include "pipelines/journal/search/index_schema.hpp"

namespace kanhu::journal {
namespace {

// Conditions of a search, as SQL and as what stands for its question marks.
struct Conditions {
  std::vector<std::string> all{"1"};
  std::vector<std::string> texts;
  bool impossible = false;  // names something the index has never met
};

template <typename Numbers>
std::string one_of(const char* column, const Numbers& numbers) {
  return fmt::format("{} IN ({})", column, fmt::join(numbers, ","));
}

// A prefix as a range, which an index serves: no text of valid UTF-8 that begins so comes behind U+10FFFF.
constexpr const char* kLastCodePoint = "\xf4\x8f\xbf\xbf";

}  // namespace

Result<IndexAnswer> EventIndex::find(const EventFilter& filter) {
  IndexAnswer answer;
  for (const SegmentFile& file : files_) {
    answer.segments[file.number] = file.path;
    if (file.header) answer.epochs[file.header->epoch_ordinal] = file.header->epoch_text();
  }
  auto said = database_->prepare("SELECT ordinal, epoch FROM said ORDER BY segment");
  if (!said) return tl::unexpected(said.error());
  while (true) {
    const auto row = said->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    answer.epochs.try_emplace(static_cast<std::uint32_t>(said->integer(0)), said->text(1));
  }
  auto stored = stored_segments();
  if (!stored) return tl::unexpected(stored.error());
  for (const Segment& segment : *stored) {
    for (std::size_t at = 0, end; (end = segment.damage.find('\n', at)) != std::string::npos; at = end + 1)
      answer.damage.push_back(fmt::format("{}/{}: {}", journal_, segment.name, segment.damage.substr(at, end - at)));
  }

  Conditions where;
  const auto named = [&](int kind, const std::string& text) -> Result<void> {
    if (text.empty()) return {};
    auto asked = database_->prepare("SELECT id FROM name WHERE kind=? AND text=?");
    if (!asked) return tl::unexpected(asked.error());
    const auto row = asked->bind(kind).bind(text).step();
    if (!row) return tl::unexpected(row.error());
    where.impossible = where.impossible || !*row;
    if (*row) where.all.push_back(fmt::format("{}={}", kNameColumns[kind], asked->integer(0)));
    return {};
  };
  const std::pair<NameKind, const std::string*> wanted[] = {{kStreamName, &filter.facility},
                                                            {kSourceName, &filter.source},
                                                            {kSeverityName, &filter.severity},
                                                            {kZoneName, &filter.zone},
                                                            {kPersonName, &filter.person}};
  for (const auto& [kind, text] : wanted) {
    if (auto done = named(kind, *text); !done) return tl::unexpected(done.error());
  }
  if (!filter.type.empty()) {
    auto types = database_->prepare("SELECT id, text FROM name WHERE kind=?");
    if (!types) return tl::unexpected(types.error());
    types->bind(kTypeName);
    std::vector<std::int64_t> ids;
    while (true) {
      const auto row = types->step();
      if (!row) return tl::unexpected(row.error());
      if (!*row) break;
      if (is_of_type(filter, types->text(1))) ids.push_back(types->integer(0));
    }
    where.impossible = where.impossible || ids.empty();
    where.all.push_back(one_of("type", ids));
  }
  if (!filter.epoch.empty()) {
    std::vector<std::uint32_t> ordinals;
    for (const auto& [ordinal, epoch] : answer.epochs)
      if (epoch.starts_with(filter.epoch)) ordinals.push_back(ordinal);
    where.impossible = where.impossible || ordinals.empty();
    where.all.push_back(one_of("ordinal", ordinals));
  }
  if (filter.seq > 0) where.all.push_back(fmt::format("seq={}", filter.seq));
  if (filter.since) where.all.push_back(fmt::format("time>={}", to_microseconds(*filter.since)));
  if (filter.until) where.all.push_back(fmt::format("time<{}", to_microseconds(*filter.until)));
  if (!filter.person.empty()) where.all.push_back("person<>0");  // as its index says it
  if (!filter.subject.empty()) {
    where.all.push_back("subject IS NOT NULL AND subject>=? AND subject<?");
    where.texts = {filter.subject, filter.subject + kLastCodePoint};
  }
  if (where.impossible) return answer;

  const char* by = !filter.subject.empty() ? "INDEXED BY event_subject" : !filter.person.empty() ? "INDEXED BY event_person" : "";
  std::string sql = fmt::format(
      "SELECT segment.number, begins, event.size, ordinal, seq, mark FROM (SELECT * FROM event {} WHERE {} ORDER BY ordinal {}, seq {}", by,
      fmt::join(where.all, " AND "), filter.most > 0 ? "DESC" : "ASC", filter.most > 0 ? "DESC" : "ASC");
  if (filter.most > 0) sql += fmt::format(" LIMIT {}", filter.most);
  sql += ") AS event JOIN segment ON segment.id=event.segment";
  auto rows = database_->prepare(sql);
  if (!rows) return tl::unexpected(rows.error());
  for (const std::string& text : where.texts) rows->bind(text);
  while (true) {
    const auto row = rows->step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
    answer.places.push_back({static_cast<std::uint64_t>(rows->integer(0)), static_cast<std::uint64_t>(rows->integer(1)),
                             static_cast<std::uint64_t>(rows->integer(2)), static_cast<std::uint32_t>(rows->integer(3)),
                             static_cast<std::uint64_t>(rows->integer(4)), static_cast<std::uint64_t>(rows->integer(5))});
  }
  std::sort(answer.places.begin(), answer.places.end(),
            [](const EventPlace& a, const EventPlace& b) { return std::pair(a.epoch_ordinal, a.seq) < std::pair(b.epoch_ordinal, b.seq); });
  return answer;
}

Result<KnownNames> EventIndex::names() {
  KnownNames names;
  const std::pair<NameKind, std::set<std::string>*> kinds[] = {{kStreamName, &names.facilities},
                                                               {kSourceName, &names.sources},
                                                               {kTypeName, &names.types},
                                                               {kZoneName, &names.zones},
                                                               {kPersonName, &names.people}};
  for (const auto& [kind, into] : kinds) {
    // Not of the table of names alone: it still has those of events that retention has dropped.
    auto rows = database_->prepare(fmt::format("SELECT text FROM name WHERE id IN (SELECT DISTINCT {} FROM event)", kNameColumns[kind]));
    if (!rows) return tl::unexpected(rows.error());
    while (true) {
      const auto row = rows->step();
      if (!row) return tl::unexpected(row.error());
      if (!*row) break;
      into->insert(rows->text(0));
    }
  }
  return names;
}

}  // namespace kanhu::journal
