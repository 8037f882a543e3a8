// SPDX-License-Identifier: MIT
#include "config/table/print.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "config/config.hpp"
#include "config/table/listed.hpp"
#include "config/table/sections.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu::table {

namespace {

struct Written {
  const char* type;
  std::string text;
};
Written written(bool value) { return {"flag", value ? "true" : "false"}; }
Written written(int value) { return {"integer", fmt::format("{}", value)}; }
Written written(double value) { return {"number", fmt::format("{:g}", value)}; }
Written written(std::chrono::milliseconds value) { return {"duration", format_duration(value)}; }
Written written(std::uint64_t value) { return {"size", format_bytes(value)}; }

template <class S>
KeyText text_of(const Key<S>& key) {
  KeyText text{std::string(key.name), "", "", key.change, std::string(key.sentence)};
  text.unit = key.unit;
  text.in_digest = !key.json.empty();
  const S fresh{};
  std::visit(
      [&](const auto& value) {
        auto initial = written(fresh.*value.member);
        text.type = initial.type;
        text.default_text = std::move(initial.text);
        if constexpr (requires { value.least; }) {
          text.least = written(value.least).text;
          text.most = written(value.most).text;
        }
      },
      key.value);
  return text;
}

template <class S>
Group group_of(std::vector<std::string> at) {
  Group group{std::move(at), {}};
  for (const Key<S>& key : keys_of(static_cast<const S*>(nullptr))) group.keys.push_back(text_of(key));
  return group;
}

std::string range_of(const KeyText& key) {
  if (!key.choices.empty()) return key.choices;
  if (key.most.empty()) return key.least.empty() ? "" : fmt::format("from {}", key.least);
  return fmt::format("{} to {}", key.least, key.most);
}

std::string markdown_row(const KeyText& key) {
  std::string type = key.is_secret ? "secret's name" : key.type;
  if (!key.unit.empty()) type += fmt::format(" ({})", key.unit);
  std::string sentence = key.sentence;
  if (!key.in_digest) sentence += " Not in the digest.";
  return fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", key.name, type, range_of(key), key.is_required ? "required" : key.default_text,
                     to_string(key.change), sentence);
}

Json enum_of(const std::string& choices) {
  Json words = Json::array();
  for (std::size_t at = 0; at < choices.size();) {
    const std::size_t end = std::min(choices.find(", ", at), choices.size());
    words.push_back(choices.substr(at, end - at));
    at = end + 2;
  }
  return {{"type", "string"}, {"enum", std::move(words)}};
}

Json polygon_schema() {
  const Json fraction{{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  return {{"type", "array"},
          {"minItems", 3},
          {"maxItems", 64},
          {"items", {{"type", "array"}, {"minItems", 2}, {"maxItems", 2}, {"items", fraction}}}};
}

Json list_of_schema(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
Json object_schema() { return {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}}; }

Json number_schema(const KeyText& key) {
  Json json{{"type", key.type}};
  if (!key.least.empty()) json["minimum"] = parse_number(key.least).value();
  if (!key.most.empty()) json["maximum"] = parse_number(key.most).value();
  return json;
}

Json type_schema(const KeyText& key) {
  if (key.type == "flag") return {{"type", "boolean"}};
  if (key.type == "integer" || key.type == "number") return number_schema(key);
  if (key.type == "duration") return {{"type", "string"}, {"pattern", "^[0-9]+(\\.[0-9]+)?(ms|s|min|h|d)$"}};
  if (key.type == "size") return {{"type", "string"}, {"pattern", "^[0-9]+(\\.[0-9]+)?(KiB|MiB|GiB|TiB)$"}};
  if (key.type == "id") return {{"type", "string"}, {"pattern", "^[a-z0-9][a-z0-9_-]{0,31}$"}};
  if (key.type == "choice") return enum_of(key.choices);
  if (key.type == "choices") return list_of_schema(enum_of(key.choices));
  if (key.type == "texts") return list_of_schema({{"type", "string"}});
  if (key.type == "polygon") return polygon_schema();
  if (key.type == "polygons") return list_of_schema(polygon_schema());
  if (key.type == "section") return object_schema();
  if (key.type == "sections") return list_of_schema(object_schema());
  return {{"type", "string"}};
}

// The schema of the section at `path` ("facilities[].zones[]"), which stands in the table as a key of an earlier group.
Json& section_at(Json& root, std::string_view path) {
  Json* place = &root;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    std::string_view name = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    const bool is_list = name.ends_with("[]");
    if (is_list) name.remove_suffix(2);
    place = &(*place)["properties"].at(std::string(name));
    if (is_list) place = &(*place)["items"];
  }
  return *place;
}

}  // namespace

const char* to_string(Change change) {
  switch (change) {
    case Change::kLive:
      return "live";
    case Change::kAnalysis:
      return "analysis";
    case Change::kSession:
      return "session";
    case Change::kRestart:
      return "restart";
  }
  return "";
}

std::vector<Group> groups() {
  const std::string camera = "facilities[].cameras[]", sensor = "facilities[].sensors[]";
  std::vector<Group> all = listed_groups();
  all.push_back(group_of<GatewayConfig>({"gateway"}));
  all.push_back(group_of<PublishConfig>({"publish"}));
  all.push_back(group_of<JournalConfig>({"journal"}));
  all.push_back(group_of<StorageConfig>({"clips_storage"}));
  all.push_back(group_of<DetectorConfig>({"defaults.detector", camera + ".detector"}));
  all.push_back(group_of<PresenceConfig>({"defaults.presence", camera + ".presence", sensor + ".presence"}));
  all.push_back(group_of<FacesConfig>({"defaults.faces", camera + ".faces"}));
  all.push_back(group_of<HealthConfig>({"defaults.health", camera + ".health"}));
  all.push_back(group_of<ClipConfig>({"defaults.clips", camera + ".clips"}));
  return all;
}

std::string markdown() {
  std::string text;
  for (const Group& group : groups()) {
    std::string at;
    for (const std::string& one : group.at) at += fmt::format("{}`{}`", at.empty() ? "" : ", ", one);
    text += group.at.front().empty() ? "At the top:\n\n" : fmt::format("In {}:\n\n", at);
    text += "| key | type | values | default | reload | |\n|---|---|---|---|---|---|\n";
    for (const KeyText& key : group.keys) text += markdown_row(key);
    text += "\n";
  }
  return text;
}

Json schema() {
  Json root = object_schema();
  root["$schema"] = "http://json-schema.org/draft-07/schema#";
  root["title"] = "Configuration of Kanhu";
  for (const Group& group : groups()) {
    for (const std::string& at : group.at) {
      Json& section = section_at(root, at);
      for (const KeyText& key : group.keys) {
        Json json = type_schema(key);
        std::string said = key.sentence;
        if (const std::string range = range_of(key); !range.empty()) said += fmt::format(" {}.", range);
        if (!key.default_text.empty()) said += fmt::format(" Default: {}.", key.default_text);
        json["description"] = fmt::format("{} Reload: {}.", said, to_string(key.change));
        section["properties"][key.name] = std::move(json);
        if (key.is_required) section["required"].push_back(key.name);
      }
    }
  }
  return root;
}

}  // namespace kanhu::table
