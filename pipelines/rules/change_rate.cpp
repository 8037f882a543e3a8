// SPDX-License-Identifier: MIT
#include "pipelines/rules/change_rate.hpp"

namespace kanhu::rules {

void ChangeRate::forget(WallTime waited) {
  while (!changes_.empty() && waited - changes_.front() >= kWindow) changes_.pop_front();
}

bool ChangeRate::changed(WallTime waited, std::size_t most) {
  forget(waited);
  changes_.push_back(waited);
  if (changes_.size() > most + 1) changes_.pop_front();
  restless_ = restless_ || changes_.size() > most;
  return restless_;
}

bool ChangeRate::calmed(WallTime waited, std::size_t most) {
  if (!restless_) return false;
  forget(waited);
  if (changes_.size() > most / 2) return false;
  restless_ = false;
  return true;
}

}  // namespace kanhu::rules
