// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "daemon/gateway/told_lately.hpp"
#include "daemon/query/access_control.hpp"
#include "daemon/query/disk_queue.hpp"
#include "daemon/query/missing_clips.hpp"
#include "pipelines/publish/query_server.hpp"
#include "pipelines/record/clip_files.hpp"

namespace kanhu {

// Answers `clip` (docs/events.md): a page of one part of a clip. The first page somebody reads of a part is journalled as access.clip
// before it leaves, and again 10 min later.
// Thread: ask from the query thread, which it does not hold up; the answer comes from another.
class ClipAnswer {
 public:
  static constexpr std::int64_t kMostPage = 1 << 20;  // bytes

  ClipAnswer(record::ClipFiles& files, const MissingClips& missing, AccessControl& access, DiskQueue& disk)
      : files_(files), missing_(missing), access_(access), disk_(disk) {}
  void ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply);

 private:
  struct Page {
    std::string id;
    std::uint64_t offset = 0, length = 0;
    int part = 1;
  };
  static Result<Page> parse(const Json& request);
  void answer(const Page& page, const publish::Asker& asker, const publish::Reply& reply);
  Result<record::ShelvedClip> find(const std::string& id) const;
  // What the asker may know of a clip that cannot be read.
  Error unreadable(const Error& why, const publish::Asker& asker, rules::Access what) const;

  record::ClipFiles& files_;
  const MissingClips& missing_;
  AccessControl& access_;
  DiskQueue& disk_;
  // A page is a MiB: 64 MiB/s is more than a district's line carries, and half of what a small box reads.
  RateLimit limit_{{64, 128}, {128, 256}};
  ToldLately told_;  // clips with their part
};

}  // namespace kanhu
