// SPDX-License-Identifier: MIT
#include "pipelines/publish/access/rights.hpp"

#include <catch2/catch.hpp>

#include "pipelines/publish/access/admission_sockets.hpp"
#include "pipelines/publish/access/curve_keys.hpp"
#include "tests/support/fake_clock.hpp"

using namespace kanhu;
using namespace kanhu::publish;
using Topics = std::vector<std::string>;

namespace {

Rights live_rights(std::vector<std::string> facilities) { return {false, {Right::kLive}, std::move(facilities)}; }

constexpr const char* kBeat = "kanhu1/-/-/heartbeat/";

ZapFrames curve_request(const std::string& key = std::string(32, 'k')) {
  return {"1.0", "7", std::string(kZapDomain), "127.0.0.1", "", "CURVE", key};
}

std::optional<std::string> admit_all(const std::string&) { return "dashboard"; }

}  // namespace

TEST_CASE("a facility is seen by its id, by the beginning of it and a star, or by the star alone") {
  CHECK(live_rights({"f1"}).sees("f1"));
  CHECK_FALSE(live_rights({"f1"}).sees("f10"));
  CHECK(live_rights({"f1*"}).sees("f10"));
  CHECK_FALSE(live_rights({"f1*"}).sees("f2"));
  CHECK_FALSE(live_rights({"f1*", "f2"}).sees("-"));
  CHECK(live_rights({"*"}).sees("-"));
  CHECK(live_rights({"*"}).sees_all());
  CHECK_FALSE(live_rights({"f*"}).sees_all());
  CHECK_FALSE(Rights().sees("f1"));
  CHECK(Rights::all().sees_all());
  CHECK(Rights::all().may(Right::kPicture));
  CHECK_FALSE(live_rights({"*"}).may(Right::kFetch));
}

TEST_CASE("a subscription is applied as far as it lies inside of what may be seen") {
  const Rights one = live_rights({"f1"});
  CHECK(permitted_topics(one, "kanhu1/f1/") == Topics{"kanhu1/f1/"});
  CHECK(permitted_topics(one, "kanhu1/f1/door/") == Topics{"kanhu1/f1/door/"});
  CHECK(permitted_topics(one, "kanhu1/f10/").empty());
  CHECK(permitted_topics(one, "kanhu1/f2/").empty());
  CHECK(permitted_topics(one, "kanhu1/-/").size() == 1);
  CHECK(permitted_topics(one, "kanhu1/-/-/head/").empty());
  CHECK(permitted_topics(one, "kanhu1/-/-/gateway.started/").empty());
  CHECK(permitted_topics(one, "something else").empty());
  for (const char* broad : {"", "k", "kanhu1/"}) CHECK(permitted_topics(one, broad) == Topics{kBeat, "kanhu1/f1/"});
  // Without its slash the prefix would match f10 too.
  CHECK(permitted_topics(one, "kanhu1/f1") == Topics{"kanhu1/f1/"});
  CHECK(permitted_topics(live_rights({"f1", "f*", "g2"}), "kanhu1/") == Topics{kBeat, "kanhu1/f", "kanhu1/g2/"});
  CHECK(permitted_topics(live_rights({"f1*"}), "kanhu1/f") == Topics{"kanhu1/f1"});
  CHECK(permitted_topics(live_rights({"*"}), "") == Topics{""});
  CHECK(permitted_topics(live_rights({"*"}), "kanhu1/-/") == Topics{"kanhu1/-/"});
  CHECK(permitted_topics({false, {Right::kFetch}, {"*"}}, "kanhu1/").empty());
  CHECK(permitted_topics({}, "kanhu1/").empty());
}

TEST_CASE("ZAP lets in who is in the list, by name and with the key") {
  std::string asked;
  const auto answer = answer_zap(curve_request(), [&](const std::string& key) -> std::optional<std::string> {
    asked = key;
    return "dashboard";
  });
  CHECK(asked.size() == 40);
  CHECK(answer.admitted);
  REQUIRE(answer.frames.size() == 6);
  CHECK(answer.frames[0] == "1.0");
  CHECK(answer.frames[1] == "7");
  CHECK(answer.frames[2] == "200");
  CHECK(answer.frames[4] == "dashboard");
  CHECK(answer.frames[5] == std::string("\x05X-Key\0\0\0\x28", 10) + asked);
}

TEST_CASE("ZAP refuses everything else, also what is no request at all") {
  const auto refused = [](const ZapFrames& request, const char* code, auto admit) {
    const auto answer = answer_zap(request, admit);
    REQUIRE(answer.frames.size() == 6);
    CHECK_FALSE(answer.admitted);
    CHECK(answer.frames[0] == "1.0");
    CHECK(answer.frames[2] == code);
    CHECK(answer.frames[4].empty());
    CHECK(answer.frames[5].empty());
  };
  refused(curve_request(), "300", [](const std::string&) { return std::optional<std::string>(); });
  refused({}, "500", admit_all);
  refused({"1.0"}, "500", admit_all);
  refused({"2.0", "7", "kanhu", "127.0.0.1", "", "CURVE", std::string(32, 'k')}, "500", admit_all);
  for (std::size_t frames = 0; frames < 7; ++frames) {
    ZapFrames cut = curve_request();
    cut.resize(frames);
    refused(cut, frames < 6 ? "500" : "400", admit_all);
  }
  ZapFrames changed = curve_request();
  changed[2] = "other";
  refused(changed, "400", admit_all);
  for (const char* mechanism : {"NULL", "PLAIN", "GSSAPI", "", "curve"}) {
    changed = curve_request();
    changed[5] = mechanism;
    refused(changed, "400", admit_all);
  }
  for (const std::size_t length : {0u, 31u, 33u, 4096u}) refused(curve_request(std::string(length, 'k')), "400", admit_all);
  changed = curve_request();
  changed.emplace_back("more");
  refused(changed, "400", admit_all);
}

TEST_CASE("a key pair is known by its secret half, and what is none is refused without being repeated") {
  const auto made = make_key_pair();
  REQUIRE(made);
  CHECK(made->public_key.size() == 40);
  const auto again = key_pair_of(Secret(made->secret_key.reveal() + "\n"));
  REQUIRE(again);
  CHECK(again->public_key == made->public_key);
  CHECK(again->secret_key == made->secret_key);
  for (const std::string& text : {std::string(), std::string(40, '"'), std::string(39, 'a'), made->secret_key.reveal() + "a"}) {
    const auto refused = key_pair_of(Secret(text));
    REQUIRE_FALSE(refused);
    if (!text.empty()) CHECK(refused.error().message.find(text) == std::string::npos);
  }
}

TEST_CASE("a gate knows whose a key is until it expires or leaves the list") {
  kanhu::test::FakeClock clock;
  const auto server = make_key_pair(), client = make_key_pair();
  const AllowList list{{{"dashboard", client->public_key, {"f1"}, {"live", "fetch"}, clock.wall() + std::chrono::hours(1)}}};
  const auto gate = Admission::open(server->secret_key, list, clock);
  REQUIRE(gate);
  const auto asker = (*gate)->asker(client->public_key);
  REQUIRE(asker);
  CHECK(asker->user == "dashboard");
  CHECK(asker->rights == Rights{false, {Right::kLive, Right::kFetch}, {"f1"}});
  CHECK((*gate)->asker(server->public_key)->rights.sees_all());
  CHECK_FALSE((*gate)->asker(""));
  CHECK_FALSE((*gate)->asker(std::string(40, 'a')));
  clock.advance(std::chrono::hours(1));
  CHECK_FALSE((*gate)->asker(client->public_key));
  (*gate)->use({{{"other", client->public_key, {"*"}, {"live"}, std::nullopt}}});
  CHECK((*gate)->asker(client->public_key)->user == "other");
  (*gate)->use({});
  CHECK_FALSE((*gate)->asker(client->public_key));
  CHECK(Admission::open(Secret("none"), list, clock).error().kind == ErrorKind::kInvalidArgument);
}
