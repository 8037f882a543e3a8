// SPDX-License-Identifier: MIT
#include "daemon/supervise/quarantine.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kanhu {
namespace {

using std::chrono::nanoseconds;
constexpr nanoseconds kWindow = std::chrono::hours(1);
constexpr nanoseconds kSetApart = std::chrono::hours(1);
constexpr nanoseconds kLeastProbation = std::chrono::seconds(30);
constexpr nanoseconds kMostProbation = std::chrono::minutes(10);
constexpr std::size_t kTolerated = 1;  // deaths

}  // namespace

Quarantine::Verdict Quarantine::died(const std::vector<std::string>& cameras, const std::string& what, nanoseconds lived, MonoTime now) {
  Verdict verdict;
  bool again = false;
  nanoseconds longest = lived;
  for (const std::string& id : cameras) {
    Camera& camera = cameras_[id];
    while (!camera.deaths.empty() && now - camera.deaths.front().at >= kWindow) camera.deaths.pop_front();
    camera.deaths.push_back({now, lived});
    again = again || camera.deaths.size() > kTolerated;
    for (const Death& death : camera.deaths) longest = std::max(longest, death.lived);
  }
  if (cameras.size() == 1 && cameras_[cameras.front()].where == Where::kAlone) {
    Camera& camera = cameras_[cameras.front()];
    camera.where = Where::kQuarantined;
    camera.since = now;
    found_[camera.group] = true;
    verdict.quarantined = cameras.front();
    verdict.words = fmt::format(
        "set apart: its worker {}, with this camera alone in it ({} deaths within an hour); tried again in an hour, or "
        "when its configuration changes",
        what, camera.deaths.size());
    return verdict;
  }
  if (!again) return verdict;
  ++groups_;
  found_[groups_] = false;
  for (const std::string& id : cameras) {
    Camera& camera = cameras_[id];
    camera.where = Where::kAlone;
    camera.since = now;
    camera.group = groups_;
    camera.probation = std::clamp(2 * longest, kLeastProbation, kMostProbation);
    verdict.alone.push_back(id);
  }
  return verdict;
}

void Quarantine::try_alone(Camera& camera, MonoTime now) {
  camera.where = Where::kAlone;
  camera.since = now;
  camera.group = ++groups_;
  camera.probation = kMostProbation;
  found_[groups_] = true;
}

bool Quarantine::changed(const std::string& id, MonoTime now) {
  const auto found = cameras_.find(id);
  if (found == cameras_.end() || found->second.where != Where::kQuarantined) return false;
  try_alone(found->second, now);
  return true;
}

void Quarantine::forget(const std::string& camera) { cameras_.erase(camera); }

Quarantine::Due Quarantine::due(MonoTime now) {
  Due due;
  for (auto it = cameras_.begin(); it != cameras_.end();) {
    Camera& camera = it->second;
    while (!camera.deaths.empty() && now - camera.deaths.front().at >= kWindow) camera.deaths.pop_front();
    if (camera.where == Where::kQuarantined && now - camera.since >= kSetApart) {
      try_alone(camera, now);
      due.again.push_back(it->first);
    } else if (camera.where == Where::kAlone && now - camera.since >= (found_[camera.group] ? camera.probation : kWindow)) {
      camera.where = Where::kShared;
      due.back.push_back(it->first);
    }
    const bool over = camera.where == Where::kShared && camera.deaths.empty();
    it = over ? cameras_.erase(it) : std::next(it);
  }
  std::erase_if(found_, [&](const auto& group) {
    return std::none_of(cameras_.begin(), cameras_.end(), [&](const auto& entry) { return entry.second.group == group.first; });
  });
  return due;
}

}  // namespace kanhu
