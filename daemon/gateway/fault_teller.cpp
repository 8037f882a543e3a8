// SPDX-License-Identifier: MIT
#include "daemon/gateway/fault_teller.hpp"

#include <chrono>

namespace kanhu {
namespace {

constexpr auto kBetweenEvents = std::chrono::minutes(1);

}  // namespace

std::vector<faults::Count> FaultTeller::due(const std::vector<faults::Count>& counts, MonoTime now) {
  std::vector<faults::Count> due;
  for (const faults::Count& count : counts) {
    const auto [told, is_new] = told_.try_emplace(count.thread);
    if (count.times <= told->second.times || (!is_new && now - told->second.at < kBetweenEvents)) continue;
    told->second = {count.times, now};
    due.push_back(count);
  }
  return due;
}

}  // namespace kanhu
