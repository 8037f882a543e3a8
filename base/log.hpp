// SPDX-License-Identifier: MIT
// Logging by reader: error = someone must act; warning = quality lost; info = state changed; debug = developer.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace kanhu::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

// Where log lines go: standard error as text, the systemd journal when the process runs under it, or a function
// (a worker hands its lines to the gateway). Call before other threads start; the default is standard error, info.
void init(Level level);
void set_level(Level level);
// Any thread may call `sink` at any time afterwards.
void set_sink(void (*sink)(Level level, std::string_view area, std::string_view text));

const char* to_string(Level level);

// Writes one line. `area` is the folder the line comes from ("ingest", "journal"). Text is passed through
// `redact` first, so that a URL with user information or an Authorization header never leaves the process.
void write(Level level, std::string_view area, std::string_view text);

// Replaces user information in URLs (scheme://***@host) and the value of Authorization headers.
std::string redact(std::string_view text);

template <typename... Args>
void debug(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kDebug, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kInfo, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kWarning, area, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(std::string_view area, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::kError, area, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace kanhu::log
