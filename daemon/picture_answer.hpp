#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/access_control.hpp"
#include "daemon/clip_answer.hpp"
#include "daemon/disk_jobs.hpp"
#include "daemon/picture_desk.hpp"
#include "pipelines/publish/journal_pages.hpp"

namespace kanhu {

// Answers `picture` (docs/events.md): a JPEG of a camera now, or of an event from its clip. A worker makes it; it leaves once its
// access.picture is on disk. Never of a camera that watches a private zone.
// Thread: ask from the query thread, which it does not hold up; the answer comes from another, after 2 s and a commit at most.
class PictureAnswer {
 public:
  struct Upcalls {
    std::function<publish::JournalHead()> head;
    std::function<void(relay::AskPicture)> ask_worker;               // answers at the desk; does not wait
    std::function<std::string(const std::string& subject)> clip_of;  // the clip that serves an incident, as far as `state` knows; may wait
  };
  PictureAnswer(publish::JournalPages& pages, record::ClipShelf& shelf, const ClipFates& fates, AccessControl& access, DiskJobs& disk,
                PictureDesk& desk, Upcalls upcalls)
      : pages_(pages), shelf_(shelf), fates_(fates), access_(access), disk_(disk), desk_(desk), upcalls_(std::move(upcalls)) {}

  void ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply);

 private:
  void ask_camera(const std::string& id, int max_width, const publish::Asker& asker, const publish::Reply& reply);
  void ask_event(const publish::JournalPlace& place, int max_width, const publish::Asker& asker, const publish::Reply& reply);
  // A place at the desk whose picture becomes the answer; 0 when none is free, which is then answered. `what` is complete when the
  // picture comes.
  std::uint64_t take_place(const std::string& camera, const std::shared_ptr<rules::Access>& what, const publish::Reply& reply);
  // What the worker is to be asked for an event, and who is told; on the disk's thread.
  Result<relay::AskPicture> find_event(const publish::JournalPlace& place, const publish::Asker& asker, rules::Access& what);
  Result<std::string> files_of(const Json& event, const std::string& clip, const rules::Access& what) const;

  publish::JournalPages& pages_;  // on the disk's thread
  record::ClipShelf& shelf_;
  const ClipFates& fates_;
  AccessControl& access_;
  DiskJobs& disk_;
  PictureDesk& desk_;
  const Upcalls upcalls_;
  // A picture costs up to 0.1 s of a worker's core: all together at most about one core, and a wall of 32 cameras may open at once.
  RateLimit limit_{{4, 32}, {8, 64}};
};

}  // namespace kanhu
