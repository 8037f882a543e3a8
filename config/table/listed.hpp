// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "config/table/sections.hpp"

namespace kanhu::table {

// The keys that config/table/keys.cpp has no row of.
std::vector<Group> listed_groups();

}  // namespace kanhu::table
