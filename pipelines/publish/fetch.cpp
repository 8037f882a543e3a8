// SPDX-License-Identifier: MIT
#include "pipelines/publish/fetch.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "pipelines/journal/segment_reader.hpp"
#include "pipelines/publish/wire.hpp"

namespace kanhu::publish {
namespace {

constexpr std::size_t kMostGivenBytes = 1u << 20;  // an asker that does not read its answers costs eight of them
constexpr std::size_t kMostNames = 1'000;          // streams or types in one request

Result<std::vector<std::string>> names_in(const Json& request, const char* member) {
  std::vector<std::string> names;
  const auto found = request.find(member);
  if (found == request.end()) return names;
  const bool good = found->is_array() && !found->empty() && found->size() <= kMostNames &&
                    std::all_of(found->begin(), found->end(), [](const Json& name) { return name.is_string(); });
  if (!good)
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is a list of 1 to {} names; leave it out for all", member, kMostNames));
  for (const Json& name : *found) names.push_back(name.get<std::string>());
  return names;
}

Result<std::uint64_t> number_in(const Json& request, const char* member, std::uint64_t otherwise, std::uint64_t least, std::uint64_t most) {
  const auto found = request.find(member);
  if (found == request.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() < least || found->get<std::uint64_t>() > most)
    return fail(ErrorKind::kInvalidArgument, fmt::format("{} is a whole number from {} to {}", member, least, most));
  return found->get<std::uint64_t>();
}

bool is_epoch(std::string_view text) {
  return text.size() == 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<journal::FetchRequest> parse_fetch(const Json& request) {
  journal::FetchRequest fetch;
  if (const auto epoch = request.find("epoch"); epoch != request.end()) {
    if (!epoch->is_string() || !is_epoch(epoch->get<std::string>()))
      return fail(ErrorKind::kInvalidArgument, "epoch is 32 lower-case hex digits; leave it out for everything that is kept");
    fetch.after.epoch = epoch->get<std::string>();
  } else if (request.contains("after")) {
    return fail(ErrorKind::kInvalidArgument, "after is a number of an epoch; name the epoch too");
  }
  auto after = number_in(request, "after", 0, 0, (std::uint64_t{1} << 53) - 1);
  if (!after) return tl::unexpected(after.error());
  auto events = number_in(request, "max_events", fetch.most_events, 1, journal::kMostFetched);
  if (!events) return tl::unexpected(events.error());
  auto bytes = number_in(request, "max_bytes", fetch.most_bytes, 1024, journal::kMostFetchedBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  auto streams = names_in(request, "streams");
  if (!streams) return tl::unexpected(streams.error());
  auto types = names_in(request, "types");
  if (!types) return tl::unexpected(types.error());
  fetch.after.seq = *after;
  fetch.most_events = static_cast<std::size_t>(*events);
  fetch.most_bytes = std::min(static_cast<std::size_t>(*bytes), kMostGivenBytes);
  fetch.streams = std::move(*streams);
  fetch.types = std::move(*types);
  return fetch;
}

std::string to_text(const journal::JournalPage& page, const journal::JournalHead& head) {
  fmt::memory_buffer text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, R"({{"complete":{},"events":[)", page.complete);
  bool first = true;
  for (const journal::JournalRecord& record : page.events) {
    fmt::format_to(
        out,
        R"({}{{"header":{{"durable":true,"epoch":"{}","provisional":false,"seq":{},"stream_seq":{},"t":{},"v":1}},"payload":{},"topic":"{}"}})",
        first ? "" : ",", record.id.epoch, record.id.seq, record.id.stream_seq, to_microseconds(record.time), record.body,
        topic(record.facility, record.source, record.type));
    first = false;
  }
  Json gaps = Json::array();
  for (const journal::JournalGap& gap : page.gaps) {
    Json streams = Json::object();
    for (const auto& [stream, bounds] : gap.streams) streams[stream] = {{"from", bounds.first}, {"to", bounds.second}};
    gaps.push_back({{"epoch", gap.epoch}, {"from", gap.from}, {"to", gap.to}, {"reason", gap.reason}, {"streams", std::move(streams)}});
  }
  Json streams = Json::object();
  for (const auto& [stream, numbers] : head.streams) streams[stream] = numbers.durable;
  const Json tail{
      {"gaps", std::move(gaps)},
      {"head", {{"epoch", head.epoch}, {"seq", head.durable_seq}, {"oldest", head.oldest_seq}, {"streams", std::move(streams)}}},
      {"next", {{"epoch", page.next.epoch}, {"after", page.next.seq}}},
      {"ok", true},
      {"request", "fetch"},
      {"v", 1}};
  fmt::format_to(out, "],{}", std::string_view(canonical_json(tail)).substr(1));
  return fmt::to_string(text);
}

Result<journal::FetchRequest> permitted_fetch(const Json& request, const Rights& rights) {
  if (!rights.may(Right::kFetch)) return fail(ErrorKind::kUnauthorized, "this key has not the right fetch");
  auto wanted = parse_fetch(request);
  if (!wanted || rights.sees_all()) return wanted;
  const auto hidden = std::find_if(wanted->streams.begin(), wanted->streams.end(), [&](const auto& one) { return !rights.sees(one); });
  if (hidden != wanted->streams.end())
    return fail(ErrorKind::kUnauthorized,
                fmt::format("this key may not see the stream {}; leave streams out for all it may", kanhu::quoted(*hidden)));
  wanted->sees = [rights](const std::string& stream) { return rights.sees(stream); };
  return wanted;
}

Result<std::string> answer_permitted(journal::JournalPages& pages, const journal::FetchRequest& wanted, journal::JournalHead head) {
  auto page = pages.fetch(wanted, head);
  if (!page) return tl::unexpected(page.error());
  if (wanted.sees) std::erase_if(head.streams, [&](const auto& stream) { return !wanted.sees(stream.first); });
  return to_text(*page, head);
}

Result<std::string> answer_fetch(journal::JournalPages& pages, const Json& request, journal::JournalHead head, const Rights& rights) {
  auto wanted = permitted_fetch(request, rights);
  if (!wanted) return tl::unexpected(wanted.error());
  return answer_permitted(pages, *wanted, std::move(head));
}

}  // namespace kanhu::publish
