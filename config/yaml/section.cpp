// SPDX-License-Identifier: MIT
#include "config/yaml/section.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/checks.hpp"
#include "config/yaml/scalars.hpp"

namespace kanhu {

namespace {

// Keys people reach for that would put a password into the configuration.
bool is_password_key(std::string_view key) {
  static constexpr std::string_view kKeys[] = {"user", "username", "user_id", "password", "passwd", "pass", "pwd", "secret"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

}  // namespace

void ConfigReading::refuse(Mark mark, std::string message) {
  if (problems.size() < kMostProblems) problems.push_back({"", mark.line, mark.column, std::move(message)});
}

void ConfigReading::warn(Mark mark, std::string message) {
  if (warnings.size() < kMostProblems) warnings.push_back({"", mark.line, mark.column, std::move(message)});
}

void ConfigReading::note(PlaceKind kind, std::string key, std::string value, Mark mark) {
  if (keys == nullptr) places.push_back({kind, std::move(key), std::move(value), mark});
}

Section::Section(ConfigReading& reading, const YamlNode* node, Mark where, std::string path)
    : reading_(reading), node_(node), where_(where), path_(std::move(path)) {
  if (node_ != nullptr && node_->kind != YamlNode::Kind::kMapping) {
    reading_.refuse(node_->mark,
                    fmt::format("{} is a mapping of keys; found {}", path_.empty() ? "a configuration" : path_, to_string(node_->kind)));
    node_ = nullptr;
    wrong_kind_ = true;
  }
}

const YamlNode* Section::find(std::string_view key) {
  if (reading_.keys != nullptr) {
    const std::string path = path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
    reading_.keys->push_back(path);
    return nullptr;
  }
  asked_.push_back(key);
  return node_ == nullptr ? nullptr : node_->find(key);
}

bool Section::has(std::string_view key) const { return node_ != nullptr && node_->find(key) != nullptr; }

Mark Section::mark(std::string_view key) const {
  const YamlNode* node = node_ == nullptr ? nullptr : node_->find(key);
  return node == nullptr ? where_ : node->mark;
}

const YamlNode* Section::scalar(std::string_view key, std::string_view expected, bool quotes) {
  const YamlNode* node = find(key);
  if (node == nullptr) return nullptr;
  if (node->kind != YamlNode::Kind::kScalar) {
    reading_.refuse(node->mark, fmt::format("{}: expected {}, found {}", key, expected, to_string(node->kind)));
    return nullptr;
  }
  if (node->quoted && !quotes) {
    reading_.refuse(node->mark, fmt::format("{}: expected {}, found text in quotes", key, expected));
    return nullptr;
  }
  return node;
}

bool Section::text(std::string_view key, std::string& into, std::size_t most_bytes) {
  const YamlNode* node = scalar(key, "text");
  if (node == nullptr) return false;
  if (node->text.size() > most_bytes) {
    reading_.refuse(node->mark, fmt::format("{}: at most {} bytes of text, found {}", key, most_bytes, node->text.size()));
    return false;
  }
  // Escapes in double quotes can write what the prescan does not let stand in the text itself.
  if (find_invalid_utf8(node->text) != std::string::npos ||
      std::any_of(node->text.begin(), node->text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    reading_.refuse(node->mark, fmt::format("{}: text without control characters expected", key));
    return false;
  }
  into = node->text;
  return true;
}

bool Section::identifier(std::string_view key, std::string& into) {
  const YamlNode* node = scalar(key, "an identifier");
  if (node == nullptr) return false;
  if (!is_identifier(node->text)) {
    reading_.refuse(node->mark, fmt::format("{}: {} is no identifier; 1 to 32 of a-z, 0-9, '-' and '_', beginning with a letter or digit",
                                            key, kanhu::quoted(node->text)));
    return false;
  }
  into = node->text;
  return true;
}

bool Section::secret_name(std::string_view key, std::string& into) {
  const YamlNode* node = scalar(key, "the name of a secret");
  if (node == nullptr) return false;
  if (!is_identifier(node->text)) {
    reading_.refuse(node->mark,
                    fmt::format("{}: expected the name of a secret (1 to 32 of a-z, 0-9, '-' and '_'), never the password itself; "
                                "store that with: kanhu secret set NAME --user USER",
                                key));
    return false;
  }
  into = node->text;
  return true;
}

void Section::flag(std::string_view key, bool& into) {
  const YamlNode* node = scalar(key, "true or false", false);
  if (node == nullptr) return;
  if (const auto value = parse_flag(node->text)) {
    into = *value;
  } else {
    reading_.refuse(node->mark, fmt::format("{}: {}, found {}", key, value.error().message, kanhu::quoted(node->text)));
  }
}

void Section::integer(std::string_view key, int& into, int least, int most) {
  const YamlNode* node = scalar(key, "a whole number", false);
  if (node == nullptr) return;
  const auto value = parse_integer(node->text);
  if (!value) return reading_.refuse(node->mark, fmt::format("{}: {}, found {}", key, value.error().message, kanhu::quoted(node->text)));
  if (*value < least || *value > most)
    return reading_.refuse(node->mark, fmt::format("{}: {} is outside {} to {}", key, *value, least, most));
  into = static_cast<int>(*value);
}

void Section::number(std::string_view key, double& into, double least, double most) {
  const YamlNode* node = scalar(key, "a number", false);
  if (node == nullptr) return;
  const auto value = parse_number(node->text);
  if (!value) return reading_.refuse(node->mark, fmt::format("{}: {}, found {}", key, value.error().message, kanhu::quoted(node->text)));
  if (*value < least || *value > most)
    return reading_.refuse(node->mark, fmt::format("{}: {} is outside {} to {}", key, node->text, least, most));
  into = *value;
}

void Section::duration(std::string_view key, std::chrono::milliseconds& into, std::chrono::milliseconds least,
                       std::chrono::milliseconds most) {
  const YamlNode* node = scalar(key, "a duration such as 8s");
  if (node == nullptr) return;
  const auto value = parse_duration(node->text);
  if (!value) return reading_.refuse(node->mark, fmt::format("{}: {}; found {}", key, value.error().message, kanhu::quoted(node->text)));
  if (*value < least || *value > most) {
    return reading_.refuse(node->mark,
                           fmt::format("{}: {} is outside {} to {}", key, node->text, format_duration(least), format_duration(most)));
  }
  into = *value;
}

void Section::hours(std::string_view key, std::chrono::hours& into, std::chrono::hours least, std::chrono::hours most) {
  const std::size_t before = reading_.problems.size();
  std::chrono::milliseconds value = into;
  duration(key, value, least, most);
  if (reading_.problems.size() != before) return;
  if (value % std::chrono::hours(1) != std::chrono::milliseconds(0))
    return reading_.refuse(mark(key), fmt::format("{}: whole hours expected", key));
  into = std::chrono::duration_cast<std::chrono::hours>(value);
}

void Section::bytes(std::string_view key, std::uint64_t& into, std::uint64_t least, std::uint64_t most) {
  const YamlNode* node = scalar(key, "a size such as 32MiB");
  if (node == nullptr) return;
  const auto value = parse_bytes(node->text);
  if (!value) return reading_.refuse(node->mark, fmt::format("{}: {}; found {}", key, value.error().message, kanhu::quoted(node->text)));
  if (*value < least || *value > most) {
    return reading_.refuse(node->mark, fmt::format("{}: {} is outside {} to {}", key, node->text, format_bytes(least), format_bytes(most)));
  }
  into = *value;
}

bool Section::choice(std::string_view key, std::string& into, std::span<const std::string_view> allowed) {
  const YamlNode* node = scalar(key, "a word");
  if (node == nullptr) return false;
  if (std::find(allowed.begin(), allowed.end(), node->text) == allowed.end()) {
    reading_.refuse(node->mark, fmt::format("{}: {}", key, not_one_of(node->text, allowed)));
    return false;
  }
  into = node->text;
  return true;
}

Section Section::section(std::string_view key) {
  const YamlNode* node = find(key);
  return Section(reading_, node, node == nullptr ? where_ : node->mark,
                 path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key));
}

bool Section::list(std::string_view key, const std::function<void(const YamlNode*, Mark, const std::string&)>& each) {
  const YamlNode* node = find(key);
  const std::string path = (path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key)) + "[]";
  if (reading_.keys != nullptr) {
    each(nullptr, {}, path);
    return true;
  }
  if (node == nullptr) return false;
  if (node->kind != YamlNode::Kind::kSequence) {
    reading_.refuse(node->mark, fmt::format("{}: expected a list, found {}", key, to_string(node->kind)));
    return false;
  }
  for (const YamlNode& item : node->items) each(&item, item.mark, path);
  return true;
}

void Section::polygon(std::string_view key, Polygon& into) {
  const YamlNode* node = find(key);
  if (node == nullptr) return;
  if (auto polygon = read_polygon(reading_, *node)) into = std::move(*polygon);
}

std::optional<Polygon> Section::read_polygon(ConfigReading& reading, const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kSequence) {
    reading.refuse(node.mark, fmt::format("a polygon is a list of points [x, y]; found {}", to_string(node.kind)));
    return std::nullopt;
  }
  Polygon polygon;
  for (const YamlNode& item : node.items) {
    Result<double> xy[2] = {0.0, 0.0};
    bool good = item.kind == YamlNode::Kind::kSequence && item.items.size() == 2;
    for (std::size_t i = 0; good && i < 2; ++i) {
      const YamlNode& number = item.items[i];
      xy[i] = number.kind == YamlNode::Kind::kScalar && !number.quoted ? parse_number(number.text) : fail(ErrorKind::kInvalidConfig, "");
      good = xy[i].has_value() && *xy[i] >= 0 && *xy[i] <= 1;
    }
    if (!good) {
      reading.refuse(item.mark, "a point is [x, y] in fractions 0 to 1 of the picture's width and height");
      return std::nullopt;
    }
    polygon.push_back({*xy[0], *xy[1]});
  }
  if (const std::string fault = polygon_fault(polygon); !fault.empty()) {
    reading.refuse(node.mark, fault);
    return std::nullopt;
  }
  return polygon;
}

void Section::required(std::string_view key, std::string_view hint) {
  if (reading_.keys != nullptr || has(key)) return;
  if (wrong_kind_) return;
  reading_.refuse(where_, fmt::format("{}{}{} is missing: {}", path_, path_.empty() ? "" : ".", key, hint));
}

void Section::finish() {
  if (node_ == nullptr) return;
  for (const auto& [key, value] : node_->members) {
    if (key.text == "<<" || std::find(asked_.begin(), asked_.end(), key.text) != asked_.end()) continue;
    const std::string place = path_.empty() ? "" : fmt::format(" in {}", path_);
    std::string message = fmt::format("unknown key {}{}", kanhu::quoted(key.text), place);
    if (const std::string near = nearest(key.text, asked_); !near.empty()) {
      message += fmt::format("; did you mean {}?", near);
    } else if (is_password_key(key.text)) {
      message += "; user and password are kept outside the configuration: credential: NAME, and kanhu secret set NAME";
    } else {
      message += fmt::format("; known are {}", fmt::join(asked_, ", "));
    }
    reading_.refuse(key.mark, std::move(message));
  }
}

}  // namespace kanhu
