#include "daemon/reconnects.hpp"

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

using std::chrono::seconds;

MonoTime at(double s) { return MonoTime(std::chrono::nanoseconds(static_cast<std::int64_t>(s * 1e9))); }

Reconnects repeatable() {
  return Reconnects([random = std::mt19937_64(7)]() mutable { return random(); });
}

const Reconnects::Key kHall{"hall", StreamRole::kMain};

TEST_CASE("a session is due at once, then after waits of 1 s up to a bound that doubles to a minute") {
  std::mt19937_64 random(3);
  double longest = 0;
  for (int round = 0; round < 50; ++round) {
    Reconnects reconnects([&] { return random(); });
    reconnects.add(kHall, "yunshan", at(0));
    REQUIRE(reconnects.take_due(at(0)) == std::vector<Reconnects::Key>{kHall});
    CHECK(reconnects.take_due(at(0)).empty());
    double now = 0;
    double bound = 1;
    for (int i = 0; i < 10; ++i) {
      reconnects.ended(kHall, ErrorKind::kRefused, at(now));
      const auto next = reconnects.view(kHall).next;
      REQUIRE(next);
      const double wait = to_seconds(*next - at(now));
      CHECK(wait >= 1);
      CHECK(wait <= bound + 0.001);
      CHECK(reconnects.take_due(*next - std::chrono::milliseconds(1)).empty());
      now += wait;
      REQUIRE(reconnects.take_due(at(now + 0.001)).size() == 1);
      bound = std::min(60.0, bound * 2);
      longest = std::max(longest, wait);
    }
  }
  CHECK(longest > 50);
}

TEST_CASE("a long healthy run starts the back-off afresh, a short one does not") {
  auto reconnects = repeatable();
  reconnects.add(kHall, "yunshan", at(0));
  for (double t : {0.0, 100.0, 200.0, 300.0}) {
    (void)reconnects.take_due(at(t));
    reconnects.ended(kHall, ErrorKind::kRefused, at(t));
  }
  // After a healthy run the first wait is 1 s sharp; after a short one it is drawn from up to 16 s.
  (void)reconnects.take_due(at(400));
  reconnects.up(kHall, at(400));
  reconnects.ended(kHall, ErrorKind::kStalled, at(405));
  CHECK(to_seconds(*reconnects.view(kHall).next - at(405)) != Approx(1.0));
  (void)reconnects.take_due(at(500));
  reconnects.up(kHall, at(500));
  reconnects.ended(kHall, ErrorKind::kStalled, at(540));
  CHECK(to_seconds(*reconnects.view(kHall).next - at(540)) == Approx(1.0));
}

TEST_CASE("a wrong password waits at least a minute and is given up after five refusals until it is added again") {
  auto reconnects = repeatable();
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
  auto reconnects = repeatable();
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
  auto reconnects = repeatable();
  const Reconnects::Key office{"office", StreamRole::kMain};
  reconnects.add(kHall, "a", at(0));
  reconnects.add(office, "b", at(0));
  (void)reconnects.take_due(at(0));
  reconnects.up(kHall, at(1));
  reconnects.ended(office, ErrorKind::kUnauthorized, at(1));
  reconnects.orphaned(kHall, at(5));
  reconnects.orphaned(office, at(5));
  CHECK(reconnects.take_due(at(5)) == std::vector<Reconnects::Key>{kHall});
}

TEST_CASE("a session that replaces another begins later, and the end of the other does not touch it") {
  Reconnects reconnects([] { return std::uint64_t{0}; });
  reconnects.add(kHall, "yunshan", at(0), seconds(1));
  CHECK(reconnects.take_due(at(0)).empty());
  reconnects.ended(kHall, ErrorKind::kClosed, at(0));
  CHECK(reconnects.view(kHall).next == at(1));
  CHECK(reconnects.take_due(at(1)) == std::vector<Reconnects::Key>{kHall});
}

}  // namespace
}  // namespace kanhu
