// SPDX-License-Identifier: MIT
// Which piece of analysis spins, stands still or merely starves.
#include "daemon/worker/work_watch.hpp"

#include <catch2/catch.hpp>

#include "daemon/supervise/hearing_watch.hpp"

namespace kanhu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using AtWork = analyze::Scheduler::AtWork;

MonoTime at(int ms) { return MonoTime(milliseconds(ms)); }

TEST_CASE("a picture that burns processor time is told with its camera, and does not stand still") {
  WorkWatch watch;
  for (int s = 1; s <= 5; ++s) {
    std::vector<relay::WorkerReport::AtWork> told;
    CHECK_FALSE(watch.look({AtWork{0, "hall", at(0), milliseconds(900 * s)}, AtWork{1, "yard", at(1000 * s - 50), milliseconds(40)}},
                           at(1000 * s), told));
    if (s < 2) continue;
    REQUIRE(told.size() == 1);
    CHECK(told[0].camera == "hall");
    CHECK(told[0].processor_ms == 900U * static_cast<unsigned>(s));
    CHECK_FALSE(told[0].closing);
  }
}

TEST_CASE("a picture that starves beside others is neither: it gets on, however slowly") {
  WorkWatch watch;
  for (int s = 1; s <= 60; ++s) {
    std::vector<relay::WorkerReport::AtWork> told;
    CHECK_FALSE(watch.look({AtWork{0, "hall", at(0), milliseconds(5 * s)}}, at(1000 * s), told));
    CHECK(told.empty());
  }
}

TEST_CASE("a picture that uses no processor time for over 2.5 s stands still; the next one is judged anew") {
  WorkWatch watch;
  std::vector<relay::WorkerReport::AtWork> told;
  CHECK_FALSE(watch.look({AtWork{0, "hall", at(0), milliseconds(3)}}, at(1000), told));
  CHECK_FALSE(watch.look({AtWork{0, "hall", at(0), milliseconds(3)}}, at(3000), told));
  CHECK(watch.look({AtWork{0, "hall", at(0), milliseconds(3)}}, at(4000), told));
  CHECK_FALSE(watch.look({AtWork{0, "hall", at(4500), milliseconds(0)}}, at(5000), told));
  CHECK_FALSE(watch.look({}, at(6000), told));
}

TEST_CASE("a thread that spins while a session does not close is told with that session's camera; busy threads without one are not") {
  ClosingWatch watch;
  std::vector<relay::WorkerReport::AtWork> told;
  const auto spent = [](int spinning_ms, int busy_ms) {
    return std::map<int, std::chrono::nanoseconds>{{10, milliseconds(spinning_ms)}, {11, milliseconds(busy_ms)}};
  };
  watch.look({}, spent(0, 0), at(0), told);
  watch.look({{"quick", seconds(2)}}, spent(20'000, 0), at(20'000), told);
  CHECK(told.empty());
  for (int s = 0; s <= 10; ++s) {
    told.clear();
    watch.look({{"hall", seconds(6 + s)}}, spent(20'000 + 950 * s, 200 * s), at(30'000 + 1000 * s), told);
  }
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().camera == "hall");
  CHECK(told.back().closing);
  CHECK(told.back().processor_ms == 9500);
  // One that hangs without burning anything is not.
  told.clear();
  for (int s = 0; s <= 60; ++s) watch.look({{"yard", seconds(6 + s)}}, spent(50'000, 200 * s), at(90'000 + 1000 * s), told);
  CHECK(told.empty());
}

TEST_CASE("the threads of this process and their processor times can be read") { CHECK_FALSE(processor_times_of_threads().empty()); }

}  // namespace
TEST_CASE("a worker that reports and does nothing it is told is deaf after 30 s; one that gets on, however slowly, is not") {
  using namespace std::chrono_literals;
  HearingWatch watch;
  MonoTime now{1h};
  CHECK_FALSE(watch.is_deaf(0, now));  // nothing was said
  now += 1h;
  CHECK_FALSE(watch.is_deaf(0, now));
  for (int i = 0; i < 3; ++i) watch.told();
  SECTION("it hears nothing") {
    now += 30s;
    CHECK_FALSE(watch.is_deaf(0, now));
    now += 1s;
    CHECK(watch.is_deaf(0, now));
  }
  SECTION("it takes 20 s for each") {
    for (std::uint64_t handled = 1; handled <= 3; ++handled) {
      now += 20s;
      CHECK_FALSE(watch.is_deaf(handled, now));
    }
    now += 1h;
    CHECK_FALSE(watch.is_deaf(3, now));
    watch.told();
    now += 29s;
    CHECK_FALSE(watch.is_deaf(3, now));
    now += 2s;
    CHECK(watch.is_deaf(3, now));
  }
  SECTION("it says it has done more than it was told") {
    now += 1h;
    CHECK_FALSE(watch.is_deaf(100, now));
  }
}

}  // namespace kanhu
