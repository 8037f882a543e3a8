// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemon/query/access_control.hpp"
#include "daemon/query/clip_answer.hpp"
#include "daemon/query/disk_queue.hpp"
#include "daemon/query/picture_requests.hpp"
#include "pipelines/journal/pages.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {

// Answers `picture` (docs/events.md): a JPEG of a camera now, or of an event from its clip. A worker makes it; it leaves once its
// access.picture is on disk. Never of a camera that watches a private zone.
// Thread: ask from the query thread, which it does not hold up; the answer comes from another, after 2 s and a commit at most.
class PictureAnswer {
 public:
  struct Upcalls {
    std::function<journal::JournalHead()> head;
    std::function<void(relay::AskPicture)> ask_worker;               // answers at the requests; does not wait
    std::function<std::string(const std::string& subject)> clip_of;  // the clip that serves an incident, as far as `state` knows; may wait
  };
  PictureAnswer(journal::JournalPages& pages, record::ClipFiles& files, const MissingClips& missing, AccessControl& access, DiskQueue& disk,
                PictureRequests& requests, Upcalls upcalls)
      : pages_(pages), files_(files), missing_(missing), access_(access), disk_(disk), requests_(requests), upcalls_(std::move(upcalls)) {}

  void ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply);

 private:
  struct Asked {
    rules::Access what;            // who is told, and what he is told it is
    std::vector<Footage> footage;  // what the picture shows
  };
  void ask_camera(const std::string& id, int max_width, const publish::Asker& asker, const publish::Reply& reply);
  void ask_event(const journal::JournalPlace& place, int max_width, const publish::Asker& asker, const publish::Reply& reply);
  // A place at the requests whose picture becomes the answer; 0 when none is free, which is then answered. `asked` is complete when the
  // picture comes.
  std::uint64_t take_place(const std::string& camera, const std::shared_ptr<Asked>& asked, const publish::Reply& reply);
  // What the worker is to be asked for an event, and who is told; on the disk's thread.
  Result<relay::AskPicture> find_event(const journal::JournalPlace& place, const publish::Asker& asker, Asked& asked);
  Result<std::string> files_of(const Json& event, const std::string& clip, Asked& asked) const;

  journal::JournalPages& pages_;  // on the disk's thread
  record::ClipFiles& files_;
  const MissingClips& missing_;
  AccessControl& access_;
  DiskQueue& disk_;
  PictureRequests& requests_;
  const Upcalls upcalls_;
  // A picture costs up to 0.1 s of a worker's core: all together at most about one core, and a wall of 32 cameras may open at once.
  RateLimit limit_{{4, 32}, {8, 64}};
};

}  // namespace kanhu
