// SPDX-License-Identifier: MIT
#include "pipelines/publish/wire.hpp"

#include <algorithm>
#include <charconv>

namespace kanhu::publish {
namespace {

constexpr std::size_t kMostHeader = 224;  // with numbers below 2^53

// Told in heads and heartbeats: the numbers of the epoch before are not all that was shown.
bool tells_less(const journal::JournalHead& head) { return head.previous_open || head.previous_lost; }

}  // namespace

std::string topic(std::string_view facility, std::string_view source, std::string_view type) {
  std::string text;
  text.reserve(kTopicRoot.size() + facility.size() + source.size() + type.size() + 5);
  text.append(kTopicRoot).append(facility.empty() ? "-" : facility).append("/");
  text.append(source.empty() ? "-" : source).append("/").append(type).append("/");
  return text;
}

// Written out, because it is on every message: already canonical (names in order, no spaces; an epoch is hex).
std::string encode(const Header& header) {
  std::string text;
  text.reserve(kMostHeader);
  const auto number = [&](std::string_view name, std::int64_t value) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    text.append(name).append(digits, end);
  };
  text.append(header.durable ? R"({"durable":true,"epoch":")" : R"({"durable":false,"epoch":")").append(header.epoch);
  text.append(header.provisional ? R"(","provisional":true)" : R"(","provisional":false)");
  number(R"(,"published":)", to_microseconds(header.published));
  number(R"(,"seq":)", static_cast<std::int64_t>(header.seq));
  number(R"(,"stream_seq":)", static_cast<std::int64_t>(header.stream_seq));
  number(R"(,"t":)", to_microseconds(header.time));
  text.append(R"(,"v":1})");
  return text;
}

std::uint64_t seq_of(std::string_view header) {
  constexpr std::string_view kName = R"(,"seq":)";
  const std::size_t at = header.find(kName);
  std::uint64_t seq = 0;
  if (at != std::string_view::npos) std::from_chars(header.data() + at + kName.size(), header.data() + header.size(), seq);
  return seq;
}

Header header_of(const journal::Committed& committed, WallTime published) {
  const Event& event = *committed.event;
  return {event.id.epoch, event.id.seq, event.id.stream_seq, event.time, published, committed.durable, committed.provisional};
}

std::string head_payload(const journal::JournalHead& head, const std::string& facility, std::uint64_t handed, std::uint64_t durable) {
  Json previous;
  if (!head.previous_epoch.empty()) {
    const auto found = std::find_if(head.previous_streams.begin(), head.previous_streams.end(),
                                    [&](const auto& stream) { return stream.first == facility; });
    previous = {{"epoch", head.previous_epoch},
                {"seq", head.previous_seq},
                {"stream_seq", found == head.previous_streams.end() ? std::uint64_t{0} : found->second}};
    if (tells_less(head)) previous["open"] = true;
  }
  return canonical_json({{"v", 1},
                         {"epoch", head.epoch},
                         {"facility", facility},
                         {"stream_seq", handed},
                         {"durable", std::min(durable, handed)},
                         {"previous", previous}});
}

std::string heartbeat_payload(const journal::JournalHead& head, std::uint64_t handed, const Json& more) {
  Json payload = more.is_object() ? more : Json::object();
  payload["v"] = 1;
  payload["epoch"] = head.epoch;
  payload["seq"] = handed;
  payload["durable"] = std::min(head.durable_seq, handed);
  payload["oldest"] = head.oldest_seq;
  payload["previous"] = head.previous_epoch.empty() ? Json() : Json{{"epoch", head.previous_epoch}, {"seq", head.previous_seq}};
  if (!head.previous_epoch.empty() && tells_less(head)) payload["previous"]["open"] = true;
  return canonical_json(payload);
}

std::string commit_payload(const journal::Committed& committed) {
  const Event& event = *committed.event;
  return canonical_json({{"v", 1},
                         {"id", event.id.text()},
                         {"epoch", event.id.epoch},
                         {"seq", event.id.seq},
                         {"facility", event.facility},
                         {"stream_seq", event.id.stream_seq}});
}

}  // namespace kanhu::publish
