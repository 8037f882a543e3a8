// SPDX-License-Identifier: MIT
#include "daemon/commands/events/event_columns.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "daemon/commands/events/local_time.hpp"

using namespace kanhu;

namespace {

const WallTime kNow = parse_utc("2026-11-26T12:00:00Z").value();

std::string read(const std::string& text, const std::string& zone, TimeEdge edge = TimeEdge::kFirst) {
  const auto time = parse_time_argument("--since", text, zone, edge, kNow);
  return time ? format_utc(*time).substr(0, 19) : "refused";
}

journal::StoredEvent stored(const std::string& words) {
  journal::StoredEvent event;
  event.record = {{std::string(32, 'a'), 7, 3}, "f1", kNow, "", "bed-1", "presence.started"};
  event.phase = Phase::kStart;
  event.facts = {"subject", "hall", "info", ""};
  event.record.body =
      canonical_json({{"data", {{"words", words}, {"facility", {{"id", "f1"}, {"name", "=1+1"}}}}}, {"subject", "subject"}});
  return event;
}

}  // namespace

TEST_CASE("times are shown in the zone of the place with its offset") {
  CHECK(local_time_text(kNow, "Asia/Shanghai") == "2026-11-26T20:00:00.000000+08:00");
  CHECK(local_time_text(kNow, "UTC") == "2026-11-26T12:00:00.000000+00:00");
  CHECK(local_time_text(kNow, "America/St_Johns") == "2026-11-26T08:30:00.000000-03:30");
  CHECK(local_time_text(parse_utc("2026-07-01T00:00:00Z").value(), "Europe/Berlin") == "2026-07-01T02:00:00.000000+02:00");
  CHECK(local_time_text(kNow, "No/Where") == "2026-11-26T12:00:00.000000+00:00");
}

TEST_CASE("times of the command line are local unless they say their offset") {
  CHECK(read("2026-11-26T08:00", "Asia/Shanghai") == "2026-11-26T00:00:00");
  CHECK(read("2026-11-26 08:00:05.5", "Asia/Shanghai") == "2026-11-26T00:00:05");
  CHECK(read("2026-11-26", "Asia/Shanghai") == "2026-11-25T16:00:00");
  CHECK(read("2026-11-26T08:00:00+01:00", "Asia/Shanghai") == "2026-11-26T07:00:00");
  CHECK(read("2026-11-26T08:00:00Z", "") == "2026-11-26T08:00:00");
  CHECK(read("2h", "") == "2026-11-26T10:00:00");
  CHECK(read("10m", "") == "2026-11-26T11:50:00");
  CHECK(read("10min", "") == "2026-11-26T11:50:00");
  CHECK(read("90s", "") == "2026-11-26T11:58:30");
  CHECK(read("1d", "") == "2026-11-25T12:00:00");
  CHECK(read("start", "") == "1970-01-01T00:00:00");
  CHECK(read("2026-11-26T08:00", "") == "refused");
  for (const char* wrong :
       {"", "m", "10mm", "yesterday", "2026", "2026-13-01", "2026-11-26T8:00", "2026-11-26T25:00", "2026-11-26T08:00:00+"})
    CHECK(read(wrong, "Asia/Shanghai") == "refused");
  // The hour that comes twice, and the one that never comes.
  CHECK(read("2026-10-25T02:30", "Europe/Berlin", TimeEdge::kFirst) == "2026-10-25T00:30:00");
  CHECK(read("2026-10-25T02:30", "Europe/Berlin", TimeEdge::kLast) == "2026-10-25T01:30:00");
  CHECK(read("2026-03-29T02:30", "Europe/Berlin") == "2026-03-29T01:30:00");
  CHECK(read("2026-10-25T04:00", "Europe/Berlin") == "2026-10-25T03:00:00");
}

TEST_CASE("a field of CSV is quoted as RFC 4180 says, and never a formula") {
  CHECK(csv_field("plain") == "plain");
  CHECK(csv_field("a,b") == "\"a,b\"");
  CHECK(csv_field("say \"no\"") == "\"say \"\"no\"\"\"");
  CHECK(csv_field("two\r\nlines") == "\"two\r\nlines\"");
  CHECK(csv_field("") == "");
  for (const std::string formula : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"}) CHECK(csv_field(formula).find('\'') <= 1);
  const std::string line = csv_line(stored("=cmd|' /C calc'!A0, 中文"), "Asia/Shanghai");
  CHECK(line.find(",'=1+1,") != std::string::npos);
  CHECK(line.find("\"'=cmd|' /C calc'!A0, 中文\"") != std::string::npos);
  CHECK(line.substr(line.size() - 2) == "\r\n");
  // As many fields as the heading has, and the comma of the words.
  const std::string heading = csv_heading();
  CHECK(std::count(line.begin(), line.end(), ',') == std::count(heading.begin(), heading.end(), ',') + 1);
}

TEST_CASE("a line fits the terminal in cells, and nothing in it commands the terminal") {
  CHECK(shown_width("bed 3") == 5);
  CHECK(shown_width("护理") == 4);
  CHECK(shown_width("e\xcc\x81") == 1);
  CHECK(fitted("护理站", 5) == "护理…");
  CHECK(fitted("护理站", 4) == "护… ");
  CHECK(fitted("ab", 4) == "ab  ");
  CHECK(shown_width(table_line(stored(std::string(300, 'x')), "UTC", 100)) == 100);
  CHECK(shown_width(table_line(stored("跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒跌倒"), "UTC", 121)) <= 121);
  const std::string line = table_line(stored("\033[2J bell\a"), "Asia/Shanghai", 0);
  CHECK(line.find('\033') == std::string::npos);
  CHECK(line.find("2026-11-26 20:00:00 +08:00") == 0);
  CHECK(line.find("aaaaaaaa:7") != std::string::npos);
  CHECK(line.find("f1/bed-1 hall") != std::string::npos);
}

TEST_CASE("what is stored is told with the body byte for byte, also when that is no JSON") {
  auto event = stored("x");
  const std::string text = stored_json(event, "UTC", "right");
  CHECK(text.find(event.record.body) != std::string::npos);
  CHECK(parse_json(text).value().at("journal").at("chain") == "right");
  event.record.body = "{broken";
  CHECK(parse_json(stored_json(event, "UTC", "right")).value().at("event") == "{broken");
  CHECK(table_line(event, "UTC", 0).find("no JSON") != std::string::npos);
  CHECK_NOTHROW(csv_line(event, "UTC"));
}
