// SPDX-License-Identifier: MIT
#include "base/json.hpp"

#include <bit>
#include <cstdint>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

TEST_CASE("numbers print as in RFC 8785 appendix B") {
  const std::pair<std::uint64_t, const char*> examples[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : examples) CHECK(canonical_json(std::bit_cast<double>(bits)) == text);
}

TEST_CASE("integers print without a point and numbers that are not finite as null") {
  CHECK(canonical_json(0) == "0");
  CHECK(canonical_json(-17) == "-17");
  CHECK(canonical_json(std::uint64_t{1} << 53) == "9007199254740992");
  CHECK(canonical_json(std::numeric_limits<double>::quiet_NaN()) == "null");
}

TEST_CASE("the example of RFC 8785 section 3.2.3 comes out in its order") {
  const auto value = parse_json(
      R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})");
  REQUIRE(value);
  CHECK(canonical_json(*value) ==
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro "
        "Sign\",\"😀\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST_CASE("the example of RFC 8785 section 3.2.2 comes out byte for byte") {
  const auto value = parse_json(
      R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})");
  REQUIRE(value);
  CHECK(canonical_json(*value) ==
        R"({"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"})");
}

TEST_CASE("invalid UTF-8 in a string becomes U+FFFD") {
  CHECK(canonical_json(Json("a\xff"
                            "b")) ==
        "\"a\xef\xbf\xbd"
        "b\"");
  CHECK(canonical_json(Json("\xe4\xb8")) == "\"\xef\xbf\xbd\"");  // cut short
}

TEST_CASE("round4 keeps four decimals and knows no negative zero") {
  CHECK(canonical_json(round4(0.123456)) == "0.1235");
  CHECK(canonical_json(round4(-0.00001)) == "0");
  CHECK(canonical_json(round4(2.0 / 3)) == "0.6667");
}

TEST_CASE("parse_json refuses what is not strict JSON") {
  for (const char* text : {"", "{", "[1,]", "{\"a\":1}x", "// comment\n1", "NaN", "01", "1e999", "\"\xff\"", "{'a':1}"}) {
    INFO(text);
    const auto value = parse_json(text);
    REQUIRE_FALSE(value);
    CHECK(value.error().kind == ErrorKind::kInvalidArgument);
  }
}

TEST_CASE("parse_json refuses a NUL wherever it stands, and a byte order mark") {
  const std::string text = R"({"v":1,"request":"state"})";
  REQUIRE(parse_json(text));
  for (const std::size_t at : {std::size_t{0}, std::size_t{1}, std::size_t{8}, text.size()}) {
    std::string wrong = text;
    wrong.insert(at, 1, '\0');
    CAPTURE(at);
    CHECK_FALSE(parse_json(wrong));
    CHECK_FALSE(parse_json(wrong + "behind it"));
  }
  for (const char* mark : {"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"}) CHECK_FALSE(parse_json(mark + text));
}

TEST_CASE("parse_json refuses a key that stands twice, at any depth, but not the same key in two objects") {
  REQUIRE_FALSE(parse_json(R"({"a":1,"a":1})"));
  CHECK(parse_json(R"([{"b":{"key":1,"c":2,"key":3}}])").error().message.find("\"key\"") != std::string::npos);
  CHECK(parse_json(R"({"a":{"a":1},"b":{"a":2}})").has_value());
}

TEST_CASE("parse_json bounds size and depth") {
  CHECK(parse_json(std::string(64, '[') + std::string(64, ']')).has_value());
  CHECK(parse_json(std::string(65, '[') + std::string(65, ']')).error().message == "nested deeper than 64");
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')));
  CHECK_FALSE(parse_json("[1,2,3]", 6));
  CHECK(parse_json("[1,2,3]", 7).has_value());
}

TEST_CASE("what canonical_json writes parse_json reads back") {
  const Json value = {{"a", {1, 2.5, nullptr, true, "x\ny"}}, {"b", Json::object()}, {"c", Json::array()}, {"深", "圳"}};
  const auto back = parse_json(canonical_json(value));
  REQUIRE(back);
  CHECK(*back == value);
}

}  // namespace
}  // namespace kanhu
