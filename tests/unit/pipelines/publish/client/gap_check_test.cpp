// SPDX-License-Identifier: MIT
#include "pipelines/publish/client/gap_check.hpp"

#include <catch2/catch.hpp>

#include "pipelines/publish/client/subscriber.hpp"

namespace kanhu {
namespace {

publish::LiveMessage message(const std::string& topic, const std::string& epoch, std::uint64_t stream_seq) {
  return {topic, Json{{"epoch", epoch}, {"stream_seq", stream_seq}}, ""};
}
publish::LiveMessage event(std::uint64_t stream_seq, const std::string& epoch = "a") {
  return message("kanhu1/fuxing/entrance/face.appeared/", epoch, stream_seq);
}
publish::LiveMessage head(std::uint64_t stream_seq, const std::string& epoch = "a") {
  return message("kanhu1/fuxing/-/head/", epoch, stream_seq);
}

TEST_CASE("events in a row are events and nothing else") {
  GapCheck check;
  for (std::uint64_t n = 5; n < 9; ++n) {
    const auto verdict = check.look(event(n));
    CHECK(verdict.is_event);
    CHECK(verdict.missed == 0);
    CHECK_FALSE(verdict.duplicate);
  }
  CHECK(check.totals().events == 4);
  CHECK(check.totals().gaps == 0);
}

TEST_CASE("a jump of stream_seq says how many were missed, per stream") {
  GapCheck check;
  check.look(event(1));
  check.look(message("kanhu1/yunshan/hall/camera.offline/", "a", 7));
  const auto verdict = check.look(event(5));
  CHECK(verdict.missed == 3);
  CHECK(verdict.stream == "fuxing");
  CHECK(check.look(message("kanhu1/yunshan/hall/camera.online/", "a", 8)).missed == 0);
  CHECK(check.totals().missed == 3);
}

TEST_CASE("a head that is ahead of the last event shows the loss of the newest one") {
  GapCheck check;
  check.look(event(3));
  CHECK(check.look(head(3)).missed == 0);
  const auto verdict = check.look(head(4));
  CHECK(verdict.missed == 1);
  CHECK_FALSE(verdict.is_event);
  CHECK(check.look(event(5)).missed == 0);
}

TEST_CASE("a repeated event is a duplicate and not counted again") {
  GapCheck check;
  check.look(event(1));
  check.look(event(2));
  CHECK(check.look(event(2)).duplicate);
  CHECK(check.totals().events == 2);
  CHECK(check.totals().duplicates == 1);
}

TEST_CASE("a new epoch starts counting anew") {
  GapCheck check;
  check.look(event(41));
  const auto verdict = check.look(event(1, "b"));
  CHECK(verdict.new_epoch);
  CHECK(verdict.missed == 0);
  CHECK_FALSE(verdict.duplicate);
}

TEST_CASE("what was sent before the subscriber was back after a restart is missed, not forgotten") {
  GapCheck check;
  check.look(event(41));
  CHECK(check.look(event(5, "b")).missed == 4);
  CHECK(check.look(message("kanhu1/yunshan/-/head/", "b", 2)).missed == 2);
  CHECK(check.totals().gaps == 2);
}

TEST_CASE("the end of the epoch before that never came is missed too, once") {
  GapCheck check;
  check.look(event(5));
  auto restarted = head(0, "b");
  restarted.payload = R"({"previous":{"epoch":"a","seq":50,"stream_seq":9}})";
  CHECK(check.look(restarted).missed == 4);
  CHECK(check.look(restarted).missed == 0);
  CHECK(check.look(event(1, "b")).missed == 0);
  CHECK(check.totals().missed == 4);
}

TEST_CASE("an epoch whose numbers in heads are not all that was shown of it is said to be so, once") {
  GapCheck check;
  check.look(event(5));
  auto restarted = head(0, "b");
  restarted.payload = R"({"previous":{"epoch":"a","open":true,"seq":50,"stream_seq":5}})";
  const auto verdict = check.look(restarted);
  CHECK(verdict.open);
  CHECK(verdict.missed == 0);
  CHECK_FALSE(check.look(restarted).open);
  auto again = head(0, "c");
  again.payload = R"({"previous":{"epoch":"b","seq":50,"stream_seq":0}})";
  CHECK_FALSE(check.look(again).open);
}

TEST_CASE("heartbeats and commits are no part of a stream") {
  GapCheck check;
  check.look(event(1));
  CHECK(check.look(message("kanhu1/-/-/heartbeat/", "a", 99)).missed == 0);
  CHECK(check.look(message("kanhu1/c1/-/commit/", "a", 99)).missed == 0);
  CHECK(check.look(event(2)).missed == 0);
}

}  // namespace
}  // namespace kanhu
