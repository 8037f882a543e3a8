// SPDX-License-Identifier: MIT
#include "pipelines/sense/decoder.hpp"

#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "base/digest.hpp"

namespace kanhu::sense {
namespace {

SensorConfig array(int width = 4, int height = 4) {
  SensorConfig sensor;
  sensor.width = width;
  sensor.height = height;
  return sensor;
}

SensorConfig of_kind(SensorKind kind) {
  SensorConfig sensor;
  sensor.kind = kind;
  return sensor;
}

std::string numbers(
    int count, const std::function<std::string(int)>& each = [](int i) { return fmt::format("{}", 20 + i); }) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += (i > 0 ? "," : "") + each(i);
  return text + "]";
}

// The words a payload is refused with.
std::string refused(const SensorConfig& sensor, const std::string& payload) {
  const auto reading = decode(sensor, payload);
  INFO(payload.substr(0, 200));
  REQUIRE_FALSE(reading);
  CHECK(reading.error().kind == ErrorKind::kCorrupt);
  return reading.error().message;
}

bool says(const std::string& words, const std::string& fragment) {
  UNSCOPED_INFO(words);
  return words.find(fragment) != std::string::npos;
}

}  // namespace

TEST_CASE("Kanhu's own form gives temperatures, size and time") {
  const auto reading = decode(array(), R"({"v":1,"t":"2026-11-26T03:00:00.25Z","w":4,"h":4,"unit":"centi_celsius","values":)" +
                                           numbers(16, [](int i) { return fmt::format("{}", 2000 + i); }) + "}");
  REQUIRE(reading);
  CHECK(reading->frame.kind == ThermalKind::kRadiometric);
  CHECK(reading->frame.width == 4);
  CHECK(reading->frame.values.front() == 2000);
  CHECK(reading->frame.values.back() == 2015);
  CHECK_FALSE(reading->frame.calibrating);
  REQUIRE(reading->measured);
  CHECK(format_utc(*reading->measured) == "2026-11-26T03:00:00.250000Z");
}

TEST_CASE("a time may be RFC 3339, milliseconds or seconds; anything else is named and arrival counts") {
  const auto with = [](const std::string& time) { return decode(array(), R"({"v":1,"values":)" + numbers(16) + ",\"t\":" + time + "}"); };
  for (const char* time : {"\"2026-11-26T03:00:00Z\"", "\"2026-11-26T11:00:00+08:00\"", "1795662000000", "1795662000", "1795662000.0"}) {
    const auto reading = with(time);
    INFO(time);
    REQUIRE(reading);
    REQUIRE(reading->measured);
    CHECK(format_utc(*reading->measured) == "2026-11-26T03:00:00.000000Z");
  }
  for (const char* time : {"\"yesterday\"", "-5", "1e300", "null", "{}", "99999999999999999"}) {
    const auto reading = with(time);
    INFO(time);
    REQUIRE(reading);
    CHECK_FALSE(reading->measured);
    CHECK_FALSE(reading->time_fault.empty());
  }
}

TEST_CASE("every unit means the same temperature") {
  const std::pair<const char*, const char*> ways[] = {{"celsius", "25.5"},       {"centi_celsius", "2550"}, {"kelvin", "298.65"},
                                                      {"deci_kelvin", "2986.5"}, {"centi_kelvin", "29865"}, {"fahrenheit", "77.9"}};
  for (const auto& [unit, value] : ways) {
    INFO(unit);
    const std::string text = value;
    const std::string values = numbers(16, [&](int) { return text; });
    const auto own = decode(array(), fmt::format(R"({{"v":1,"unit":"{}","values":{}}})", unit, values));
    REQUIRE(own);
    CHECK(own->frame.values[5] == 2550);
    SensorConfig sensor = array();
    sensor.mapping.values = "/d/p";
    sensor.mapping.unit = unit;
    const auto foreign = decode(sensor, R"({"d":{"p":)" + values + "}}");
    REQUIRE(foreign);
    CHECK(foreign->frame.values[15] == 2550);
  }
}

TEST_CASE("16-bit numbers in base64 are hundredths of a degree") {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < 16; ++i) {
    const int value = i == 0 ? -150 : 2500 + i;
    bytes.push_back(static_cast<std::uint8_t>(value & 0xff));
    bytes.push_back(static_cast<std::uint8_t>(value >> 8 & 0xff));
  }
  const auto reading = decode(array(), R"({"v":1,"values_b64":")" + to_base64(bytes) + "\"}");
  REQUIRE(reading);
  CHECK(reading->frame.values[0] == -150);
  CHECK(reading->frame.values[15] == 2515);
  bytes.pop_back();
  CHECK(says(refused(array(), R"({"v":1,"values_b64":")" + to_base64(bytes) + "\"}"), "no base64 of 16-bit numbers"));
  bytes.pop_back();
  CHECK(says(refused(array(), R"({"v":1,"values_b64":")" + to_base64(bytes) + "\"}"), "has 15 values, 4x4 needs 16"));
}

TEST_CASE("rows, a bare list and a mirrored picture are read as they are meant") {
  SensorConfig sensor = array(5, 4);
  const auto plain = decode(sensor, numbers(20));
  REQUIRE(plain);
  CHECK(plain->frame.values[7] == 2700);
  sensor.mapping.flip_horizontal = true;
  CHECK(decode(sensor, numbers(20))->frame.values[0] == 2400);
  sensor.mapping.flip_vertical = true;
  CHECK(decode(sensor, numbers(20))->frame.values[0] == 3900);
  const auto rows = decode(array(), R"({"v":1,"values":[[1,2,3,4],[5,6,7,8],[9,10,11,12],[13,14,15,16]]})");
  REQUIRE(rows);
  CHECK(rows->frame.values[6] == 700);
  CHECK(says(refused(array(), R"({"v":1,"values":[[1,2,3,4],[5,6,7,8],[9,10,11],[13,14,15,16,17]]})"),
             "a row of the values has not 4 numbers"));
}

TEST_CASE("a wrong size is refused with both sizes") {
  CHECK(says(refused(array(32, 24), R"({"v":1,"values":)" + numbers(767) + "}"), "the payload has 767 values, 32x24 needs 768"));
  CHECK(says(refused(array(), R"({"v":1,"values":)" + numbers(17) + "}"), "17 values, 4x4 needs 16"));
  CHECK(says(refused(array(), R"({"v":1,"w":8,"h":2,"values":)" + numbers(16) + "}"), "says it is 8x2, the sensor is configured as 4x4"));
  CHECK(says(refused(array(), R"({"v":1,"values":[]})"), "0 values"));
}

TEST_CASE("what is no temperature is refused with its place") {
  const auto with = [](const std::string& bad) {
    return R"({"v":1,"values":)" + numbers(16, [&](int i) { return i == 6 ? bad : std::string("21"); }) + "}";
  };
  CHECK(says(refused(array(), with("null")), "column 3, row 2 is null, not a number"));
  CHECK(says(refused(array(), with("\"21\"")), "column 3, row 2 is string, not a number"));
  CHECK(says(refused(array(), with("true")), "boolean"));
  CHECK(says(refused(array(), with("[1]")), "array"));
  CHECK(says(refused(array(), with("300.01")), "column 3, row 2"));
  CHECK(says(refused(array(), with("-40.01")), "-40 to 300"));
  CHECK(says(refused(array(), with("1e308")), "-40 to 300"));
  CHECK(says(refused(array(), with("nan")), "NaN stands in the payload"));
  CHECK(says(refused(array(), with("NaN")), "NaN stands in the payload"));
  CHECK(says(refused(array(), with("-inf")), "inf stands in the payload"));
  CHECK_FALSE(decode(array(), with("1e999")));
  CHECK(decode(array(), with("300")));
  CHECK(decode(array(), with("-40")));
}

TEST_CASE("payloads of any size and depth are refused before they cost anything") {
  CHECK(says(refused(array(), std::string(kMostArrayBytes + 1, '[')),
             fmt::format("has {} bytes, at most {}", kMostArrayBytes + 1, kMostArrayBytes)));
  CHECK(says(refused(array(), std::string(1000, '[')), "nested deeper than 16"));
  CHECK(says(refused(of_kind(SensorKind::kPir), std::string(kMostStateBytes + 1, 'x')), "at most 16384 are read"));
  CHECK(says(refused(array(), R"({"v":1,"v":1,"values":[]})"), "stands twice"));
  for (const char* junk : {"", " ", "{", "\xff\xfe", "{\"v\":2}", "{}", "7", "\"x\"", "null", "{\"v\":1}", "{\"v\":1,\"values\":{}}"})
    (void)refused(array(), junk);
}

TEST_CASE("a mapping that leads nowhere says where it looked") {
  SensorConfig sensor = array();
  sensor.mapping.values = "/AMG88XX/Pixels";
  CHECK(says(refused(sensor, R"({"AMG88XX":{"Rows":8}})"), "nothing at mapping.values /AMG88XX/Pixels"));
  sensor.mapping.values = "/a/1/b~1c";
  CHECK(decode(sensor, R"({"a":[0,{"b/c":)" + numbers(16) + "}]}"));
  CHECK_FALSE(decode(sensor, R"({"a":[0]})"));
}

TEST_CASE("a sensor that calibrates says so") {
  const auto reading = decode(array(), R"({"v":1,"calibrating":true,"values":)" + numbers(16) + "}");
  REQUIRE(reading);
  CHECK(reading->frame.calibrating);
}

TEST_CASE("motion and contact come as Kanhu's form, as a word, or where the mapping says") {
  const SensorConfig pir = of_kind(SensorKind::kPir);
  CHECK(decode(pir, R"({"v":1,"motion":true})")->active);
  CHECK_FALSE(decode(pir, R"({"v":1,"motion":false})")->active);
  for (const char* on : {"ON", "on\n", "1", "true", "\"ON\"", "motion"}) CHECK(decode(pir, on)->active);
  for (const char* off : {"OFF", "0", "false", "clear"}) CHECK_FALSE(decode(pir, off)->active);
  const SensorConfig contact = of_kind(SensorKind::kContact);
  CHECK(decode(contact, R"({"v":1,"open":1,"t":1795662000})")->active);
  CHECK(decode(contact, R"({"v":1,"open":1,"t":1795662000})")->measured);
  CHECK_FALSE(decode(contact, "closed")->active);
  CHECK(says(refused(contact, "unavailable"), "\"unavailable\" is neither of the words for open and closed"));
  CHECK(says(refused(pir, R"({"motion":true})"), "\"v\": 1 is missing"));
  CHECK(says(refused(pir, R"({"v":1})"), "nothing at /motion"));
  CHECK(says(refused(pir, R"({"v":1,"motion":null})"), "stands null"));
}

TEST_CASE("zigbee2mqtt's contact is true when it is closed") {
  SensorConfig contact = of_kind(SensorKind::kContact);
  contact.mapping.values = "/contact";
  contact.mapping.active = {"false"};
  contact.mapping.inactive = {"true"};
  CHECK_FALSE(decode(contact, R"({"battery":97,"contact":true,"linkquality":80})")->active);
  CHECK(decode(contact, R"({"battery":97,"contact":false})")->active);
  CHECK(says(refused(contact, R"({"battery":97})"), "nothing at /contact"));
  CHECK(says(refused(contact, R"({"contact":1})"), "\"1\" is neither"));
}

TEST_CASE("availability is one of two words, also as zigbee2mqtt puts it") {
  const SensorConfig sensor = array();
  CHECK(decode_availability(sensor, "online") == true);
  CHECK(decode_availability(sensor, "offline\n") == false);
  CHECK(decode_availability(sensor, R"({"state":"offline"})") == false);
  for (const char* none : {"", "Online", "{}", "{\"state\":1}", "[", "{"}) CHECK_FALSE(decode_availability(sensor, none));
}

}  // namespace kanhu::sense
