// SPDX-License-Identifier: MIT
#include "pipelines/publish/access/rights.hpp"

#include <algorithm>

#include "pipelines/publish/wire.hpp"

namespace kanhu::publish {

bool Rights::may(Right right) const { return every_right || std::find(rights.begin(), rights.end(), right) != rights.end(); }

bool Rights::sees(std::string_view facility) const {
  return std::any_of(facilities.begin(), facilities.end(), [&](std::string_view pattern) {
    if (!pattern.ends_with('*')) return facility == pattern;
    pattern.remove_suffix(1);
    // The gateway's own stream, "-", begins like no facility's id: only who sees all sees it.
    return facility.starts_with(pattern);
  });
}

bool Rights::sees_all() const { return std::find(facilities.begin(), facilities.end(), "*") != facilities.end(); }

std::vector<std::string> permitted_topics(const Rights& rights, std::string_view prefix) {
  if (!rights.may(Right::kLive)) return {};
  if (rights.sees_all()) return {std::string(prefix)};
  std::vector<std::string> given;
  const auto give = [&](std::string_view permitted) {
    if (prefix.starts_with(permitted)) given.emplace_back(prefix);
    if (permitted.starts_with(prefix)) given.emplace_back(permitted);
  };
  give(topic("-", "-", "heartbeat"));
  for (const std::string& pattern : rights.facilities) {
    std::string permitted(kTopicRoot);
    if (pattern.ends_with('*'))
      permitted.append(pattern, 0, pattern.size() - 1);
    else
      permitted.append(pattern).append("/");
    give(permitted);
  }
  // Sorted, what lies inside of another comes behind it.
  std::sort(given.begin(), given.end());
  std::vector<std::string> least;
  for (std::string& one : given)
    if (least.empty() || !one.starts_with(least.back())) least.push_back(std::move(one));
  return least;
}

}  // namespace kanhu::publish
