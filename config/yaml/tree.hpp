// SPDX-License-Identifier: MIT
// YAML text -> a tree of our own with places. The only file that includes yaml-cpp is yaml_tree.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/problem.hpp"

namespace kanhu {

struct YamlKey {
  std::string text;
  Mark mark;
};

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  Mark mark;
  std::string text;     // of a scalar
  bool quoted = false;  // a scalar in quotes is text whatever it looks like
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  // in order; no key twice

  const YamlNode* find(std::string_view key) const;
};

struct YamlMember {
  YamlKey key;
  YamlNode value;
};

const char* to_string(YamlNode::Kind kind);  // "nothing", "a value", "a list", "a mapping"

struct YamlTree {
  YamlNode root;
  std::vector<Problem> problems;  // without their file; when there are any, the tree may be incomplete
};

// Prescan, then yaml-cpp, then once more the rules the prescan stands for (depth, size, no anchors) on what yaml-cpp
// really saw. Duplicate and merge keys are problems.
YamlTree read_yaml(std::string_view text);

}  // namespace kanhu
