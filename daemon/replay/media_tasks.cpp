// SPDX-License-Identifier: MIT
#include "daemon/replay/media_tasks.hpp"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/thread_name.hpp"
#include "pipelines/ingest/background.hpp"

namespace kanhu {
namespace {

constexpr std::chrono::seconds kGoodbyes{2};

}  // namespace

MediaTasks::MediaTasks(std::vector<std::string> models_path, Send send) : models_path_(std::move(models_path)), send_(std::move(send)) {}

MediaTasks::~MediaTasks() {
  if (thread_.joinable()) thread_.join();
}

void MediaTasks::begin(relay::Task task) {
  if (thread_.joinable()) thread_.join();
  thread_ = std::thread([this, held = std::move(task)] { run(held); });
}

void MediaTasks::run(const relay::Task& task) {
  name_this_thread("task");
  steps_ = 0;
  const auto made = [&]() -> Result<std::string> {
    try {
      const auto json = parse_json(task.body, relay::kMostTaskBytes, 32);
      if (!json) return tl::make_unexpected(json.error());
      return answer(*json);
    } catch (const std::exception& problem) {
      return fail(ErrorKind::kInternal, fmt::format("it cannot be looked at: {}", problem.what()));
    }
  }();
  if (!made) return send_(relay::TaskFailed{made.error()});
  for (std::size_t at = 0; at < made->size(); at += relay::kMostPartBytes)
    send_(relay::TaskPart{made->size(), at, made->substr(at, relay::kMostPartBytes)});
}

Result<std::string> MediaTasks::answer(const Json& task) {
  const auto what = task.at("do").get<std::string>();
  if (what == "probe") {
    const ProbeTask probe = probe_task_from(task);
    const auto report = ingest::probe(probe.stream, probe.credential, probe.patience);
    // The process ends with the answer; a camera that serves one viewer is to hear that this one has gone.
    (void)ingest::wait_for_background(kGoodbyes);
    return answer_of(report);
  }
  if (what == "enrol") return enrol(enrol_task_from(task));
  if (what == "picture") {
    const auto picture = models::read_picture(picture_task_from(task).path);
    if (!picture) return tl::make_unexpected(picture.error());
    return answer_of(*picture);
  }
  return fail(ErrorKind::kInvalidArgument, "a worker knows no such task");
}

Result<std::string> MediaTasks::enrol(const EnrolTask& task) {
  if (!enrolment_ || !(detector_ == task.detector) || inter_pupil_px_ != task.inter_pupil_px) {
    EnrolmentBounds bounds;
    bounds.inter_pupil_px = task.inter_pupil_px;
    auto made = Enrolment::make(task.detector, models_path_, bounds);
    if (!made) return tl::make_unexpected(made.error());
    enrolment_.emplace(std::move(*made));
    detector_ = task.detector;
    inter_pupil_px_ = task.inter_pupil_px;
  }
  if (!task.is_clip) return answer_of(enrolment_->from_picture(task.path, task.name));
  const auto shots = enrolment_->from_clip(task.path, [this] { send_(relay::TaskMoved{++steps_}); });
  if (!shots) return tl::make_unexpected(shots.error());
  return answer_of(*shots);
}

}  // namespace kanhu
