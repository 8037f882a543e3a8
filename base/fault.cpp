// SPDX-License-Identifier: MIT
#include "base/fault.hpp"

#include <chrono>
#include <exception>
#include <map>
#include <optional>

#include "base/guarded.hpp"
#include "base/log.hpp"

namespace kanhu::faults {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr auto kBetweenLines = std::chrono::seconds(10);
constexpr std::size_t kMostWords = 200;

struct Row {
  std::uint64_t times = 0, unsaid = 0;
  std::string words;
  std::optional<SteadyTime> said;
};
using Rows = std::map<std::string, Row, std::less<>>;

Guarded<Rows>& rows() {
  static Guarded<Rows> all;
  return all;
}

// Text of a library may hold a piece of what it choked on: cut, printable, and without what redact knows.
std::string words_of(const char* text) {
  std::string words = log::redact(text).substr(0, kMostWords);
  for (char& each : words)
    if (each < ' ' || each > '~') each = '?';
  return words;
}

std::string current_words() {
  try {
    throw;
  } catch (const std::exception& error) {
    return words_of(error.what());
  } catch (...) {
    return "something that is no exception of the standard library";
  }
}

}  // namespace

void note_current(std::string_view thread) noexcept {
  try {
    const std::string words = current_words();
    const std::uint64_t unsaid = rows().with([&](Rows& all) -> std::uint64_t {
      auto found = all.find(thread);
      if (found == all.end()) found = all.emplace(thread, Row()).first;
      Row& row = found->second;
      ++row.times;
      ++row.unsaid;
      row.words = words;
      const SteadyTime now = std::chrono::steady_clock::now();
      if (row.said && now - *row.said < kBetweenLines) return 0;
      row.said = now;
      return std::exchange(row.unsaid, 0);
    });
    if (unsaid == 0) return;
    log::error("fault", "thread {}: a piece of work failed and is lost: {} ({} times since this was last said); please report this", thread,
               words, unsaid);
  } catch (...) {
    // No memory for a line: going on is what matters.
    return;
  }
}

std::vector<Count> counts() {
  return rows().with([](const Rows& all) {
    std::vector<Count> given;
    for (const auto& [thread, row] : all) given.push_back({thread, row.times, row.words});
    return given;
  });
}

}  // namespace kanhu::faults
