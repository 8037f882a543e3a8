// SPDX-License-Identifier: MIT
#include "pipelines/relay/task.hpp"

#include "base/digest.hpp"
#include "pipelines/relay/message.hpp"
#include "pipelines/relay/observation_json.hpp"

namespace kanhu::relay {

Json pack(const Task& task) { return {{"is", "task"}, {"body", task.body}}; }
Json pack(const TaskMoved& moved) { return {{"is", "task_moved"}, {"steps", moved.steps}}; }
Json pack(const TaskPart& part) {
  return {{"is", "task_part"},
          {"total", part.total},
          {"offset", part.offset},
          {"bytes", to_base64({reinterpret_cast<const std::uint8_t*>(part.bytes.data()), part.bytes.size()})}};
}
Json pack(const TaskFailed& failed) {
  return {{"is", "task_failed"}, {"kind", static_cast<int>(failed.why.kind)}, {"message", failed.why.message}};
}

Task task_from(const Json& json) { return {json.at("body").get<std::string>()}; }

TaskPart task_part_from(const Json& json) {
  TaskPart part{json.at("total").get<std::uint64_t>(), json.at("offset").get<std::uint64_t>(), {}};
  const auto bytes = from_base64(json.at("bytes").get_ref<const std::string&>());
  if (!bytes || bytes->empty() || bytes->size() > kMostPartBytes) throw std::out_of_range("an answer's part");
  part.bytes.assign(bytes->begin(), bytes->end());
  return part;
}

TaskFailed task_failed_from(const Json& json) {
  return {{enum_from<ErrorKind>(json.at("kind"), kErrorKinds), json.at("message").get<std::string>()}};
}

}  // namespace kanhu::relay
