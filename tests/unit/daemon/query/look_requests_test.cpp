// SPDX-License-Identifier: MIT
// `look`, `state` and `info` on the query socket: who may, how often, and what is journalled of it.
#include "daemon/query/look_requests.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include <catch2/catch.hpp>

#include "daemon/query/shared_answer.hpp"
#include "pipelines/publish/query_server.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/unit/daemon/once.hpp"
#include "tests/unit/daemon/query/infrared_rig.hpp"

namespace kanhu {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using test::Once;

const publish::Asker kNurse{"nurse", {false, {publish::Right::kPicture}, {"station-a"}}, "1"};

struct LookRig {
  FakeClock clock;
  std::mutex mutex;
  std::vector<EventDraft> journal;
  std::atomic<bool> durable{true};
  ConfigPtr config = std::make_shared<const Config>(test::infrared_config());
  AccessLog book{[this](const std::vector<EventDraft>& events) {
    std::scoped_lock lock(mutex);
    journal.insert(journal.end(), events.begin(), events.end());
    return durable.load();
  }};
  AccessControl access{[this] { return config; }, clock, book};
  InfraredState infrared;
  LookRequests look{infrared, access};

  LookRig() {
    infrared.use(*config);
    infrared.observe(test::said("bed-1", test::warm_room()), clock.mono());
  }
  Json ask(const publish::Asker& asker, const Json& request) {
    Once<Result<publish::Answer>> box;
    look.ask(request, asker, [&box](Result<publish::Answer> answer) { box.put(std::move(answer)); });
    const auto answer = box.wait();
    if (!answer) return {{"kind", to_string(answer.error().kind)}, {"message", answer.error().message}};
    return *parse_json(answer->text);
  }
  std::vector<EventDraft> journalled() {
    std::scoped_lock lock(mutex);
    return journal;
  }
};

}  // namespace

TEST_CASE("look needs the right picture, and is journalled once a user, source and ten minutes") {
  LookRig rig;
  CHECK(rig.ask({"dash", {false, {publish::Right::kLive, publish::Right::kFetch}, {"*"}}, "1"}, {{"source", "bed-1"}})["kind"] ==
        "unauthorized");
  const Json first = rig.ask(kNurse, {{"source", "bed-1"}});
  CHECK(first["ok"] == true);
  CHECK(first["look"]["warmest_c"] == 60.0);
  // The book is emptied in order: what was entered before is in it.
  REQUIRE(rig.journalled().size() == 2);
  CHECK(rig.journalled()[0].type == "access.refused");
  const EventDraft told = rig.journalled()[1];
  CHECK(told.type == "access.look");
  CHECK(told.facility == "station-a");
  CHECK(told.source == "bed-1");
  CHECK(told.data["access"] == Json{{"user", "nurse"}, {"request", "look"}});
  for (int i = 0; i < 9; ++i) {
    rig.clock.advance(1min);
    CHECK(rig.ask(kNurse, {{"source", "bed-1"}})["ok"] == true);
  }
  CHECK(rig.ask(kNurse, Json::object())["sources"].size() == 4);
  CHECK(rig.journalled().size() == 2);
  (void)rig.ask({"doctor", publish::Rights::all(), "2"}, {{"source", "bed-1"}});
  (void)rig.ask(kNurse, {{"source", "array-1"}});
  CHECK(rig.journalled().size() == 4);
  rig.clock.advance(61s);
  (void)rig.ask(kNurse, {{"source", "bed-1"}});
  CHECK(rig.journalled().size() == 5);
}

TEST_CASE("what cannot be journalled is not shown, neither on the socket nor in the browser") {
  LookRig rig;
  rig.durable = false;
  CHECK(rig.ask(kNurse, {{"source", "bed-1"}})["kind"] == "io");
  CHECK(rig.ask(kNurse, {{"source", "bed-1"}})["kind"] == "io");
  CHECK(rig.look.look_here({{"source", "bed-1"}}).error().kind == ErrorKind::kIo);
  rig.durable = true;
  const auto seen = rig.look.look_here({{"source", "bed-1"}});
  REQUIRE(seen);
  CHECK((*seen)["look"]["source"] == "bed-1");
  const std::size_t entries = rig.journalled().size();
  CHECK(rig.journalled().back().data["access"] == Json{{"user", ""}, {"request", "look"}});
  CHECK(rig.look.look_here({{"source", "bed-1"}}));
  CHECK(rig.look.look_here(Json::object()));
  CHECK(rig.journalled().size() == entries);
}

TEST_CASE("many who look while the journal's disk stalls are one access each user, and so many wait and no more") {
  LookRig rig;
  const std::vector<publish::Asker> nurses{{"nurse", kNurse.rights, "1"}, {"night", kNurse.rights, "2"}};
  std::vector<Json> given, early;
  Once<bool> last;
  std::atomic<bool> stalls{true};
  {
    const std::scoped_lock the_disk_stalls(rig.mutex);
    for (int i = 0; i < 100; ++i) {
      for (const publish::Asker& nurse : nurses)
        rig.look.ask({{"source", "bed-1"}}, nurse, [&](const Result<publish::Answer>& answer) {
          (stalls ? early : given).push_back(answer ? *parse_json(answer->text) : Json());
          if (!stalls && given.size() == 130) last.put(true);
        });
    }
    stalls = false;
  }
  REQUIRE(last.wait());
  // The first of each, and 128 behind them; to the others nothing was shown.
  CHECK(early.size() == 70);
  for (const Json& each : early) CHECK(each["error"]["kind"] == "no_bandwidth");
  for (const Json& each : given) CHECK(each.contains("look"));
  CHECK(rig.journalled().size() == 2);
  CHECK(rig.ask(kNurse, {{"source", "bed-1"}})["error"]["kind"] == "no_bandwidth");  // the hundred are used up
  rig.clock.advance(1s);
  CHECK(rig.ask(kNurse, {{"source", "bed-1"}}).contains("look"));
  CHECK(rig.journalled().size() == 2);
}

TEST_CASE("a source of another facility is answered as one that does not exist, and looking is limited") {
  LookRig rig;
  const publish::Asker other{"other", {false, {publish::Right::kPicture}, {"station-b"}}, "1"};
  auto there = rig.ask(other, {{"source", "bed-1"}}), nowhere = rig.ask(other, {{"source", "bed-9"}});
  CHECK(there["kind"] == "not_found");
  CHECK(there["kind"] == nowhere["kind"]);
  std::string message = there["message"];
  if (const auto at = message.find("bed-1"); at != std::string::npos) message.replace(at, 5, "bed-9");
  CHECK(message == nowhere["message"].get<std::string>());
  CHECK(rig.ask(other, Json::object())["sources"].empty());
  int answered = 0;
  while (rig.ask(kNurse, {{"source", "bed-1"}}).value("ok", false)) ++answered;
  CHECK(answered == 100);
}

TEST_CASE("what many ask for is made ten times a second at most, written once for the same rights, and limited for each") {
  FakeClock clock;
  int made = 0, cut = 0;
  std::uint64_t version = 1;
  SharedAnswer shared("state",
                      {[&]() -> Result<Json> {
                         ++made;
                         return Json{{"seq", version}, {"of", "all"}};
                       },
                       [&](Json whole, const publish::Rights& rights) {
                         ++cut;
                         if (!rights.sees_all()) whole["of"] = "some";
                         return whole;
                       }},
                      clock);
  const auto ask = [&](const publish::Asker& asker) {
    Json given;
    shared.ask(asker, [&](Result<publish::Answer> answer) { given = answer ? *parse_json(answer->text) : Json(); });
    return given;
  };
  const publish::Asker weak{"weak", {false, {}, {"f1"}}, "1"};
  clock.advance(1h);
  for (int i = 0; i < 100; ++i) CHECK(ask(weak)["of"] == "some");
  const Json refused = ask(weak);
  CHECK(refused["error"]["kind"] == "no_bandwidth");
  CHECK(refused["error"]["retry_after_s"] > 0);
  CHECK(ask({"strong", publish::Rights::all(), "2"})["of"] == "all");
  CHECK(made == 20);
  CHECK(cut == 21);
  version = 2;
  CHECK(ask({"strong", publish::Rights::all(), "2"})["seq"] == 1);  // the last one, made a moment ago
  CHECK(cut == 21);
  clock.advance(100ms);
  CHECK(ask({"strong", publish::Rights::all(), "2"})["seq"] == 2);
  CHECK(ask({"strong", publish::Rights::all(), "2"})["seq"] == 2);
  CHECK(made == 21);
  clock.advance(1h);
  version = 3;
  CHECK(ask({"strong", publish::Rights::all(), "2"})["seq"] == 3);
  // Without keys nobody has a name: a connection is who asks.
  for (int i = 0; i < 100; ++i) CHECK(ask({"", publish::Rights::all(), "a"}).contains("of"));
  CHECK(ask({"", publish::Rights::all(), "a"}).contains("error"));
  CHECK(ask({"", publish::Rights::all(), "b"}).contains("of"));
}

}  // namespace kanhu
