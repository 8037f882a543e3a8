// SPDX-License-Identifier: MIT
#include "pipelines/record/housekeeping.hpp"

#include <condition_variable>
#include <mutex>

#include <catch2/catch.hpp>

#include "pipelines/record/catalogue.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/record/settle.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/faulty_file_io.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;

const std::string kClip(26, 'a');

// A clip that is long over, as a dead worker left it: nothing of it on disk but what settle writes.
ClipRequest old_request(WallTime now) {
  ClipRequest request;
  request.clip = kClip;
  request.facility = "yunshan";
  request.source = "hall";
  request.subject = "incident";
  request.from = now - 24h;
  request.to = request.from + 5s;
  return request;
}

TEST_CASE("retention keeps a clip that the journal could not let go, and removes it once it could") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  REQUIRE(files.make_directories("/clips"));
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  bool durable = false;
  ClipRecord told;
  std::vector<std::string> subjects;
  StorageConfig limits;
  limits.most_age = 1h;
  const auto listed = [&] { return record::list_clips(files, "/clips")->size(); };

  REQUIRE(record::settle(files, "/clips", old_request(clock.wall())).status == ClipStatus::kMissing);
  REQUIRE(listed() == 1);
  const auto advance_until_asked = [&](int times) {
    clock.advance(11min);
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, 30s, [&] { return asked >= times; }));
  };
  {
    ClipHousekeeping housekeeping(files, "/clips",
                                  {[](const ClipRecord&) {},
                                   [&](const ClipRecord& record, const std::vector<std::string>& of) {
                                     std::scoped_lock lock(mutex);
                                     told = record;
                                     subjects = of;
                                     ++asked;
                                     changed.notify_all();
                                     return durable;
                                   },
                                   [&] { return limits; }},
                                  clock);
    advance_until_asked(1);
    CHECK(listed() == 1);
    {
      std::scoped_lock lock(mutex);
      durable = true;
    }
    advance_until_asked(2);
  }
  CHECK(told.status == ClipStatus::kMissing);
  CHECK(told.reason == "retention");
  CHECK(subjects == std::vector<std::string>{"incident"});
  CHECK(listed() == 0);
}

TEST_CASE("a clock that jumps ahead ages clips at most 24 times as fast as time passes") {
  test::FaultyFileIo files;
  test::FakeClock clock;
  REQUIRE(files.make_directories("/clips"));
  StorageConfig limits;
  limits.most_age = 48h;
  REQUIRE(record::settle(files, "/clips", old_request(clock.wall())).status == ClipStatus::kMissing);
  std::mutex mutex;
  std::condition_variable changed;
  int looked = 0, asked = 0;
  ClipHousekeeping housekeeping(files, "/clips",
                                {[](const ClipRecord&) {},
                                 [&](const ClipRecord&, const std::vector<std::string>&) {
                                   std::scoped_lock lock(mutex);
                                   ++asked;
                                   changed.notify_all();
                                   return false;
                                 },
                                 [&] {
                                   std::scoped_lock lock(mutex);
                                   ++looked;
                                   changed.notify_all();
                                   return limits;
                                 }},
                                clock);
  const auto look = [&](std::chrono::minutes passed) {
    std::unique_lock lock(mutex);
    const int before = looked;
    lock.unlock();
    clock.advance(passed);
    lock.lock();
    REQUIRE(changed.wait_for(lock, 30s, [&] { return looked > before; }));
  };
  look(11min);
  clock.step_wall(24h * 365);
  look(11min);
  look(11min);
  {
    std::scoped_lock lock(mutex);
    CHECK(asked == 0);
  }
  look(60min);
  std::unique_lock lock(mutex);
  CHECK(changed.wait_for(lock, 30s, [&] { return asked > 0; }));
}

}  // namespace
}  // namespace kanhu
