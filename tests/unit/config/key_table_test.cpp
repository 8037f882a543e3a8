// SPDX-License-Identifier: MIT
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "config/load.hpp"
#include "config/table/sections.hpp"

namespace kanhu {
namespace {

template <class Each>
void for_each_key(Each each) {
  for (const table::Group& group : table::groups())
    for (const std::string& at : group.at)
      for (const table::KeyText& key : group.keys) each(at.empty() ? key.name : at + "." + key.name, key);
}

}  // namespace

TEST_CASE("every key has a sentence, and a number its unit") {
  for_each_key([](const std::string& path, const table::KeyText& key) {
    INFO(path);
    CHECK(key.sentence.ends_with('.'));
    CHECK_FALSE(key.type.empty());
    if (key.type == "integer" || key.type == "number") CHECK_FALSE(key.unit.empty());
    if (key.type == "choice") CHECK_FALSE(key.choices.empty());
  });
}

TEST_CASE("the table has the keys that are read, each once") {
  std::set<std::string> rows;
  for_each_key([&](const std::string& path, const table::KeyText&) {
    INFO(path);
    CHECK(rows.insert(path).second);
  });
  const auto read = config_keys();
  CHECK(rows == std::set<std::string>(read.begin(), read.end()));
}

TEST_CASE("only the folders of the machine are said to be outside the digest") {
  std::set<std::string> outside;
  for_each_key([&](const std::string& path, const table::KeyText& key) {
    if (!key.in_digest) outside.insert(path);
  });
  CHECK(outside == std::set<std::string>{"gateway.data_dir", "gateway.models_dir", "gateway.secrets_dir"});
}

}  // namespace kanhu
