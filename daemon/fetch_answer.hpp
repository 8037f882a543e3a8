#pragma once

#include <functional>
#include <utility>

#include "base/clock.hpp"
#include "daemon/disk_jobs.hpp"
#include "pipelines/publish/journal_pages.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {

// Answers `fetch` (docs/events.md): a page of the journal. What may not be asked is refused at once; a page is read on the disk's
// thread. kTimeout, which means ask again, when too many wait for theirs.
// Thread: ask from the query thread, which it does not hold up; `head` is called on the disk's thread, which alone uses `pages`.
class FetchAnswer {
 public:
  FetchAnswer(publish::JournalPages& pages, std::function<publish::JournalHead()> head, DiskJobs& disk, const Clock& clock)
      : pages_(pages), head_(std::move(head)), disk_(disk), clock_(clock) {}
  void ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply);

 private:
  Result<publish::Answer> page(const publish::FetchRequest& wanted, MonoTime asked) const;

  publish::JournalPages& pages_;
  const std::function<publish::JournalHead()> head_;
  DiskJobs& disk_;
  const Clock& clock_;
};

}  // namespace kanhu
