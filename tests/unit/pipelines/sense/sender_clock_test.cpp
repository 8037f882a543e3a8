// SPDX-License-Identifier: MIT
#include "pipelines/sense/sender_clock.hpp"

#include <catch2/catch.hpp>

namespace kanhu::sense {
namespace {

using namespace std::chrono_literals;

const WallTime kNow = wall_from_microseconds(1'795'662'000'000'000);

}  // namespace

TEST_CASE("a sender's time is believed while it rises and is within 5 s of arrival") {
  SenderClock clock;
  const CaptureTime first = clock.take(kNow - 40ms, kNow);
  CHECK(first.arrival == kNow);
  CHECK(first.rtcp == kNow - 40ms);
  CHECK(clock.fault().empty());
  CHECK(clock.take(kNow + 4s, kNow + 1s).rtcp == kNow + 4s);
}

TEST_CASE("without a time arrival counts, and that is no fault") {
  SenderClock clock;
  CHECK_FALSE(clock.take(std::nullopt, kNow).rtcp);
  CHECK(clock.fault().empty());
}

TEST_CASE("a clock that is wrong, stands still or runs backwards is named, and arrival counts") {
  SenderClock clock;
  CHECK_FALSE(clock.take(kNow + 6s, kNow).rtcp);
  CHECK(clock.fault().find("5 s ahead") != std::string::npos);
  CHECK_FALSE(clock.take(kNow, kNow + 1s).rtcp);
  CHECK(clock.fault().find("backwards") != std::string::npos);
  CHECK_FALSE(clock.take(kNow, kNow + 2s).rtcp);
  CHECK(clock.fault().find("stands still") != std::string::npos);
  CHECK_FALSE(clock.take(kNow + 1s, kNow + 9s).rtcp);
  CHECK(clock.fault().find("5 s behind") != std::string::npos);
  CHECK(clock.take(kNow + 10s, kNow + 10s).rtcp);
  CHECK(clock.fault().empty());
}

}  // namespace kanhu::sense
