#include "daemon/worker.hpp"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <sysexits.h>
#include <unistd.h>

#include "base/file_io.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "daemon/build_info.hpp"
#include "daemon/camera_session.hpp"
#include "daemon/picture_maker.hpp"
#include "models/face_embedder.hpp"
#include "models/process.hpp"
#include "models/registry.hpp"

namespace kanhu {
namespace {

// A worker whose gateway has gone must not keep cameras and files for itself.
constexpr unsigned kTeardownDeadlineSeconds = 8;
// The slowest detector takes 0.1 s a picture, 2 s for its very first one on a busy machine.
constexpr auto kLongestPicture = std::chrono::milliseconds(2500);

std::atomic<relay::Channel*> log_channel{nullptr};

void log_to_gateway(log::Level level, std::string_view area, std::string_view text) {
  if (relay::Channel* channel = log_channel.load()) {
    (void)channel->try_send(relay::LogLine{static_cast<int>(level), std::string(area), std::string(text.substr(0, 4096))});
  }
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
  Worker(relay::Channel& channel, const relay::Setup& setup)
      : channel_(channel),
        setup_(setup),
        files_(make_posix_file_io()),
        sink_(channel),
        scheduler_(
            setup.analysis_threads, setup.replay, [this](const DetectorConfig& config) { return make_detector(config); }, clock_,
            [this] { return models::make_face_embedder(models::default_face_embedder(), setup_.models_path); }) {
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
    if (const auto* assign = std::get_if<relay::Assign>(&message)) {
      auto camera = std::make_unique<CameraSession>(*assign, tools());
      std::unique_ptr<CameraSession> old;
      std::scoped_lock lock(mutex_);
      old = std::exchange(cameras_[assign->camera.id], std::move(camera));
    } else if (const auto* open = std::get_if<relay::Open>(&message)) {
      if (CameraSession* camera = find(open->camera)) camera->open(open->role);
    } else if (const auto* release = std::get_if<relay::Release>(&message)) {
      std::unique_ptr<CameraSession> old;
      {
        std::scoped_lock lock(mutex_);
        if (auto found = cameras_.find(release->camera); found != cameras_.end()) {
          old = std::move(found->second);
          cameras_.erase(found);
        }
      }
    } else if (const auto* ask = std::get_if<relay::AskClip>(&message)) {
      if (CameraSession* camera = find(ask->request.source)) camera->request_clip(ask->request);
    } else if (const auto* wanted = std::get_if<relay::AskPicture>(&message)) {
      if (pictures_) pictures_->ask(*wanted);
    }
  }

 private:
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
  PictureMaker::Camera shown_of(const std::string& camera) {
    std::scoped_lock lock(mutex_);
    const auto found = cameras_.find(camera);
    if (found == cameras_.end()) return {};
    return {found->second->latest_picture(), found->second->analysed_role(), found->second->shows_warmth()};
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
    std::unique_lock lock(mutex_);
    while (!stop_changed_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_; })) {
      // One picture that is never done with hides behind the others' progress: then no progress is told.
      const bool stuck = scheduler_.longest_at_work() > kLongestPicture;
      if (!stuck) progress = scheduler_.progress();
      (void)channel_.try_send(relay::WorkerStats{progress, !stuck && scheduler_.idle()});
      for (const auto& [id, camera] : cameras_) {
        relay::CameraStats stats = camera->stats();
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
  SystemClock clock_;
  std::unique_ptr<FileIo> files_;
  ChannelSink sink_;
  analyze::Scheduler scheduler_;
  std::optional<record::Recorder> recorder_;
  std::optional<PictureMaker> pictures_;
  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stopping_ = false;
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

}  // namespace

int run_worker(std::unique_ptr<relay::Channel> channel, bool own_process) {
  auto setup = shake_hands(*channel);
  if (!setup) {
    log::error("worker", "{}", setup.error().message);
    return EX_PROTOCOL;
  }
  if (own_process) {
    log_channel = channel.get();
    log::set_sink(log_to_gateway);
  }
  if (auto ready = ingest::init_gstreamer(); !ready) {
    log::error("worker", "{}", ready.error().message);
    return EX_UNAVAILABLE;
  }
  models::prepare_process();
  {
    Worker worker(*channel, *setup);
    for (;;) {
      auto message = channel->receive();
      if (!message && message.error().kind == ErrorKind::kCorrupt) {
        log::error("worker", "{}", message.error().message);
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
