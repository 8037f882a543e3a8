// SPDX-License-Identifier: MIT
// Who kills workers, on a simulated clock.
#include "daemon/supervise/quarantine.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Ids = std::vector<std::string>;

MonoTime at(std::chrono::nanoseconds time) { return MonoTime(time); }

TEST_CASE("one death an hour changes nothing, the second within an hour takes the cameras apart") {
  Quarantine quarantine;
  CHECK(quarantine.died({"a", "b"}, "died", seconds(100), at(minutes(0))).alone.empty());
  CHECK(quarantine.died({"a", "b"}, "died", seconds(100), at(minutes(61))).alone.empty());
  const auto second = quarantine.died({"a", "b"}, "died", seconds(100), at(minutes(70)));
  CHECK(second.alone == Ids{"a", "b"});
  CHECK_FALSE(second.quarantined);
}

TEST_CASE("the camera that kills its own process is quarantined with what it did, and tried again by itself after an hour") {
  Quarantine quarantine;
  (void)quarantine.died({"a", "b", "c"}, "died", seconds(20), at(minutes(0)));
  (void)quarantine.died({"a", "b", "c"}, "died", seconds(20), at(minutes(1)));
  const auto third = quarantine.died({"b"}, "used 3000 MiB of memory, 2048 allowed", seconds(20), at(minutes(2)));
  REQUIRE(third.quarantined == std::optional<std::string>("b"));
  CHECK(third.words.find("used 3000 MiB of memory") != std::string::npos);
  // The others have run by themselves for long enough.
  auto due = quarantine.due(at(minutes(2)));
  CHECK(due.back == Ids{"a", "c"});
  CHECK(due.again.empty());
  CHECK(quarantine.due(at(minutes(61))).again.empty());
  due = quarantine.due(at(minutes(62)));
  CHECK(due.again == Ids{"b"});
  CHECK(quarantine.due(at(minutes(62))).again.empty());
  SECTION("it does it again") {
    CHECK(quarantine.died({"b"}, "died", seconds(20), at(minutes(63))).quarantined == std::optional<std::string>("b"));
  }
  SECTION("it behaves, and goes back after ten minutes") {
    CHECK(quarantine.due(at(minutes(71))).back.empty());
    CHECK(quarantine.due(at(minutes(72))).back == Ids{"b"});
  }
}

TEST_CASE("another configuration ends a quarantine at once, by itself first; a camera that is removed is forgotten") {
  Quarantine quarantine;
  for (int i = 0; i < 3; ++i) (void)quarantine.died({"a"}, "died", seconds(5), at(minutes(i)));
  CHECK(quarantine.changed("a", at(minutes(5))));
  CHECK_FALSE(quarantine.changed("a", at(minutes(5))));
  CHECK(quarantine.died({"a"}, "died", seconds(5), at(minutes(6))).quarantined);
  quarantine.forget("a");
  CHECK_FALSE(quarantine.changed("a", at(minutes(7))));
  CHECK(quarantine.died({"a"}, "died", seconds(5), at(minutes(8))).alone.empty());
}

TEST_CASE("cameras that were taken apart and kill nothing go back after an hour, also when nobody was found") {
  Quarantine quarantine;
  (void)quarantine.died({"a", "b"}, "killed by signal 9 (Killed)", seconds(300), at(minutes(0)));
  (void)quarantine.died({"a", "b"}, "killed by signal 9 (Killed)", seconds(300), at(minutes(5)));
  CHECK(quarantine.due(at(minutes(64))).back.empty());
  CHECK(quarantine.due(at(minutes(65))).back == Ids{"a", "b"});
}

// Cameras in processes: shared by eight, or alone; `killers` kill theirs so many seconds after it began.
struct House {
  explicit House(const std::map<std::string, int>& them) : killers(them) {
    for (int i = 0; i < 8; ++i) shared.insert("c" + std::to_string(i));
    began["shared"] = 0;
  }

  void second() {
    ++now;
    const auto due = quarantine.due(at(seconds(now)));
    for (const auto& id : due.again) began[id] = now, alone.insert(id);
    for (const auto& id : due.back) alone.erase(id), shared.insert(id);
    std::vector<std::pair<std::string, Ids>> dying;
    for (const auto& [killer, after] : killers) {
      if (shared.contains(killer) && now - began["shared"] >= after) dying.push_back({"shared", Ids(shared.begin(), shared.end())});
      if (alone.contains(killer) && now - began[killer] >= after) dying.push_back({killer, {killer}});
    }
    std::set<std::string> done;
    for (const auto& [process, cameras] : dying) {
      if (!done.insert(process).second) continue;
      for (const auto& id : cameras) ++restarts[id];
      const auto verdict = quarantine.died(cameras, "died", seconds(now - began[process]), at(seconds(now)));
      began[process] = now;
      for (const auto& id : verdict.alone) began[id] = now, shared.erase(id), alone.insert(id);
      if (verdict.quarantined) alone.erase(*verdict.quarantined), gone.insert(*verdict.quarantined);
    }
  }

  const std::map<std::string, int> killers;
  Quarantine quarantine;
  std::set<std::string> shared, alone, gone;
  std::map<std::string, int> began, restarts;
  int now = 0;
};

TEST_CASE("neighbours of one, two or three cameras that kill workers see two restarts, whichever they are and however long it takes") {
  for (const std::map<std::string, int>& killers :
       {std::map<std::string, int>{{"c0", 1}}, {{"c7", 15}}, {{"c3", 200}}, {{"c1", 10}, {"c5", 19}}, {{"c0", 5}, {"c2", 9}, {"c6", 7}}}) {
    House house(killers);
    while (house.now < 3000) house.second();
    for (int i = 0; i < 8; ++i) {
      const std::string id = "c" + std::to_string(i);
      INFO(id << " beside " << killers.size() << " of them");
      CHECK(house.gone.contains(id) == killers.contains(id));
      if (!killers.contains(id)) CHECK(house.restarts[id] <= 2);
      if (!killers.contains(id)) CHECK(house.shared.contains(id));
    }
  }
}

}  // namespace
}  // namespace kanhu
