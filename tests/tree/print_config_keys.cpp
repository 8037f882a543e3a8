// SPDX-License-Identifier: MIT
// Prints every key the configuration loader knows, one a line (tests/tree/config_keys.py compares them with the example); with
// `docs` the tables of docs/configuration.md, with `schema` docs/kanhu.schema.json.
#include <cstdio>
#include <string_view>

#include "config/load.hpp"
#include "config/table/print.hpp"

int main(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  if (what == "docs") return std::fputs(kanhu::table::markdown().c_str(), stdout) < 0;
  if (what == "schema") return std::puts(kanhu::table::schema().dump(1).c_str()) < 0;
  for (const auto& key : kanhu::config_keys()) std::puts(key.c_str());
}
