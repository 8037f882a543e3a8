// SPDX-License-Identifier: MIT
#include "daemon/query/missing_clips.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostKept = 4096;

}  // namespace

void MissingClips::note(const ClipRecord& record) {
  if (record.status != ClipStatus::kMissing) return;
  std::scoped_lock lock(mutex_);
  if (!records_.insert_or_assign(record.clip, record).second) return;
  order_.push_back(record.clip);
  if (order_.size() <= kMostKept) return;
  records_.erase(order_.front());
  order_.pop_front();
}

std::optional<ClipRecord> MissingClips::find(const std::string& clip) const {
  std::scoped_lock lock(mutex_);
  const auto found = records_.find(clip);
  return found == records_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace kanhu
