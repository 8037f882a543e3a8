// SPDX-License-Identifier: MIT
#include "config/yaml/tree.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "base/text.hpp"
#include "config/yaml/prescan.hpp"

namespace kanhu {

namespace {

constexpr std::size_t kMostDepth = 64;
constexpr std::size_t kMostNodes = 200'000;

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Thrown through yaml-cpp to make it stop; never leaves this file.
struct Stop {};

// Takes yaml-cpp's events instead of its nodes: its own node builder looks every key up by walking the map, so
// 100,000 keys cost it minutes, and it keeps the first of two equal keys without a word.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view text, YamlTree& tree) : lines_(split_lines(text)), tree_(tree) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, anchor, YamlNode::Kind::kNull, "", false); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { stop(mark, "aliases are refused"); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    if (tag != "?" && tag != "!" && !tag.empty()) stop(mark, "tags are refused");
    leaf(mark, anchor, YamlNode::Kind::kScalar, value, tag == "!");
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override { open_.pop_back(); }

  // yaml-cpp counts lines and bytes from 0; people count characters from 1.
  Mark place(const YAML::Mark& mark) const {
    if (mark.is_null()) return {};
    const auto line = static_cast<std::size_t>(mark.line);
    if (line >= lines_.size()) return {static_cast<int>(lines_.size()), 1};
    int column = 1;
    const auto bytes = static_cast<std::size_t>(mark.column);
    for (std::size_t at = 0; at < bytes && at < lines_[line].size(); at += utf8_step(lines_[line], at).bytes) ++column;
    return {mark.line + 1, column};
  }

  void problem(Mark mark, std::string message) {
    if (tree_.problems.size() < kMostProblems) tree_.problems.push_back({"", mark.line, mark.column, std::move(message)});
  }

 private:
  struct Level {
    YamlNode* node;
    std::map<std::string, Mark, std::less<>> keys;
    bool has_key = false;
  };

  [[noreturn]] void stop(const YAML::Mark& mark, std::string message) {
    problem(place(mark), std::move(message));
    throw Stop{};
  }

  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind, const std::string& value, bool quoted) {
    if (!open_.empty() && open_.back().node->kind == YamlNode::Kind::kMapping && !open_.back().has_key) return key(mark, kind, value);
    YamlNode& node = add(mark, anchor);
    node.kind = kind;
    // A value that is not there has no place of its own; yaml-cpp gives the line's beginning.
    if (kind == YamlNode::Kind::kNull && !open_.empty() && open_.back().node->kind == YamlNode::Kind::kMapping) {
      node.mark = open_.back().node->members.back().key.mark;
    }
    node.text = value;
    node.quoted = quoted;
  }

  void key(const YAML::Mark& mark, YamlNode::Kind kind, const std::string& text) {
    const Mark where = place(mark);
    if (kind == YamlNode::Kind::kNull) problem(where, "a key is missing before ':'");
    if (text == "<<") problem(where, "merge keys (<<) are refused; use `defaults:`");
    Level& level = open_.back();
    const auto [first, fresh] = level.keys.try_emplace(text, where);
    if (!fresh) problem(where, fmt::format("key {} stands twice; the first is in line {}", kanhu::quoted(text), first->second.line));
    level.node->members.push_back({YamlKey{text, where}, YamlNode{}});
    level.has_key = true;
  }

  YamlNode& add(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) stop(mark, "anchors are refused");
    if (++nodes_ > kMostNodes) stop(mark, fmt::format("more than {} values", kMostNodes));
    YamlNode* node = &tree_.root;
    if (!open_.empty()) {
      Level& parent = open_.back();
      if (parent.node->kind == YamlNode::Kind::kSequence) {
        node = &parent.node->items.emplace_back();
      } else {
        if (!parent.has_key) stop(mark, "a list or mapping cannot be a key");
        node = &parent.node->members.back().value;
        parent.has_key = false;
      }
    }
    node->mark = place(mark);
    return *node;
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    if (open_.size() >= kMostDepth) stop(mark, fmt::format("nested deeper than {}", kMostDepth));
    YamlNode& node = add(mark, anchor);
    node.kind = kind;
    open_.push_back({&node, {}, false});
  }

  std::vector<std::string_view> lines_;
  YamlTree& tree_;
  std::vector<Level> open_;  // the nodes stay where they are: a collection gets no new member while its last one is open
  std::size_t nodes_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name.text == key) return &value;
  }
  return nullptr;
}

const char* to_string(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return "nothing";
}

YamlTree read_yaml(std::string_view text) {
  YamlTree tree;
  if (auto scanned = prescan(text); scanned.problem) {
    tree.problems.push_back(std::move(*scanned.problem));
    return tree;
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Builder builder(text, tree);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
  } catch (const Stop&) {
    // said already
  } catch (const YAML::Exception& error) {
    builder.problem(builder.place(error.mark), fmt::format("not valid YAML: {}", error.msg));
  } catch (const std::exception& error) {
    builder.problem({1, 1}, fmt::format("not readable as YAML: {}", error.what()));
  }
  if (tree.root.mark.line == 0) tree.root.mark = {1, 1};  // nothing, or comments alone
  return tree;
}

}  // namespace kanhu
