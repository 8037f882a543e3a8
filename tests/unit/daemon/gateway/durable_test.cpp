// SPDX-License-Identifier: MIT
// A picture leaves only once its access is on disk: what `journalled` says while the disk hangs and fails.
#include "daemon/gateway/durable.hpp"

#include <future>
#include <thread>

#include <catch2/catch.hpp>

#include "daemon/query/access_log.hpp"
#include "tests/support/hanging_disk.hpp"
#include "tests/unit/daemon/once.hpp"
#include "tests/unit/pipelines/journal/journal_rig.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;
using test::FileCall;

// A journal on a disk that can hang and fail, and the book of accesses in front of it.
struct AccessRig {
  test::JournalRig journals;
  test::HangingDisk disk{journals.io};
  std::unique_ptr<journal::Journal> journal = std::move(*journals.try_open(disk));
  test::Once<bool> durable;  // what became of the access
  AccessLog book{[this](const std::vector<EventDraft>& events) {
    return journalled(*journal, [&] {
      for (const EventDraft& event : events) journal->accept(event);
    });
  }};
  ~AccessRig() { disk.hang(false); }

  void enter() {
    REQUIRE(book.enter(test::point("a"), [this](bool on_disk) { durable.put(on_disk); }));
  }
  // Until the access was shown to subscribers although the disk has not taken it.
  bool is_out_provisionally() {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto out = journals.handed_out();
      if (!out.empty() && out.back().provisional) return true;
      std::this_thread::yield();
    }
    return false;
  }
  void hang_until_it_is_out() {
    const int before = durable.times();
    disk.hang(true);
    enter();
    REQUIRE(disk.is_waited_for());
    journals.clock.advance(501ms);
    REQUIRE(is_out_provisionally());
    CHECK(durable.times() == before);
  }
};

}  // namespace

TEST_CASE("an access that is on disk lets the picture go, and one on a disk that hangs once that has taken it") {
  AccessRig rig;
  rig.enter();
  CHECK(rig.durable.wait());
  rig.hang_until_it_is_out();
  rig.disk.hang(false);
  CHECK(rig.durable.wait());
  CHECK(rig.journal->head().durable_seq == 2);
}

TEST_CASE("an access that went out provisionally and then cannot be written keeps the picture back") {
  AccessRig rig;
  rig.hang_until_it_is_out();
  const std::uint64_t lost = rig.journal->stats().not_durable;
  for (const FileCall call : {FileCall::kSync, FileCall::kAppend, FileCall::kOpen})
    rig.journals.io.fail_always(call, {ErrorKind::kIo, "input/output error"});
  rig.disk.hang(false);
  CHECK_FALSE(rig.durable.wait());
  CHECK(rig.journal->stats().not_durable == lost);  // which alone would not tell
  rig.journals.io.heal();
  // The journal tries again by itself.
  bool again = false;
  for (const auto deadline = std::chrono::steady_clock::now() + 20s; !again && std::chrono::steady_clock::now() < deadline;) {
    rig.enter();
    again = rig.durable.wait();
  }
  CHECK(again);
}

}  // namespace kanhu
