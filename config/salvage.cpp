// SPDX-License-Identifier: MIT
#include "config/salvage.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostPathBytes = 1024;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// The place after `key:` in a line, where the key stands as a key: first, or after '{' or ',', outside comments and double quotes.
std::size_t value_place(std::string_view line, std::string_view key) {
  bool quoted = false;
  for (std::size_t at = 0; at + key.size() < line.size(); ++at) {
    if (!quoted && line[at] == '#' && (at == 0 || is_blank(line[at - 1]))) break;
    const bool here = line.substr(at, key.size()) == key;
    if (here && !quoted) {
      const std::string_view before = trimmed(line.substr(0, at));
      const std::size_t end = at + key.size();
      const bool follows =
          line[end] == ':' && (end + 1 == line.size() || is_blank(line[end + 1]) || line[end + 1] == '"' || line[end + 1] == '\'');
      if (follows && (before.empty() || before.back() == '{' || before.back() == ',')) return end + 1;
    }
    if (line[at] == '"') quoted = !quoted;
  }
  return std::string_view::npos;
}

// The text of a plain or quoted scalar that ends in this line. Nothing: it does not, or needs a real reader.
std::optional<std::string> scalar_of(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  const char first = text.front();
  if (first == '"' || first == '\'') {
    const std::size_t end = text.find(first, 1);
    if (end == std::string_view::npos || end == 1) return std::nullopt;
    const std::string_view rest = trimmed(text.substr(end + 1));
    const std::string_view inner = text.substr(1, end - 1);
    const bool whole = rest.empty() || rest.front() == '#' || rest.front() == ',' || rest.front() == '}';
    return whole && inner.find('\\') == std::string_view::npos ? std::optional<std::string>(inner) : std::nullopt;
  }
  if (std::string_view("&*!|>%@`[{#,}").find(first) != std::string_view::npos) return std::nullopt;
  std::size_t end = text.size();
  for (const std::string_view stop : {" #", ", ", "}"}) end = std::min(end, text.find(stop));
  text = trimmed(text.substr(0, end));
  if (text.ends_with(',')) text.remove_suffix(1);
  return std::string(text);
}

struct Found {
  std::optional<std::string> value;
  bool doubtful = false;

  void take(std::string_view line, std::string_view key, bool whole_line, const std::filesystem::path& base) {
    const std::size_t at = value_place(line, key);
    if (at == std::string_view::npos) return;
    const auto text = scalar_of(line.substr(at));
    // The last line without its end may be half of one: /var/lib/kanhu of /var/lib/kanhu-2.
    const bool good = whole_line && text && !text->empty() && text->size() <= kMostPathBytes &&
                      find_invalid_utf8(*text) == std::string_view::npos &&
                      std::none_of(text->begin(), text->end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (!good) {
      doubtful = true;
      return;
    }
    std::string path = (base / *text).lexically_normal().string();
    if (path.size() > 1 && path.back() == '/') path.pop_back();
    doubtful = doubtful || (value && *value != path);
    value = std::move(path);
  }
  std::optional<std::string> told() && { return doubtful ? std::nullopt : std::move(value); }
};

}  // namespace

SalvagedPaths salvage_paths(std::string_view text, const std::string& filename) {
  std::error_code ignored;
  const auto base = std::filesystem::absolute(filename, ignored).parent_path();
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Found data, secrets, access;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const bool whole = end != std::string_view::npos;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(whole ? end + 1 : text.size());
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > 4 * kMostPathBytes) continue;  // no line of a configuration
    // In braces that close in the line, nothing of the value can be missing.
    const bool closed = whole || trimmed(line).ends_with('}');
    data.take(line, "data_dir", closed, base);
    secrets.take(line, "secrets_dir", closed, base);
    access.take(line, "access", closed, base);
  }
  return {std::move(data).told(), std::move(secrets).told(), std::move(access).told()};
}

}  // namespace kanhu
