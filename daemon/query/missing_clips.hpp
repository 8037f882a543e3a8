// SPDX-License-Identifier: MIT
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "pipelines/event.hpp"

namespace kanhu {

// Why clips have no files: the 4,096 learnt of last since the gateway started. Thread: any.
class MissingClips {
 public:
  void note(const ClipRecord& record);  // kMissing ones
  std::optional<ClipRecord> find(const std::string& clip) const;

 private:
  mutable std::mutex mutex_;
  std::list<std::string> order_;  // newest last
  std::map<std::string, ClipRecord> records_;
};

}  // namespace kanhu
