// SPDX-License-Identifier: MIT
// A thread that works for others outlives an exception: it costs the piece of work that threw, not the process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kanhu::faults {

// What happened on one thread since the process started.
struct Count {
  std::string thread;
  std::uint64_t times = 0;
  std::string words;  // of the last one, at most 200 bytes, without secrets
};

// The exception being handled, counted for `thread` (the name in docs/threads.md) and logged: at most one line a thread in ten
// seconds, with how often it happened meanwhile. Call inside a catch clause. Thread: any.
void note_current(std::string_view thread) noexcept;

// Sorted by thread; empty as long as nothing was thrown. Thread: any.
std::vector<Count> counts();

// Does one piece of a thread's work; false when it threw, which is then noted. What `work` changes before it throws stays changed: a
// piece is to be one message, one request, one camera. Thread: any.
template <typename Work>
bool contained(std::string_view thread, Work&& work) noexcept {
  try {
    std::forward<Work>(work)();
    return true;
  } catch (...) {
    note_current(thread);
    return false;
  }
}

}  // namespace kanhu::faults
