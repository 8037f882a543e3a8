#include "daemon/gap_check.hpp"

#include <vector>

namespace kanhu {
namespace {

std::vector<std::string> split(const std::string& topic) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t slash; (slash = topic.find('/', at)) != std::string::npos; at = slash + 1) parts.push_back(topic.substr(at, slash - at));
  return parts;
}

}  // namespace

GapCheck::Verdict GapCheck::look(const publish::LiveMessage& message) {
  Verdict verdict;
  const auto parts = split(message.topic);  // kanhu1, facility, source, type
  if (parts.size() != 4 || parts[3] == "heartbeat" || parts[3] == "commit") return verdict;
  verdict.stream = parts[1];
  const bool is_head = parts[3] == "head";
  const std::string epoch = message.header.value("epoch", "");
  if (epoch != epoch_) {
    verdict.new_epoch = !epoch_.empty();
    epoch_ = epoch;
    last_.clear();
  }
  const auto number = message.header.value("stream_seq", std::uint64_t{0});
  auto [known, first] = last_.try_emplace(verdict.stream, is_head ? number : number - 1);
  std::uint64_t& last = known->second;
  verdict.is_event = !is_head;
  if (!is_head && number <= last) {
    verdict.duplicate = true;
    ++totals_.duplicates;
    return verdict;
  }
  const std::uint64_t expected = is_head ? last : last + 1;
  if (number > expected) {
    verdict.missed = number - expected;
    ++totals_.gaps;
    totals_.missed += verdict.missed;
  }
  if (number > last) last = number;
  if (!is_head) ++totals_.events;
  return verdict;
}

}  // namespace kanhu
