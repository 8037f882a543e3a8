#include "daemon/reconnects.hpp"

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

using std::chrono::seconds;

MonoTime at(double s) { return MonoTime(std::chrono::nanoseconds(static_cast<std::int64_t>(s * 1e9))); }

// The largest random number: every wait is the longest one allowed.
Reconnects slowest() {
  return Reconnects([] { return ~0ull; });
}

const Reconnects::Key kHall{"hall", StreamRole::kMain};

TEST_CASE("a session is due at once, then after waits that double up to a minute") {
  auto reconnects = slowest();
  reconnects.add(kHall, "yunshan", at(0));
  REQUIRE(reconnects.take_due(at(0)) == std::vector{kHall});
  CHECK(reconnects.take_due(at(0)).empty());
  double now = 0;
  double last = 0;
  for (int i = 0; i < 10; ++i) {
    reconnects.ended(kHall, ErrorKind::kRefused, at(now));
    const auto next = reconnects.view(kHall).next;
    REQUIRE(next);
    const double wait = to_seconds(*next - at(now));
    CHECK(wait >= 1);
    CHECK(wait <= 60.001);
    CHECK(wait >= last);
    last = wait;
    CHECK(reconnects.take_due(*next - std::chrono::milliseconds(1)).empty());
    now += wait;
    REQUIRE(reconnects.take_due(at(now + 0.001)).size() == 1);
  }
  CHECK(last > 59);
}

TEST_CASE("a long healthy run starts the back-off afresh, a short one does not") {
  auto reconnects = slowest();
  reconnects.add(kHall, "yunshan", at(0));
  for (double t : {0.0, 100.0, 200.0, 300.0}) {
    (void)reconnects.take_due(at(t));
    reconnects.ended(kHall, ErrorKind::kRefused, at(t));
  }
  (void)reconnects.take_due(at(400));
  reconnects.up(kHall, at(400));
  reconnects.ended(kHall, ErrorKind::kStalled, at(405));
  CHECK(to_seconds(*reconnects.view(kHall).next - at(405)) > 4);
  (void)reconnects.take_due(at(500));
  reconnects.up(kHall, at(500));
  reconnects.ended(kHall, ErrorKind::kStalled, at(540));
  CHECK(to_seconds(*reconnects.view(kHall).next - at(540)) < 1.001);
}

TEST_CASE("a wrong password waits at least a minute and is given up after five refusals until it is added again") {
  auto reconnects = slowest();
  reconnects.add(kHall, "yunshan", at(0));
  double now = 0;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(reconnects.take_due(at(now)).size() == 1);
    reconnects.ended(kHall, ErrorKind::kUnauthorized, at(now));
    CHECK(reconnects.take_due(at(now + 59)).empty());
    now += 601;
  }
  CHECK(reconnects.view(kHall).given_up);
  CHECK(reconnects.take_due(at(now + 100000)).empty());
  reconnects.orphaned(kHall, at(now));
  CHECK(reconnects.take_due(at(now + 100000)).empty());
  reconnects.add(kHall, "yunshan", at(now));
  CHECK(reconnects.take_due(at(now)).size() == 1);
}

TEST_CASE("a site that comes back is opened two sessions at a time, other sites are not held up") {
  auto reconnects = slowest();
  for (int i = 0; i < 10; ++i) reconnects.add({"a" + std::to_string(i), StreamRole::kMain}, "a", at(0));
  reconnects.add({"b0", StreamRole::kMain}, "b", at(0));
  auto first = reconnects.take_due(at(0));
  CHECK(first.size() == 3);
  reconnects.up({"a0", StreamRole::kMain}, at(1));
  CHECK(reconnects.take_due(at(1)).size() == 1);
  // An opening that never answers gives its place back.
  CHECK(reconnects.take_due(at(40)).size() == 2);
}

TEST_CASE("when a worker dies its sessions are due at once, a refused one keeps waiting") {
  auto reconnects = slowest();
  const Reconnects::Key office{"office", StreamRole::kMain};
  reconnects.add(kHall, "a", at(0));
  reconnects.add(office, "b", at(0));
  (void)reconnects.take_due(at(0));
  reconnects.up(kHall, at(1));
  reconnects.ended(office, ErrorKind::kUnauthorized, at(1));
  reconnects.orphaned(kHall, at(5));
  reconnects.orphaned(office, at(5));
  CHECK(reconnects.take_due(at(5)) == std::vector{kHall});
}

}  // namespace
}  // namespace kanhu
