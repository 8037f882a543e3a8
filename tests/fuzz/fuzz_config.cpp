// SPDX-License-Identifier: MIT
// Any text as a configuration: accepted whole, or refused with a place for every problem.
#include <cstdlib>
#include <string_view>

#include "config/load.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = kanhu::check_config(text, "fuzz.yaml");
  if (report.config.has_value() != report.problems.empty()) std::abort();
  if (report.problems.size() > 100) std::abort();
  return 0;
}
