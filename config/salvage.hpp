// SPDX-License-Identifier: MIT
// What a refused configuration still says: single paths, each from its own line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kanhu {

// Absolute and normal, relative ones below the folder of the file. Nothing: the key is not there, its line is not whole, or several lines
// say different things.
struct SalvagedPaths {
  std::optional<std::string> data_dir, secrets_dir, access;
};

// Takes any bytes: what is broken elsewhere (YAML, encoding, a half-saved end) does not matter. One pass.
SalvagedPaths salvage_paths(std::string_view text, const std::string& filename);

}  // namespace kanhu
