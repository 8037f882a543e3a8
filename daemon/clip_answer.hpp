#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "daemon/access_control.hpp"
#include "daemon/disk_jobs.hpp"
#include "pipelines/record/shelf.hpp"

namespace kanhu {

// Why clips have no files: the 4,096 learnt of last since the gateway started. Thread: any.
class ClipFates {
 public:
  void note(const ClipRecord& record);  // kMissing ones
  std::optional<ClipRecord> find(const std::string& clip) const;

 private:
  mutable std::mutex mutex_;
  std::list<std::string> order_;  // newest last
  std::map<std::string, ClipRecord> records_;
};

// Answers `clip` (docs/events.md): a page of one part of a clip. The first page somebody reads of a part is journalled as access.clip
// before it leaves, and again 10 min later.
// Thread: ask from the query thread, which it does not hold up; the answer comes from another.
class ClipAnswer {
 public:
  static constexpr std::int64_t kMostPage = 1 << 20;  // bytes

  ClipAnswer(record::ClipShelf& shelf, const ClipFates& fates, AccessControl& access, DiskJobs& disk)
      : shelf_(shelf), fates_(fates), access_(access), disk_(disk) {}
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
  bool was_told(const std::string& user, const Page& page);
  void note_told(const std::string& user, const Page& page);

  record::ClipShelf& shelf_;
  const ClipFates& fates_;
  AccessControl& access_;
  DiskJobs& disk_;
  // A page is a MiB: 64 MiB/s is more than a district's line carries, and half of what a small box reads.
  RateLimit limit_{{64, 128}, {128, 256}};
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, MonoTime> told_;  // user, and clip with part: when it was journalled
};

}  // namespace kanhu
