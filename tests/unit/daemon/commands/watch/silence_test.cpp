// SPDX-License-Identifier: MIT
#include "daemon/commands/watch/silence.hpp"

#include <catch2/catch.hpp>

using namespace kanhu;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("a silence is said once, with its cause, and so is its end") {
  int asked = 0;
  QuietLine::Time now{};
  QuietLine silence(
      "tcp://a:1", [&] { return ++asked, std::string("a cause"); }, now);
  const auto wait = [&](std::chrono::milliseconds span) {
    std::optional<std::string> said;
    for (; span > 0ms; span -= 200ms) {
      now += 200ms;
      if (auto words = silence.nothing(now, "10:00:05")) said = std::move(words);
    }
    return said;
  };
  CHECK(!silence.heard(now, "10:00:00"));
  CHECK(!wait(2800ms));
  CHECK(!silence.heard(now, "10:00:03"));  // every second something comes: no silence
  CHECK(!wait(2800ms));
  CHECK(asked == 0);
  CHECK(wait(400ms) == "tcp://a:1: nothing heard since 10:00:03: a cause");
  CHECK(!wait(60s));
  CHECK(asked == 1);
  CHECK(silence.heard(now, "10:01:07") == "tcp://a:1: heard again, after 63 s");
  CHECK(!silence.heard(now, "10:01:07"));
  CHECK(wait(3200ms) == "tcp://a:1: nothing heard since 10:01:07: a cause");
  CHECK(asked == 2);
}

TEST_CASE("silence from the beginning is counted from there, and a process that was stopped has not listened") {
  QuietLine::Time now{};
  QuietLine silence(
      "tcp://a:1", [] { return std::string("a cause"); }, now);
  CHECK(!silence.nothing(now += 1s, "10:00:00"));
  CHECK(!silence.nothing(now += 1h, "11:00:00"));
  CHECK(silence.nothing(now += 1s, "11:00:01") == "tcp://a:1: nothing heard since 10:00:00: a cause");
}

TEST_CASE("where nobody listens, that is the cause of silence") {
  CHECK_THAT(cause_of_silence({"tcp://127.0.0.1:1", "", std::nullopt}), Contains("nobody listens there"));  // tcpmux, reserved
}
