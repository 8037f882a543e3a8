// SPDX-License-Identifier: MIT
// EventDraft -> the bytes a subscriber gets (docs/events.md).
#include <array>
#include <cassert>
#include <string_view>

#include "pipelines/rules/rules.hpp"

namespace kanhu::rules {

namespace {

constexpr std::size_t kMostBytes = 2048;

// Cut at a code point's border, with an ellipsis.
std::string cut(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "\u2026";
}

void cut_member(Json& object, const char* key, std::size_t most) {
  if (object.is_object() && object.contains(key) && object[key].is_string())
    object[key] = cut(object[key].get_ref<const std::string&>(), most);
}

void cut_words(Json& data, std::size_t names, std::size_t words) {
  cut_member(data, "words", words);
  for (const char* key : {"cause", "reason", "end_reason", "segment", "what"}) cut_member(data, key, 64);
  for (const char* whom : {"facility", "camera"}) {
    if (!data.contains(whom)) continue;
    cut_member(data[whom], "name", names);
    cut_member(data[whom], "class", 64);
  }
}

// What an event can be understood without, least needed first.
constexpr std::array<std::string_view, 6> kDispensable{"cameras", "sources", "facts", "words", "box", "coverage"};

}  // namespace

std::string event_body(const EventDraft& draft, const EventId& id, const std::string& gateway, const Provenance& provenance) {
  Json data = draft.data;
  Json& origin = data["provenance"];
  const auto fill = [&](const char* key, const std::string& value) {
    if (!value.empty() && !origin.contains(key)) origin[key] = value;
  };
  fill("config", provenance.config);
  fill("models", provenance.models);
  fill("gallery", provenance.gallery);
  fill("build", provenance.build);
  if (origin.is_null()) data.erase("provenance");
  cut_words(data, 120, 300);

  Json body{{"specversion", "1.0"},
            {"id", id.text()},
            {"source", "/gateway/" + gateway + "/facility/" + draft.facility + "/source/" + draft.source},
            {"type", "kanhu." + draft.type},
            {"time", format_utc(draft.time)},
            {"subject", draft.subject},
            {"dataschema", "urn:kanhu:event:1"},
            {"datacontenttype", "application/json"},
            {"data", std::move(data)}};
  std::string text = canonical_json(body);
  if (text.size() <= kMostBytes) return text;

  // Only control characters (six bytes each as JSON) and foreign members get here.
  cut_words(body["data"], 40, 80);
  text = canonical_json(body);
  for (const std::string_view key : kDispensable) {
    if (text.size() <= kMostBytes) return text;
    body["data"].erase(std::string(key));
    text = canonical_json(body);
  }
  if (text.size() > kMostBytes && body["data"].contains("clip")) {
    body["data"]["clip"].erase("path");
    text = canonical_json(body);
  }
  assert(text.size() <= kMostBytes);
  return text;
}

}  // namespace kanhu::rules
