// SPDX-License-Identifier: MIT
// Any text as JSON: what is accepted has one canonical form, which reads back as itself.
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "base/json.hpp"

namespace {

// canonical_json is for what Kanhu makes: whole numbers up to 2^53.
bool within_contract(const kanhu::Json& value) {
  constexpr std::int64_t kLargest = std::int64_t{1} << 53;
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kLargest);
  if (value.is_number_integer()) return value.get<std::int64_t>() >= -kLargest && value.get<std::int64_t>() <= kLargest;
  if (!value.is_structured()) return true;
  for (const auto& member : value) {
    if (!within_contract(member)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = kanhu::parse_json(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!value || !within_contract(*value)) return 0;
  const std::string once = kanhu::canonical_json(*value);
  const auto again = kanhu::parse_json(once, 8 << 20, 64);
  if (!again) std::abort();
  // A fraction beyond 2^53 is written without a point and read back as a whole number.
  if (within_contract(*again) && kanhu::canonical_json(*again) != once) std::abort();
  return 0;
}
