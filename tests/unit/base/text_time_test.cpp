// SPDX-License-Identifier: MIT
#include <sstream>
#include <string>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "base/log.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace kanhu {
namespace {

TEST_CASE("nearest finds a transposition, a missing and a wrong letter") {
  const std::string_view keys[] = {"detector", "presence", "health", "clips", "fps"};
  CHECK(nearest("detecotr", keys) == "detector");
  CHECK(nearest("presense", keys) == "presence");
  CHECK(nearest("helth", keys) == "health");
  CHECK(nearest("fbs", keys) == "fps");
}

TEST_CASE("nearest finds nothing beyond a third of the word") {
  const std::string_view keys[] = {"detector", "fps"};
  CHECK(nearest("colour", keys).empty());
  CHECK(nearest("xx", keys).empty());
  CHECK(nearest("", keys).empty());
  CHECK(nearest(std::string(100'000, 'd'), keys).empty());
}

TEST_CASE("an identifier is short, lower case and safe in paths") {
  for (const char* good : {"a", "0", "cam-01", "a_b", "abcdefghijklmnopqrstuvwxyz012345"}) CHECK(is_identifier(good));
  for (const char* bad : {"", "-a", "_a", "A", "a.b", "a/b", "..", "a b", "中", "abcdefghijklmnopqrstuvwxyz0123456"})
    CHECK_FALSE(is_identifier(bad));
}

TEST_CASE("quoted makes control characters, invalid bytes and direction overrides visible and cuts by characters") {
  CHECK(kanhu::quoted("a\nb\x1b[0m") == "\"a\\nb\\x1b[0m\"");
  CHECK(kanhu::quoted("\xff") == "\"\\xff\"");
  CHECK(kanhu::quoted("\xe2\x80\xae") == "\"\\u202e\"");
  CHECK(kanhu::quoted("看护看护", 2) == "\"看护…\"");
  CHECK(kanhu::quoted("say \"x\"") == "\"say \\\"x\\\"\"");
}

TEST_CASE("UTF-8 is checked as the Unicode standard demands") {
  CHECK(find_invalid_utf8("看护 😀") == std::string_view::npos);
  CHECK(find_invalid_utf8("ab\xc0\x80") == 2);        // over-long
  CHECK(find_invalid_utf8("\xed\xa0\x80") == 0);      // surrogate
  CHECK(find_invalid_utf8("\xf4\x90\x80\x80") == 0);  // beyond U+10FFFF
  CHECK(find_invalid_utf8("a\xe4\xb8") == 1);         // cut short
}

TEST_CASE("UTC times print with microseconds and read back") {
  const WallTime time = wall_from_microseconds(1'795'485'908'123'456);
  CHECK(format_utc(time) == "2026-11-24T02:05:08.123456Z");
  for (const std::int64_t us :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{951'782'400'000'000}, std::int64_t{253'402'300'799'999'999}}) {
    const std::string text = format_utc(wall_from_microseconds(us));
    CHECK(text.size() == 27);
    REQUIRE(parse_utc(text));
    CHECK(to_microseconds(*parse_utc(text)) == us);
  }
}

TEST_CASE("times with offsets and any number of fraction digits are read") {
  CHECK(parse_utc("2026-11-24T10:05:08.5+08:00") == parse_utc("2026-11-24T02:05:08.500000Z").value());
  CHECK(parse_utc("2026-11-23T21:05:08-05:00") == parse_utc("2026-11-24T02:05:08Z").value());
  CHECK(to_microseconds(*parse_utc("1970-01-01T00:00:00.123456789Z")) == 123'456);
}

TEST_CASE("what is no time is refused") {
  for (const char* bad : {"", "2026-11-24", "2026-11-24T02:05:08", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-24T24:00:00Z",
                          "2026-11-24T02:05:60Z", "2026-11-24T02:05:08.Z", "2026-11-24T02:05:08.0123456789Z", "2026-11-24T02:05:08Zx",
                          "2026-11-24T02:05:08+8:00", " 2026-11-24T02:05:08Z", "+026-11-24T02:05:08Z"}) {
    INFO(bad);
    CHECK_FALSE(parse_utc(bad));
  }
}

TEST_CASE("redact hides user information of every URL and keeps the rest") {
  CHECK(log::redact("open rtsp://admin:s3cret@10.0.0.1:554/x failed") == "open rtsp://***@10.0.0.1:554/x failed");
  CHECK(log::redact("rtsp://a:b@h/1 and http://c:d@i/2") == "rtsp://***@h/1 and http://***@i/2");
  CHECK(log::redact("rtsp://10.0.0.1/x") == "rtsp://10.0.0.1/x");
  CHECK(log::redact("no URL, a@b") == "no URL, a@b");
}

TEST_CASE("redact also hides passwords that were not percent-encoded") {
  CHECK(log::redact("rtsp://admin:p@ss/w?rd@host/x").find("ss/w") == std::string::npos);
  CHECK(log::redact("rtsp://admin:中文密码@host/x") == "rtsp://***@host/x");
}

TEST_CASE("redact hides the value of Authorization headers to the end of the line") {
  CHECK(log::redact("PLAY\r\nAuthorization: Digest username=\"a\", response=\"deadbeef\"\r\nCSeq: 4") ==
        "PLAY\r\nAuthorization: ***\r\nCSeq: 4");
  CHECK(log::redact("proxy-authorization: Basic YWRtaW46cA==") == "proxy-authorization: ***");
  CHECK(log::redact("Authorization: a\nauthorization: b") == "Authorization: ***\nauthorization: ***");
  CHECK(log::redact("authorization failed") == "authorization failed");
}

std::string g_logged;

TEST_CASE("a log line is redacted, stays one line, and is written only from its level up") {
  log::set_sink([](log::Level level, std::string_view area, std::string_view text) {
    g_logged += fmt::format("{}|{}|{};", log::to_string(level), area, text);
  });
  log::set_level(log::Level::kInfo);
  g_logged.clear();
  log::debug("test", "hidden");
  log::warning("test", "rtsp://u:canary@h/ said\nERROR {}", 7);
  log::set_level(log::Level::kOff);
  log::error("test", "off");
  log::set_level(log::Level::kInfo);
  log::set_sink(nullptr);
  CHECK(g_logged == "warning|test|rtsp://***@h/ said\\nERROR 7;");
}

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

TEST_CASE("a secret cannot be printed, formatted or turned into text by accident") {
  STATIC_REQUIRE_FALSE(fmt::is_formattable<Secret>::value);
  STATIC_REQUIRE_FALSE(Streamable<Secret>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<Secret, std::string>);
  STATIC_REQUIRE_FALSE(fmt::is_formattable<Credential>::value);
}

TEST_CASE("a secret leaves nothing behind in the object it was moved from") {
  Secret short_one("canary");  // lives inside the string object
  const char* bytes = short_one.reveal().data();
  const Secret taken = std::move(short_one);
  CHECK(taken.reveal() == "canary");
  CHECK(short_one.empty());
  CHECK(std::string(bytes, 6) == std::string(6, '\0'));
}

TEST_CASE("secrets compare by value and survive copies and assignment to themselves") {
  Secret a("x"), b(a), c;
  CHECK(a == b);
  CHECK_FALSE(a == c);
  c = a;
  CHECK(c == a);
  Secret& self = c;
  c = self;
  CHECK(c.reveal() == "x");
  CHECK_FALSE(Secret("xy") == a);
}

}  // namespace
}  // namespace kanhu
