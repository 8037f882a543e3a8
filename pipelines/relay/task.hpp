// SPDX-License-Identifier: MIT
// Work for a command instead of cameras: a foreign file or address is looked at in a worker, and the command gets what came out.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"

namespace kanhu::relay {

// Down. What to look at, as JSON text that daemon/replay/media_tasks.hpp makes and reads; one at a time. May hold a camera's password.
struct Task {
  std::string body;
};
inline constexpr std::size_t kMostTaskBytes = 24 * 1024;

// Up. Something more came out of the file; who waits longer than its limit for the next one ends the worker.
struct TaskMoved {
  std::uint64_t steps = 0;  // since the task began
};
// An answer is longer than a message: it comes in parts, in order, each with the length of the whole.
struct TaskPart {
  std::uint64_t total = 0, offset = 0;
  std::string bytes;  // 1 to kMostPartBytes
};
struct TaskFailed {
  Error why;
};

Json pack(const Task& task);
Json pack(const TaskMoved& moved);
Json pack(const TaskPart& part);
Json pack(const TaskFailed& failed);

// These throw nlohmann::json exceptions or std::out_of_range; `decode` turns them into kCorrupt.
Task task_from(const Json& json);
TaskPart task_part_from(const Json& json);
TaskFailed task_failed_from(const Json& json);

}  // namespace kanhu::relay
