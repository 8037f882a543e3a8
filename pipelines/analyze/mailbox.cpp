// SPDX-License-Identifier: MIT
#include "pipelines/analyze/mailbox.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kanhu::analyze {
namespace {

constexpr std::ptrdiff_t kMostTicks = 8;

bool is_frame(const LaneItem& item) { return std::holds_alternative<WaitingFrame>(item); }
bool is_tick(const LaneItem& item) { return std::holds_alternative<Tick>(item); }
bool is_run_change(const LaneItem& item) { return !is_frame(item) && !is_tick(item); }

}  // namespace

std::optional<LaneItem> Mailbox::push(LaneItem item) {
  std::optional<LaneItem> overtaken;
  if (!replay_ && is_frame(item)) {
    const auto older = std::find_if(items_.begin(), items_.end(), is_frame);
    if (older != items_.end()) {
      overtaken.emplace(std::move(*older));
      items_.erase(older);
      --frames_;
    }
  }
  if (!replay_ && is_tick(item)) {
    // Only among ticks of the same run: behind the last run change.
    const auto run = std::find_if(items_.rbegin(), items_.rend(), is_run_change).base();
    if (std::count_if(run, items_.end(), is_tick) >= kMostTicks)
      items_.erase(std::prev(std::find_if(items_.rbegin(), items_.rend(), is_tick).base()));
  }
  frames_ += is_frame(item) ? 1 : 0;
  items_.push_back(std::move(item));
  return overtaken;
}

std::vector<LaneItem> Mailbox::take() {
  std::vector<LaneItem> taken;
  while (!items_.empty()) {
    taken.push_back(std::move(items_.front()));
    items_.pop_front();
    if (!is_frame(taken.back())) continue;
    --frames_;
    break;
  }
  return taken;
}

std::deque<LaneItem> Mailbox::clear() {
  frames_ = 0;
  return std::exchange(items_, {});
}

}  // namespace kanhu::analyze
