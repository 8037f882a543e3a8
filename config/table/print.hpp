// SPDX-License-Identifier: MIT
// The table of keys for people and for editors.
#pragma once

#include <string>

#include "base/json.hpp"

namespace kanhu::table {

// Of docs/configuration.md: a table of each group of keys.
std::string markdown();

// JSON Schema (draft 7) of the whole file: docs/kanhu.schema.json.
Json schema();

}  // namespace kanhu::table
