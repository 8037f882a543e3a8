// SPDX-License-Identifier: MIT
#include "pipelines/journal/losses.hpp"

#include <utility>

#include "base/json.hpp"

namespace kanhu::journal {
namespace {

constexpr std::size_t kMostLosses = 256;

}  // namespace

Record gap_record(const Loss& loss, const std::vector<std::string>& ended, std::int64_t accepted_us) {
  Json streams = Json::object();
  Json bounds = Json::object();
  for (const auto& [stream, range] : loss.streams) {
    streams[stream] = range.second;
    bounds[stream] = {{"from", range.first}, {"to", range.second}};
  }
  Record record;
  record.kind = RecordKind::kGap;
  record.seq = loss.to == 0 ? loss.from - 1 : loss.to;
  record.time_us = record.accepted_us = accepted_us;
  record.stream = record.source = "-";
  record.type = "gap";
  record.body = canonical_json({{"v", 1},
                                {"reason", loss.reason},
                                {"from", loss.from},
                                {"to", loss.to},
                                {"streams", streams},
                                {"bounds", bounds},
                                {"ended", ended}});
  return record;
}

void add_loss(std::vector<Loss>& losses, Loss loss) {
  const bool joins = !losses.empty() && losses.back().epoch == loss.epoch && losses.back().reason == loss.reason && losses.back().to != 0;
  if (losses.size() < kMostLosses || !joins) {
    losses.push_back(std::move(loss));
    return;
  }
  Loss& last = losses.back();
  last.to = loss.to;
  last.count += loss.count;
  for (const auto& [stream, range] : loss.streams) last.streams.try_emplace(stream, range).first->second.second = range.second;
}

}  // namespace kanhu::journal
