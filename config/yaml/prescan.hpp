// SPDX-License-Identifier: MIT
// The gate in front of the YAML library: nothing that could cost it time, memory or stack gets past.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/problem.hpp"

namespace kanhu {

struct PrescanLimits {
  std::size_t most_bytes = 4 << 20;
  std::size_t most_line_bytes = 4096;
  int most_depth = 64;
  std::size_t most_tokens = 200'000;
};

struct PrescanResult {
  std::optional<Problem> problem;  // the first one, without its file
  std::size_t bytes_looked_at = 0;
};

// One pass, each byte looked at a bounded number of times. Accepts the part of YAML 1.2 a configuration needs: one document of
// block and flow collections whose scalars stay on one line. Refuses anchors, aliases, tags, directives, complex
// keys, block scalars, tabs outside quotes and comments, control characters and invalid UTF-8.
PrescanResult prescan(std::string_view text, const PrescanLimits& limits = {});

}  // namespace kanhu
