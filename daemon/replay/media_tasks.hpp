// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "daemon/replay/media_json.hpp"
#include "pipelines/relay/message.hpp"

namespace kanhu {

// What a worker does for commands (daemon/replay/media_worker.hpp): foreign files and addresses are looked at here, and nowhere else.
// Thread: begin and the destructor from the worker's control thread, which wait for the task before; the task itself, and `send`, on the
// thread `task`.
class MediaTasks {
 public:
  using Send = std::function<void(const relay::Message&)>;
  MediaTasks(std::vector<std::string> models_path, Send send);
  ~MediaTasks();

  void begin(relay::Task task);

 private:
  void run(const relay::Task& task);
  Result<std::string> answer(const Json& task);
  Result<std::string> enrol(const EnrolTask& task);

  const std::vector<std::string> models_path_;
  const Send send_;
  std::optional<Enrolment> enrolment_;  // as the last task wanted it
  DetectorConfig detector_;
  double inter_pupil_px_ = 0;
  std::uint64_t steps_ = 0;
  std::thread thread_;
};

}  // namespace kanhu
