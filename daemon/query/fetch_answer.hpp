// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <utility>

#include "base/clock.hpp"
#include "daemon/query/disk_queue.hpp"
#include "pipelines/journal/pages.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/query_server.hpp"

namespace kanhu {

// Answers `fetch` (docs/events.md): a page of the journal. What may not be asked is refused at once; a page is read on the disk's
// thread. kTimeout, which means ask again, when too many wait for theirs.
// Thread: ask from the query thread, which it does not hold up; `head` is called on the disk's thread, which alone uses `pages`.
class FetchAnswer {
 public:
  FetchAnswer(journal::JournalPages& pages, std::function<journal::JournalHead()> head, DiskQueue& disk, const Clock& clock)
      : pages_(pages), head_(std::move(head)), disk_(disk), clock_(clock) {}
  void ask(const Json& request, const publish::Asker& asker, const publish::Reply& reply);

 private:
  Result<publish::Answer> page(const journal::FetchRequest& wanted, MonoTime asked) const;

  journal::JournalPages& pages_;
  const std::function<journal::JournalHead()> head_;
  DiskQueue& disk_;
  const Clock& clock_;
};

}  // namespace kanhu
