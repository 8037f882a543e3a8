#include "pipelines/publish/wire.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace kanhu::publish {

std::string topic(std::string_view facility, std::string_view source, std::string_view type) {
  return fmt::format("{}{}/{}/{}/", kTopicRoot, facility.empty() ? "-" : facility, source.empty() ? "-" : source, type);
}

// Written out, because it is on every message: already canonical (names in order, no spaces; an epoch is hex).
std::string encode(const Header& header) {
  return fmt::format(R"({{"durable":{},"epoch":"{}","provisional":{},"published":{},"seq":{},"stream_seq":{},"t":{},"v":1}})",
                     header.durable, header.epoch, header.provisional, to_microseconds(header.published), header.seq, header.stream_seq,
                     to_microseconds(header.time));
}

std::uint64_t seq_of(std::string_view header) {
  constexpr std::string_view kName = R"(,"seq":)";
  const std::size_t at = header.find(kName);
  std::uint64_t seq = 0;
  if (at != std::string_view::npos) std::from_chars(header.data() + at + kName.size(), header.data() + header.size(), seq);
  return seq;
}

Header header_of(const Committed& committed, WallTime published) {
  const Event& event = committed.event;
  return {event.id.epoch, event.id.seq, event.id.stream_seq, event.time, published, committed.durable, committed.provisional};
}

std::string head_payload(const JournalHead& head, const std::string& facility, std::uint64_t handed, std::uint64_t durable) {
  Json previous;
  if (!head.previous_epoch.empty()) {
    const auto found = std::find_if(head.previous_streams.begin(), head.previous_streams.end(),
                                    [&](const auto& stream) { return stream.first == facility; });
    previous = {{"epoch", head.previous_epoch},
                {"seq", head.previous_seq},
                {"stream_seq", found == head.previous_streams.end() ? std::uint64_t{0} : found->second}};
    if (head.previous_open) previous["open"] = true;
  }
  return canonical_json({{"v", 1},
                         {"epoch", head.epoch},
                         {"facility", facility},
                         {"stream_seq", handed},
                         {"durable", std::min(durable, handed)},
                         {"previous", previous}});
}

std::string heartbeat_payload(const JournalHead& head, std::uint64_t handed, const Json& more) {
  Json payload = more.is_object() ? more : Json::object();
  payload["v"] = 1;
  payload["epoch"] = head.epoch;
  payload["seq"] = handed;
  payload["durable"] = std::min(head.durable_seq, handed);
  payload["oldest"] = head.oldest_seq;
  payload["previous"] = head.previous_epoch.empty() ? Json() : Json{{"epoch", head.previous_epoch}, {"seq", head.previous_seq}};
  if (head.previous_open) payload["previous"]["open"] = true;
  return canonical_json(payload);
}

std::string commit_payload(const Committed& committed) {
  const Event& event = committed.event;
  return canonical_json({{"v", 1},
                         {"id", event.id.text()},
                         {"epoch", event.id.epoch},
                         {"seq", event.id.seq},
                         {"facility", event.facility},
                         {"stream_seq", event.id.stream_seq}});
}

}  // namespace kanhu::publish
