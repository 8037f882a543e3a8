// SPDX-License-Identifier: MIT
#include "daemon/supervise/reconnects.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

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

TEST_CASE("a wrong password waits at least a minute, after five refusals an hour, and no time at all once it is added again") {
  auto reconnects = repeatable();
  reconnects.add(kHall, "yunshan", at(0));
  double now = 0;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(reconnects.take_due(at(now)).size() == 1);
    reconnects.ended(kHall, ErrorKind::kUnauthorized, at(now));
    CHECK(reconnects.take_due(at(now + 59)).empty());
    now += 601;
  }
  now -= 601;  // of the fifth
  CHECK(reconnects.view(kHall).hourly);
  // No account is locked by it, and none is blind until somebody looks.
  for (int hour = 0; hour < 30; ++hour) {
    CHECK(reconnects.view(kHall).next == at(now + 3600));
    reconnects.orphaned(kHall, at(now + 10));
    CHECK(reconnects.take_due(at(now + 3599)).empty());
    now += 3600;
    REQUIRE(reconnects.take_due(at(now)).size() == 1);
    reconnects.ended(kHall, ErrorKind::kUnauthorized, at(now));
  }
  reconnects.add(kHall, "yunshan", at(now));
  CHECK_FALSE(reconnects.view(kHall).hourly);
  CHECK(reconnects.take_due(at(now)).size() == 1);
  reconnects.up(kHall, at(now));
  CHECK(reconnects.view(kHall).refusals == 0);
}

TEST_CASE("newcomers of a site connect three at a time, one place is kept for who was well, other sites are not held up") {
  auto reconnects = repeatable();
  for (int i = 0; i < 10; ++i) reconnects.add({"a" + std::to_string(i), StreamRole::kMain}, "a", at(0));
  reconnects.add({"b0", StreamRole::kMain}, "b", at(0));
  CHECK(reconnects.take_due(at(0)).size() == 4);
  CHECK(reconnects.take_due(at(0.1)).empty());
  // Whoever answers makes room, however long its media take.
  reconnects.connected({"a0", StreamRole::kMain});
  CHECK(reconnects.take_due(at(0.2)).size() == 1);
  // Who never answers gives its place on.
  CHECK(reconnects.take_due(at(1.3)).size() == 3);

  Reconnects::Key known{"known", StreamRole::kMain};
  reconnects.add(known, "a", at(0));
  reconnects.up(known, at(5));
  for (int i = 0; i < 10; ++i) reconnects.add({"c" + std::to_string(i), StreamRole::kMain}, "a", at(20));
  CHECK(reconnects.take_due(at(20)).size() == 3);
  reconnects.orphaned(known, at(20.005));
  CHECK(reconnects.take_due(at(20.01)) == std::vector<Reconnects::Key>{known});
}

// Cameras of all kinds behind Reconnects, on a clock that turns every 100 ms.
struct Town {
  enum Kind { kGood, kMute, kSlow, kRefusing, kUnresolvable, kBrief };
  struct Camera {
    Kind kind = kGood;
    std::vector<std::pair<double, int>> ahead;  // when, and what: 0 answers, 1 first packet, 2 ends
    double came_up = -1;
    bool dropped = false;
  };
  explicit Town(unsigned seed) : reconnects([random = std::mt19937_64(seed)]() mutable { return random(); }) {}

  void add(const std::string& id, const std::string& site, Kind kind) {
    cameras[id].kind = kind;
    reconnects.add({id, StreamRole::kMain}, site, at(now));
  }

  void open(Camera& camera) {
    switch (camera.dropped ? kRefusing : camera.kind) {
      case kGood:
        camera.ahead = {{now + 0.2, 0}, {now + 1.2, 1}};
        break;
      case kMute:
        camera.ahead = {{now + 8, 2}};
        break;
      case kSlow:
        camera.ahead = {{now + 3, 0}, {now + 7, 1}, {now + 8, 2}};
        break;
      case kRefusing:
        camera.ahead = {{now + 0.1, 2}};
        break;
      case kUnresolvable:
        camera.ahead = {{now + 20, 2}};
        break;
      case kBrief:
        camera.ahead = {{now + 0.2, 0}, {now + 1, 1}, {now + 3, 2}};
        break;
    }
  }

  void turn() {
    now += 0.1;
    for (auto& [id, camera] : cameras) {
      const Reconnects::Key key{id, StreamRole::kMain};
      while (!camera.ahead.empty() && camera.ahead.front().first <= now) {
        const int what = camera.ahead.front().second;
        camera.ahead.erase(camera.ahead.begin());
        if (what == 0) reconnects.connected(key);
        if (what == 1) reconnects.up(key, at(now));
        if (what == 1) camera.came_up = now;
        if (what == 2) reconnects.ended(key, ErrorKind::kTimeout, at(now));
      }
    }
    for (const auto& key : reconnects.take_due(at(now))) open(cameras.at(key.first));
  }
  void run_until(double end) {
    while (now < end) turn();
  }
  // It goes for a second; how long it takes from its return until media come again.
  double drop(const std::string& id) {
    Camera& camera = cameras.at(id);
    camera.dropped = true;
    camera.came_up = -1;
    reconnects.ended({id, StreamRole::kMain}, ErrorKind::kEndOfStream, at(now));
    const double back = now + 1;
    run_until(back);
    camera.dropped = false;
    while (camera.came_up < 0 && now < back + 100) turn();
    return now - back;
  }

  Reconnects reconnects;
  std::map<std::string, Camera> cameras;
  double now = 0;
};

TEST_CASE("at a start beside 300 cameras that are mute, slow, refusing or unknown all good ones are up within 30 s") {
  for (const bool one_site : {true, false}) {
    for (const char* good : {"a", "m", "z"}) {  // tried first, in between, last
      for (const int mixture : {0, 1}) {
        Town town(5);
        for (int i = 0; i < 300; ++i) {
          const auto kind = mixture == 0 ? Town::kMute : static_cast<Town::Kind>(Town::kMute + i % 5);
          town.add((i % 2 == 0 ? "k" : "p") + std::to_string(i), one_site ? "a" : std::to_string(i % 40), kind);
        }
        for (int i = 0; i < 10; ++i) town.add(good + std::to_string(i), one_site ? "a" : std::to_string(i), Town::kGood);
        town.run_until(30);
        for (int i = 0; i < 10; ++i) {
          INFO("one site: " << one_site << ", good ones: " << good << ", mixture: " << mixture);
          CHECK(town.cameras.at(good + std::to_string(i)).came_up > 0);
        }
      }
    }
  }
}

TEST_CASE("a good camera that drops for a second is back within 5 s beside any number of dead ones, also of such as died lately") {
  for (const int dead : {20, 300}) {
    for (const int mixture : {0, 1}) {
      Town town(9);
      town.add("good", "a", Town::kGood);
      for (int i = 0; i < dead; ++i) {
        const auto kind = mixture == 0 ? Town::kMute : static_cast<Town::Kind>(Town::kMute + i % 5);
        town.add("dead" + std::to_string(i), "a", kind);
      }
      for (int i = 0; i < 30; ++i) town.add("late" + std::to_string(i), "a", Town::kGood);
      town.run_until(100);
      // A part of the site goes for good, all of it healthy until now.
      for (int i = 0; i < 30; ++i) {
        auto& camera = town.cameras.at("late" + std::to_string(i));
        REQUIRE(camera.came_up > 0);
        camera.kind = Town::kMute;
        town.reconnects.ended({"late" + std::to_string(i), StreamRole::kMain}, ErrorKind::kStalled, at(town.now));
      }
      for (int round = 0; round < 3; ++round) {
        town.run_until(town.now + 40);
        INFO(dead << " dead, mixture " << mixture << ", round " << round);
        CHECK(town.drop("good") <= 5);
      }
    }
  }
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
