// SPDX-License-Identifier: MIT
#include "base/log.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

namespace kanhu::log {

namespace {

using Sink = void (*)(Level, std::string_view, std::string_view);

std::atomic<Level> g_level{Level::kInfo};
std::atomic<Sink> g_sink{nullptr};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::err;
}

int priority(Level level) {
  switch (level) {
    case Level::kDebug:
      return LOG_DEBUG;
    case Level::kInfo:
      return LOG_INFO;
    case Level::kWarning:
      return LOG_WARNING;
    case Level::kError:
    case Level::kOff:
      return LOG_ERR;
  }
  return LOG_ERR;
}

// systemd names the journal's socket by device and inode in $JOURNAL_STREAM; a program whose standard error was
// redirected afterwards must not take it for its own (systemd.exec(5)).
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

void to_journal(Level level, std::string_view area, std::string_view text) {
  std::array<std::string, 4> fields = {fmt::format("MESSAGE={}: {}", area, text), fmt::format("PRIORITY={}", priority(level)),
                                       fmt::format("KANHU_AREA={}", area), "SYSLOG_IDENTIFIER=kanhu"};
  std::array<iovec, 4> vectors{};
  std::transform(fields.begin(), fields.end(), vectors.begin(), [](std::string& field) { return iovec{field.data(), field.size()}; });
  sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size()));
}

spdlog::logger& to_stderr() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("kanhu", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);  // the level is decided before
    return made;
  }();
  return *logger;
}

// Nobody waits for a reader of standard error that stands still (a paused terminal, a pipe nobody empties): what does not go out at
// once is left out, and counted. A pipe that poll calls ready takes PIPE_BUF bytes without waiting (pipe(7)).
void write_without_waiting(Level level, std::string_view area, std::string_view line) {
  constexpr std::size_t kLongest = PIPE_BUF - 256;  // with the time, the level, the area and what was left out
  static std::mutex mutex;
  static std::uint64_t left_out = 0;
  std::scoped_lock lock(mutex);
  const auto is_ready = [] {
    pollfd wait{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&wait, 1, 0) != 0;
  };
  if (!is_ready()) {
    ++left_out;
    return;
  }
  const std::string gap =
      left_out == 0 ? "" : fmt::format(" ({} lines before this were left out: nobody read standard error)", std::exchange(left_out, 0));
  to_stderr().log(spdlog_level(level), "{}: {}{}", area, line.substr(0, kLongest), gap);
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

// A URL ends at white space or a quote. Passwords that were not percent-encoded may hold '/', '?' and '@', so the
// last '@' before that end counts: better a path hidden too many than a password shown.
std::string redact_urls(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) return out.append(text);
    const std::size_t start = colon + 3;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n\"'<>`", start), text.size());
    const std::size_t at = text.substr(0, end).rfind('@');
    out.append(text.substr(0, start));
    const bool has_user = at != std::string_view::npos && at >= start && colon > 0 && is_word(text[colon - 1]);
    if (has_user) out += "***";
    text.remove_prefix(has_user ? at : start);
  }
}

// The value of Authorization (and Proxy-Authorization) up to the end of its line.
std::string redact_headers(std::string text) {
  static constexpr std::string_view kName = "authorization";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
  for (auto from = text.begin();;) {
    const auto name = std::search(from, text.end(), kName.begin(), kName.end(), same);
    if (name == text.end()) return text;
    auto value = name + static_cast<std::ptrdiff_t>(kName.size());
    while (value != text.end() && (*value == ' ' || *value == '"' || *value == '\'')) ++value;
    if (value == text.end() || (*value != ':' && *value != '=')) {
      from = name + static_cast<std::ptrdiff_t>(kName.size());
      continue;
    }
    ++value;
    const auto end = std::find_if(value, text.end(), [](char c) { return c == '\r' || c == '\n'; });
    const std::size_t resume = static_cast<std::size_t>(value - text.begin()) + 4;
    text.replace(value, end, " ***");
    from = text.begin() + static_cast<std::ptrdiff_t>(resume);
  }
}

// One line stays one line, whatever a camera calls itself.
std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void init(Level level) {
  set_level(level);
  to_stderr();
}

void set_level(Level level) { g_level.store(level, std::memory_order_relaxed); }

void set_sink(Sink sink) { g_sink.store(sink); }

const char* to_string(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
    case Level::kOff:
      return "off";
  }
  return "error";
}

void write(Level level, std::string_view area, std::string_view text) {
  const Level least = g_level.load(std::memory_order_relaxed);
  if (least == Level::kOff || level < least) return;
  const std::string line = one_line(redact(text));
  if (const Sink sink = g_sink.load()) return sink(level, area, line);
  static const bool journal = stderr_is_journal();
  if (journal) return to_journal(level, area, line);
  write_without_waiting(level, area, line);
}

std::string redact(std::string_view text) { return redact_headers(redact_urls(text)); }

}  // namespace kanhu::log
