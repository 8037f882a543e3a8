// SPDX-License-Identifier: MIT
#include "pipelines/publish/client/gap_check.hpp"

#include <utility>
#include <vector>

#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu {
std::optional<TopicParts> topic_parts(const std::string& topic) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t slash; (slash = topic.find('/', at)) != std::string::npos; at = slash + 1) parts.push_back(topic.substr(at, slash - at));
  if (parts.size() != 4) return std::nullopt;
  return TopicParts{std::move(parts[1]), std::move(parts[2]), std::move(parts[3])};
}

// A head names the epoch before and its last durable number of the stream.
void GapCheck::look_at_the_end_before(const std::string& payload, Verdict& verdict) {
  const auto had = ended_.find(verdict.stream);
  if (had == ended_.end()) return;
  const std::uint64_t number = had->second;
  ended_.erase(had);
  const auto head = parse_json(payload);
  if (!head || !head->is_object() || !head->contains("previous") || !(*head)["previous"].is_object()) return;
  const Json& previous = (*head)["previous"];
  if (previous.value("epoch", "") != ended_epoch_) return;
  const auto last = previous.value("stream_seq", std::uint64_t{0});
  if (last > number) verdict.missed += last - number;
  verdict.open = previous.value("open", false) && !std::exchange(said_open_, true);
}

GapCheck::Verdict GapCheck::look(const publish::LiveMessage& message) {
  Verdict verdict;
  const auto parts = topic_parts(message.topic);
  if (!parts || parts->type == "heartbeat" || parts->type == "commit") return verdict;
  verdict.stream = parts->facility;
  const bool is_head = parts->type == "head";
  const std::string epoch = message.header.value("epoch", "");
  if (epoch != epoch_) {
    verdict.new_epoch = restarted_ = !epoch_.empty();
    ended_epoch_ = std::exchange(epoch_, epoch);
    ended_ = std::exchange(last_, {});
    said_open_ = false;
  }
  const auto number = message.header.value("stream_seq", std::uint64_t{0});
  const auto [known, first] = last_.try_emplace(verdict.stream, restarted_ ? 0 : is_head ? number : number - 1);
  std::uint64_t& last = known->second;
  verdict.is_event = !is_head;
  if (is_head) look_at_the_end_before(message.payload, verdict);
  if (!is_head && number <= last) {
    verdict.duplicate = true;
    ++totals_.duplicates;
    return verdict;
  }
  const std::uint64_t expected = is_head ? last : last + 1;
  if (number > expected) {
    verdict.missed += number - expected;
  }
  if (verdict.missed > 0) ++totals_.gaps;
  totals_.missed += verdict.missed;
  if (number > last) last = number;
  if (!is_head) ++totals_.events;
  return verdict;
}

}  // namespace kanhu
