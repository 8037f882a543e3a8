// SPDX-License-Identifier: MIT
#include "daemon/commands/events/event_columns.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "daemon/commands/events/local_time.hpp"
#include "daemon/commands/watch/feed.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kTimeCells = 30, kIdCells = 16, kPlaceCells = 22, kTypeCells = 24, kPhaseCells = 6;

// Unicode 15, EastAsianWidth W and F, in blocks; emoji among them.
constexpr std::pair<char32_t, char32_t> kWide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x4dbf}, {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
constexpr std::pair<char32_t, char32_t> kCombining[] = {{0x300, 0x36f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}};

template <std::size_t N>
bool is_in(const std::pair<char32_t, char32_t> (&blocks)[N], char32_t point) {
  return std::any_of(std::begin(blocks), std::end(blocks),
                     [&](const auto& block) { return point >= block.first && point <= block.second; });
}

std::size_t cells_of(char32_t point) { return is_in(kWide, point) ? 2 : is_in(kCombining, point) ? 0 : 1; }

std::string text_at(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : value.is_null() ? std::string() : canonical_json(value);
}

std::string nothing_for_gateway(const std::string& name) { return name == "-" ? std::string() : name; }

std::string place_of(const journal::StoredEvent& event) {
  const auto& record = event.record;
  std::string place = record.facility == "-" ? "gateway" : record.facility;
  if (record.source != "-") place += "/" + record.source;
  if (!event.facts.zone.empty()) place += " " + event.facts.zone;
  return place;
}

std::string second_of(const std::string& local) {  // without the fraction, with a space
  std::string text = local.substr(0, 19) + " " + local.substr(26);
  text[10] = ' ';
  return text;
}

}  // namespace

std::size_t shown_width(std::string_view text) {
  std::size_t cells = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    cells += cells_of(step.code_point);
    at += step.bytes;
  }
  return cells;
}

std::string fitted(std::string_view text, std::size_t cells) {
  const std::size_t whole = shown_width(text);
  if (whole <= cells) return std::string(text) + std::string(cells - whole, ' ');
  std::string cut;
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    if (used + cells_of(step.code_point) + 1 > cells) break;
    used += cells_of(step.code_point);
    cut += text.substr(at, step.bytes);
    at += step.bytes;
  }
  return cells == 0 ? std::string() : cut + "…" + std::string(cells - used - 1, ' ');
}

std::string harmless(std::string_view text) {
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    const bool control = step.code_point < 0x20 || (step.code_point >= 0x7f && step.code_point < 0xa0);
    if (control || !step.valid)
      shown += '?';
    else
      shown += text.substr(at, step.bytes);
    at += step.bytes;
  }
  return shown;
}

std::string table_heading() {
  std::string line = fitted("time", kTimeCells) + fitted("id", kIdCells) + fitted("place", kPlaceCells) + fitted("type", kTypeCells) + " " +
                     fitted("phase", kPhaseCells) + " what";
  return line;
}

std::string table_line(const journal::StoredEvent& event, const std::string& zone, std::size_t columns) {
  const auto& record = event.record;
  const auto body = parse_json(record.body);
  std::string words = body ? words_of_event(*body) : "the body is no JSON: " + body.error().message;
  if (event.late) words += words.empty() ? "not durable when handed out" : ", not durable when handed out";
  const auto column = [](const std::string& text, std::size_t cells) {
    // A column that overflows pushes the rest on rather than lose what names something.
    return shown_width(text) < cells ? fitted(text, cells) : text + " ";
  };
  std::string line = column(second_of(local_time_text(record.time, zone)), kTimeCells) +
                     column(fmt::format("{}:{}", record.id.epoch.substr(0, 8), record.id.seq), kIdCells) +
                     column(harmless(place_of(event)), kPlaceCells) + column(harmless(record.type), kTypeCells + 1) +
                     column(to_string(event.phase), kPhaseCells + 1) + harmless(words);
  if (columns > 0 && shown_width(line) > columns) line = fitted(line, columns);
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string csv_field(std::string_view text) {
  std::string field(text);
  if (!field.empty() && std::string_view("=+-@\t\r").find(field.front()) != std::string_view::npos) field.insert(0, "'");
  if (field.find_first_of("\",\r\n") == std::string::npos) return field;
  std::string quoted_field = "\"";
  for (const char letter : field) quoted_field += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted_field + "\"";
}

std::string csv_heading() {
  return "time,time_utc,facility,facility_name,source,source_name,zone,type,phase,severity,subject,person_ref,decision,state,reason,count,"
         "end_reason,since,clip,clip_status,words,id,stream_seq,durable,accepted_utc\r\n";
}

std::string csv_line(const journal::StoredEvent& event, const std::string& zone) {
  const auto& record = event.record;
  const auto parsed = parse_json(record.body);
  const Json body = parsed ? *parsed : Json();
  const Json& data = member(body, "data");
  const Json &person = member(data, "person"), &clip = member(data, "clip");
  const std::string since = text_at(data, "since");
  const auto since_time = parse_utc(since);
  const std::vector<std::string> fields{local_time_text(record.time, zone),
                                        format_utc(record.time),
                                        harmless(nothing_for_gateway(record.facility)),
                                        text_at(member(data, "facility"), "name"),
                                        harmless(nothing_for_gateway(record.source)),
                                        text_at(member(data, "camera"), "name"),
                                        harmless(event.facts.zone),
                                        harmless(record.type),
                                        to_string(event.phase),
                                        event.facts.severity,
                                        event.facts.subject,
                                        event.facts.person,
                                        text_at(person, "decision"),
                                        text_at(data, "state"),
                                        text_at(data, "reason"),
                                        text_at(data, "count"),
                                        text_at(data, "end_reason"),
                                        since_time ? local_time_text(*since_time, zone) : since,
                                        text_at(clip, "id"),
                                        text_at(clip, "status"),
                                        words_of_event(body),
                                        record.id.text(),
                                        std::to_string(record.id.stream_seq),
                                        event.late          ? "late"
                                        : event.provisional ? "provisional"
                                                            : "yes",
                                        format_utc(event.accepted)};
  std::string line;
  for (const std::string& field : fields) line += (line.empty() ? "" : ",") + csv_field(field);
  return line + "\r\n";
}

std::string stored_json(const journal::StoredEvent& event, const std::string& zone, std::string_view chain) {
  const Json journal{{"accepted", format_utc(event.accepted)},
                     {"bytes", event.place.size},
                     {"chain", chain},
                     {"epoch", event.record.id.epoch},
                     {"hash", to_hex(event.hash)},
                     {"late", event.late},
                     {"local_time", local_time_text(event.record.time, zone)},
                     {"offset", event.place.offset},
                     {"provisional", event.provisional},
                     {"segment", event.segment_path},
                     {"seq", event.record.id.seq},
                     {"stream_seq", event.record.id.stream_seq}};
  // The body is canonical JSON; should it be none, it is given as text.
  const std::string body = parse_json(event.record.body) ? event.record.body : canonical_json(event.record.body);
  return "{\"event\":" + body + ",\"journal\":" + canonical_json(journal) + "}";
}

}  // namespace kanhu
