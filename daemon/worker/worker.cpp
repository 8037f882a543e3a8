// SPDX-License-Identifier: MIT
#include "daemon/worker/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file_io.hpp"
#include "base/log.hpp"
#include "base/no_dump.hpp"
#include "base/thread_name.hpp"
#include "daemon/build_info.hpp"
#include "daemon/replay/media_tasks.hpp"
#include "daemon/sensors/sensor_sources.hpp"
#include "daemon/worker/camera_session.hpp"
#include "daemon/worker/sandbox.hpp"
#include "daemon/worker/snapshots.hpp"
#include "daemon/worker/syscall_filter.hpp"
#include "daemon/worker/work_watch.hpp"
#include "models/faces/embedder.hpp"
#include "models/process.hpp"
#include "models/registry.hpp"

namespace kanhu {
namespace {

// A worker whose gateway has gone must not keep cameras and files for itself.
constexpr unsigned kTeardownDeadlineSeconds = 8;
constexpr auto kLongestMessage = std::chrono::milliseconds(2500);  // of a sensor, to be looked at
std::atomic<relay::Channel*> log_channel{nullptr};

void log_to_gateway(log::Level level, std::string_view area, std::string_view text) {
  if (relay::Channel* channel = log_channel.load()) {
    (void)channel->try_send(relay::LogLine{static_cast<int>(level), std::string(area), std::string(text.substr(0, 4096))});
  }
}

bool has_hung_up(int descriptor) {
  pollfd look{descriptor, 0, 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

class ChannelSink final : public ObservationSink {
 public:
  explicit ChannelSink(relay::Channel& channel) : channel_(channel) {}
  void observe(Observation observation) override { (void)channel_.send(relay::Observed{std::move(observation)}); }

 private:
  relay::Channel& channel_;
};

// Everything a worker owns, in dependency order. Thread: control, but for `send_stats` on its own thread and `pictures_`.
class Worker {
 public:
  Worker(relay::Channel& channel, const relay::Setup& setup, bool own_process)
      : channel_(channel),
        setup_(setup),
        own_process_(own_process),
        files_(make_posix_file_io()),
        sink_(channel),
        scheduler_(
            setup.analysis_threads, setup.replay, [this](const DetectorConfig& config) { return make_detector(config); }, clock_,
            [this] { return models::make_face_embedder(models::default_face_embedder(), setup_.models_path); }),
        tasks_(setup.models_path, [this](const relay::Message& message) { (void)channel_.send(message); }),
        sensors_(
            sink_, [this](const relay::Message& message) { (void)channel_.send(message); }, setup.models_path, clock_) {
    if (!setup.replay) {
      recorder_.emplace(*files_, setup.clips_dir, [this](ClipRecord record) { (void)channel_.send(relay::ClipDone{std::move(record)}); });
    }
    if (!setup.replay) {
      pictures_.emplace(
          *files_, setup.clips_dir, clock_, [this](const std::string& camera) { return shown_of(camera); },
          [this](const relay::Message& message) { (void)channel_.send(message); });
    }
    stats_thread_ = std::thread([this] { send_stats(); });
  }

  ~Worker() {
    {
      std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    stop_changed_.notify_all();
    stats_thread_.join();
    pictures_.reset();
    for (const auto& [id, camera] : cameras_) camera->begin_stop();
    cameras_.clear();
    recorder_.reset();
  }

  void handle(const relay::Message& message) {
    obey(message);
    ++handled_;
  }
  // A message that could not be read.
  void left_out() { ++handled_; }

 private:
  void obey(const relay::Message& message) {
    std::visit(
        Overloaded{
            [&](const relay::Assign& assign) { take(assign); },
            [&](const relay::Open& open) {
              if (CameraSession* camera = find(open.camera)) camera->open(open.role);
            },
            [&](const relay::Release& release) { let_go(release); },
            [&](const relay::AskClip& ask) {
              if (CameraSession* camera = find(ask.request.source)) camera->request_clip(ask.request);
            },
            [&](const relay::AskPicture& ask) {
              if (pictures_) pictures_->ask(ask);
            },
            [&](const relay::Task& task) { tasks_.begin(task); },
            [&](const OneOf<relay::BrokerState, relay::SensorMessage, relay::SensorsRound> auto& of_sensors) { sensors_.take(of_sensors); },
            // The settings have come before; the end is the loop's.
            [](const OneOf<relay::Hello, relay::Setup, relay::Drain> auto&) {},
            [](const relay::OnlyToGateway auto&) {},
        },
        message);
  }

  // A sensor hangs on a broker and not on a stream.
  void take(const relay::Assign& assign) {
    if (assign.camera.sensor) return sensors_.take(assign);
    auto camera = std::make_unique<CameraSession>(assign, tools());
    std::unique_ptr<CameraSession> old;
    std::scoped_lock lock(mutex_);
    old = std::exchange(cameras_[assign.camera.id], std::move(camera));
  }

  void let_go(const relay::Release& release) {
    sensors_.take(release);
    std::unique_ptr<CameraSession> old;
    std::scoped_lock lock(mutex_);
    const auto found = cameras_.find(release.camera);
    if (found == cameras_.end()) return;
    old = std::move(found->second);
    cameras_.erase(found);
  }

  WorkerTools tools() {
    return {scheduler_,   recorder_ ? &*recorder_ : nullptr,
            *files_,      clock_,
            sink_,        [this](const relay::Message& message) { (void)channel_.send(message); },
            setup_.replay};
  }

  CameraSession* find(const std::string& camera) {
    std::scoped_lock lock(mutex_);
    auto found = cameras_.find(camera);
    return found == cameras_.end() ? nullptr : found->second.get();
  }

  // Thread: picture.
  Snapshots::Camera shown_of(const std::string& camera) {
    std::scoped_lock lock(mutex_);
    const auto found = cameras_.find(camera);
    if (found == cameras_.end()) return {};
    return {found->second->latest_picture(), found->second->analysed_role(), found->second->shows_warmth(), found->second->is_private()};
  }

  // Thread: analyze/N.
  Result<std::unique_ptr<models::Detector>> make_detector(const DetectorConfig& config) {
    auto choice = models::choose_detector(config, setup_.models_path);
    if (!choice) return tl::make_unexpected(choice.error());
    {
      std::scoped_lock lock(mutex_);
      choices_[config.name] = *choice;
    }
    return models::make_detector(*choice, config);
  }

  void send_stats() {
    name_this_thread("stats");
    std::uint64_t progress = 0;
    bool alarmed = false;
    WorkWatch work;
    ClosingWatch sessions;
    std::unique_lock lock(mutex_);
    while (!stop_changed_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_; })) {
      // The control thread may hang in a file that has no end, and would not see that nobody waits for it any more.
      if (own_process_ && !alarmed && (alarmed = has_hung_up(channel_.descriptor()))) ::alarm(kTeardownDeadlineSeconds);
      // One picture that is never done with hides behind the others' progress: then no progress is told.
      relay::WorkerReport beat;
      const bool stuck = work.look(scheduler_.at_work(), clock_.mono(), beat.at_work) || sensors_.longest_at_work() > kLongestMessage;
      const auto closing = ingest::closing_in_background();
      sessions.look(closing, sessions.hangs(closing) ? processor_times_of_threads() : std::map<int, std::chrono::nanoseconds>{},
                    clock_.mono(), beat.at_work);
      if (!stuck) progress = scheduler_.progress();
      beat.progress = progress;
      beat.idle = !stuck && scheduler_.idle();
      beat.handled = handled_;
      (void)channel_.try_send(std::move(beat));
      for (const auto& [id, camera] : cameras_) {
        relay::CameraReport stats = camera->stats();
        const std::string& name = camera->detector_name();
        if (auto found = choices_.find(name); found != choices_.end()) {
          stats.detector = found->second.name;
          stats.detector_notice = found->second.notice;
        }
        (void)channel_.try_send(std::move(stats));
      }
    }
  }

  relay::Channel& channel_;
  const relay::Setup setup_;
  const bool own_process_;
  SystemClock clock_;
  std::unique_ptr<FileIo> files_;
  ChannelSink sink_;
  analyze::Scheduler scheduler_;
  std::optional<record::Recorder> recorder_;
  std::optional<Snapshots> pictures_;
  MediaTasks tasks_;
  SensorSources sensors_;
  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> handled_{0};
  std::map<std::string, std::unique_ptr<CameraSession>> cameras_;
  std::map<std::string, models::DetectorChoice> choices_;  // by configured name
  std::thread stats_thread_;
};

Result<relay::Setup> shake_hands(relay::Channel& channel) {
  if (auto sent = channel.send(relay::Hello{relay::kSchema, build_name()}); !sent) return tl::make_unexpected(sent.error());
  auto hello = channel.receive();
  if (!hello) return tl::make_unexpected(hello.error());
  const auto* theirs = std::get_if<relay::Hello>(&*hello);
  if (!theirs || theirs->schema != relay::kSchema || theirs->build != build_name()) {
    return fail(ErrorKind::kInvalidArgument, "the gateway is another build: restart it");
  }
  auto setup = channel.receive();
  if (!setup) return tl::make_unexpected(setup.error());
  if (const auto* found = std::get_if<relay::Setup>(&*setup)) return *found;
  return fail(ErrorKind::kCorrupt, "the gateway did not send its settings");
}

// Before GStreamer and its plugins: a thread that a library starts is in the sandbox only if it is started from inside.
void confine(const relay::Setup& setup) {
  const int outside = threads_of_this_process() - 1;
  const auto entered = enter_sandbox(allowed_to_worker(setup));
  // That there is no Landlock the gateway says, once.
  if (!entered && entered.error().kind != ErrorKind::kUnsupported) log::error("worker", "not confined: {}", entered.error().message);
  if (const auto refused = refuse_system_calls(); !refused) log::error("worker", "not confined: {}", refused.error().message);
  if (outside > 0)
    log::error("worker",
               "not confined: {} threads were started before the sandbox, by a library that is loaded with the program (LD_PRELOAD?); who "
               "takes over this worker can reach what the gateway's user can",
               outside);
}

}  // namespace

int run_worker(std::unique_ptr<relay::Channel> channel, bool own_process) {
  auto setup = shake_hands(*channel);
  if (!setup) {
    log::error("worker", "{}", setup.error().message);
    return EX_PROTOCOL;
  }
  // The gateway has opened what it watches this process by before it spoke. Passwords come from now on.
  if (own_process) forbid_dumps();
  if (own_process) {
    log_channel = channel.get();
    log::set_sink(log_to_gateway);
  }
  if (own_process) confine(*setup);
  if (auto ready = ingest::init_gstreamer(); !ready) {
    log::error("worker", "{}", ready.error().message);
    return EX_UNAVAILABLE;
  }
  models::prepare_process();
  {
    Worker worker(*channel, *setup, own_process);
    for (;;) {
      auto message = channel->receive();
      if (!message && message.error().kind == ErrorKind::kCorrupt) {
        log::error("worker", "{}", message.error().message);
        worker.left_out();
        continue;
      }
      if (!message || std::holds_alternative<relay::Drain>(*message)) break;
      worker.handle(*message);
    }
    // When the teardown hangs, nothing it still holds is worth keeping cameras and files locked for.
    if (own_process) ::alarm(kTeardownDeadlineSeconds);
  }
  log_channel = nullptr;
  return EX_OK;
}

}  // namespace kanhu
