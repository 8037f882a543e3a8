// SPDX-License-Identifier: MIT
// One value of the configuration, read strictly: no octal, no `yes`, no number without its unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kanhu {

// The message of an Error says what was expected, without the value itself.
Result<std::int64_t> parse_integer(std::string_view text);                // -?(0|[1-9][0-9]*)
Result<double> parse_number(std::string_view text);                       // -?(0|[1-9][0-9]*)(\.[0-9]+)?
Result<bool> parse_flag(std::string_view text);                           // true|false
Result<std::chrono::milliseconds> parse_duration(std::string_view text);  // 500ms 8s 1.5s 10min 2h 90d
Result<std::uint64_t> parse_bytes(std::string_view text);                 // 512KiB 32MiB 5GiB 1TiB

// As they are written in the configuration, in the largest unit that divides them.
std::string format_duration(std::chrono::milliseconds span);
std::string format_bytes(std::uint64_t bytes);

}  // namespace kanhu
