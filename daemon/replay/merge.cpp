// SPDX-License-Identifier: MIT
#include "daemon/replay/merge.hpp"

#include <utility>

namespace kanhu {

void ObservationMerge::push(Observation observation) {
  auto found = waiting_.find(observation.source);
  if (found == waiting_.end()) return;
  found->second.queue.push_back(std::move(observation));
  hand_out();
}

void ObservationMerge::finish(const std::string& source) {
  auto found = waiting_.find(source);
  if (found == waiting_.end()) return;
  found->second.over = true;
  hand_out();
}

void ObservationMerge::hand_out() {
  for (;;) {
    auto first = waiting_.end();
    for (auto lane = waiting_.begin(); lane != waiting_.end();) {
      if (lane->second.queue.empty()) {
        if (!lane->second.over) return;  // it may still say something earlier
        lane = waiting_.erase(lane);
        continue;
      }
      // Lanes are visited by source id, so equal times keep that order.
      if (first == waiting_.end() || lane->second.queue.front().time < first->second.queue.front().time) first = lane;
      ++lane;
    }
    if (first == waiting_.end()) return;
    const Observation next = std::move(first->second.queue.front());
    first->second.queue.pop_front();
    out_(next);
  }
}

}  // namespace kanhu
