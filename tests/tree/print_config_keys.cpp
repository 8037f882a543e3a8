// SPDX-License-Identifier: MIT
// Prints every key the configuration loader knows, one a line; tests/tree/config_keys.py compares them with the example.
#include <cstdio>

#include "config/load.hpp"

int main() {
  for (const auto& key : kanhu::config_keys()) std::puts(key.c_str());
}
