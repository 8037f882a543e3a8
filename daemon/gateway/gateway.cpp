// SPDX-License-Identifier: MIT
#include "daemon/gateway/gateway.hpp"

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/fault.hpp"
#include "base/log.hpp"
#include "daemon/admin/here.hpp"
#include "daemon/build_info.hpp"
#include "daemon/gateway/durable.hpp"
#include "daemon/gateway/service_manager.hpp"
#include "daemon/provenance.hpp"
#include "daemon/worker/sandbox.hpp"
#include "models/registry.hpp"
#include "pipelines/rules/gateway_events.hpp"

namespace kanhu {
namespace {

constexpr auto kDrainDeadline = std::chrono::seconds(10);
constexpr auto kTurn = std::chrono::milliseconds(50);

// 0 when none waits.
int take_signal() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, signal);
  const timespec now{0, 0};
  const int signal = ::sigtimedwait(&wanted, nullptr, &now);
  return signal > 0 ? signal : 0;
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::open(const ConfigPtr& config, const std::string& config_path) {
  auto files = make_posix_file_io();
  auto folder = DataFolder::open(*files, config->gateway.data_dir);
  if (!folder) return tl::make_unexpected(folder.error());
  std::unique_ptr<Gateway> gateway(new Gateway(config, config_path, std::move(*folder), std::move(files)));
  if (auto opened = gateway->open_gate(); !opened) return tl::make_unexpected(opened.error());
  if (auto opened = gateway->open_publishing(); !opened) return tl::make_unexpected(opened.error());
  gateway->restore_incidents();
  gateway->open_queries();
  if (auto opened = gateway->open_workers(); !opened) return tl::make_unexpected(opened.error());
  if (auto opened = gateway->open_sockets(); !opened) return tl::make_unexpected(opened.error());
  if (auto begun = gateway->cameras_->begin(*config); !begun) return tl::make_unexpected(begun.error());
  gateway->open_sensors(config);
  gateway->open_reload();
  return gateway;
}

Gateway::Gateway(const ConfigPtr& config, std::string config_path, DataFolder folder, std::unique_ptr<FileIo> files)
    : config_path_(std::move(config_path)),
      run_(random_id()),
      subject_(rules::gateway_subject(config->gateway.id, run_)),
      started_wall_(clock_.wall()),
      started_(clock_.mono()),
      files_(std::move(files)),
      folder_(std::move(folder)),
      config_(config),
      provenance_(provenance_of(*config)),
      cameras_enabled_(enabled_cameras(*config)) {
  thermal_.use(*config);
}

Gateway::~Gateway() { shut_down(); }

// Journal before publish: the publisher asks the journal for its heads, the journal hands out to the publisher.
Result<void> Gateway::open_publishing() {
  const ConfigPtr config = this->config();
  auto publisher = publish::Publisher::open(
      config->publish, clock_, [this] { return head(); },
      [this] {
        return Json{{"cameras_up", cameras_up_.load()}, {"cameras", cameras_enabled_.load()}, {"config", this->config()->digest}};
      },
      gate_.get());
  if (!publisher) return tl::make_unexpected(publisher.error());
  publisher_ = std::move(*publisher);

  auto body = [this, id = config->gateway.id](const EventDraft& draft, const EventId& number) {
    rules::Provenance provenance = provenance_.with([](const auto& value) { return value; });
    provenance.gallery = gallery_digests_.with([&](const auto& digests) {
      const auto found = digests.find(draft.facility);
      return found == digests.end() ? std::string() : found->second;
    });
    return rules::event_body(draft, number, id, provenance);
  };
  // Asked on the rules thread only: every event is accepted there.
  auto snapshot = [this] { return rules_snapshot_ ? rules_snapshot_() : Json::object(); };
  auto journal = journal::Journal::open(*files_, clock_, folder_.journal(), config->journal, body, snapshot,
                                        [this](journal::Committed committed) { publisher_->publish(std::move(committed)); });
  if (!journal) return tl::make_unexpected(journal.error());
  std::scoped_lock lock(head_mutex_);
  journal_ = std::move(*journal);
  journal_->declare_streams(facility_ids(*config));
  return {};
}

// What a crash left open ends now; what it left half written is looked at on the keeper's thread.
void Gateway::restore_incidents() {
  const ConfigPtr config = this->config();
  const journal::Recovery& recovery = journal_->recovery();
  if (recovery.torn_bytes > 0)
    log::warning("journal", "cut {} torn bytes from the end: the last write had not finished", recovery.torn_bytes);

  open_evidence();
  rules_ = std::make_unique<RulesThread>(
      config, *this, clock_, [this](rules::Rules& rules) { each_second(rules); },
      [this](identify::LedgerEntry entry) {
        ledger_->record({std::move(entry.digest), std::move(entry.entry)});
      },
      [this](const Observation& observation) { thermal_.observe(observation, clock_.mono()); });
  open_watches();
  rules_->post([this, open = recovery.open_incidents, clips = recovery.clips](rules::Rules& rules) {
    rules_snapshot_ = [&rules] { return rules.snapshot(); };
    rules.restore(open, clock_.wall());
    rules.restore(clips, clock_.wall());
    for (ClipRequest& request : rules.pending_clips()) housekeeping_->settle(std::move(request));
  });
  note(rules::gateway_started(subject_, started_wall_, static_cast<int>(config->facilities.size()), enabled_cameras(*config)));
  for (const std::string& damage : recovery.damaged) {
    log::error("journal", "damaged, set aside: {}", damage);
    note(rules::gateway_journal_damaged(config->gateway.id, clock_.wall(), damage, "checksum or chain does not fit"));
  }
  if (const auto& rewound = recovery.rewound)
    note(rules::gateway_journal_rewound(config->gateway.id, clock_.wall(), {rewound->epoch, rewound->seq, 0},
                                        {rewound->found_epoch, rewound->found_seq, 0}));
}

Result<void> Gateway::open_workers() {
  const ConfigPtr config = this->config();
  if (config->gateway.sources_per_worker == 0) {
    log::info("gateway", "sources_per_worker is 0: cameras run in this process, without a process and a sandbox of their own");
  } else if (landlock_version() == 0) {
    log::warning("gateway", "this kernel has no Landlock: a worker that is taken over reaches all files of this service's user");
  }
  workers_ = std::make_unique<Workers>(
      worker_options(*config),
      Workers::Upcalls{[this](std::size_t worker, relay::Message message) {
                         faults::contained("relay", [&] { on_worker_message(worker, std::move(message)); });
                       },
                       [this](std::size_t worker, const std::string& cause) {
                         faults::contained("relay", [&] { cameras_->tell(Assignments::WorkerGone{worker, cause}); });
                       }},
      clock_);
  cameras_ = std::make_unique<Assignments>(
      *workers_, clock_, config->gateway.sources_per_worker,
      Assignments::Upcalls{
          // What is on disk says what became of it, after the worker that wrote it.
          [this](const ClipRequest& request) { housekeeping_->settle(request); },
          [this](const Assignments::WorkerGone& gone, const std::vector<std::string>& cameras) { on_worker_gone(gone, cameras); },
          [this](const relay::AskPicture& ask, const Error& why) { queries_->pictures().fail(ask.id, why); },
          [this](const std::string& camera, const std::string& words) {
            rules_->post([this, camera, words](rules::Rules& rules) { rules.quarantined(camera, clock_.wall(), words); });
          }});
  return {};
}

void Gateway::open_reload() {
  config_reload_ = std::make_unique<ConfigReload>(
      config_path_,
      ConfigReload::Parts{config_, provenance_, cameras_enabled_, camera_stats_, thermal_, *journal_, *rules_, *cameras_, *sensors_},
      [this](EventDraft draft) { note(std::move(draft)); }, clock_);
}

int Gateway::run() {
  log::info("gateway", "{} runs; live {}, query {}", build_name(), publisher_->live_endpoint(), queries_->endpoint());
  service::ready("starting");
  for (;;) {
    const int signal = take_signal();
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP) faults::contained("control", [&] { config_reload_->reload(); });
    // A turn that throws at once must not become a loop that never rests.
    if (!faults::contained("control", [&] { cameras_->turn(kTurn); })) std::this_thread::sleep_for(kTurn);
    faults::contained("control", [&] { sensors_->turn(); });
    for (const auto look_after :
         {&Gateway::look_after_galleries, &Gateway::look_after_access, &Gateway::look_after_service, &Gateway::look_after_faults})
      faults::contained("control", [&] { (this->*look_after)(clock_.mono()); });
  }
  log::info("gateway", "draining");
  service::stopping();
  // A second signal ends the process at once.
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  shut_down();
  return EX_OK;
}

// The order of the members, from the cameras to the socket: nothing that was seen is lost on the way out.
void Gateway::shut_down() {
  metrics_.reset();
  if (queries_) queries_->stop_listening();
  sensors_.reset();
  if (cameras_) cameras_->stop_listening();
  if (workers_) workers_->stop(kDrainDeadline);
  queries_.reset();            // who still waits is told
  if (rules_) rules_->wait();  // what is queued may still give the keeper work
  housekeeping_.reset();
  if (rules_) {
    rules_->post([this](rules::Rules& rules) { rules.finish(clock_.wall(), "gateway_stopped"); });
    note(rules::gateway_stopped(subject_, started_wall_, clock_.wall(), "gateway_stopped"));
    rules_.reset();
  }
  ledger_.reset();
  series_.reset();
  cameras_.reset();
  workers_.reset();
  if (journal_) {
    journal_->flush();
    std::scoped_lock lock(head_mutex_);
    last_head_ = journal_->head();
    journal_.reset();
  }
  publisher_.reset();
  access_.reset();
  gate_.reset();
}

void Gateway::emit(EventDraft draft) { journal_->accept(std::move(draft)); }

void Gateway::request_clip(ClipRequest request) {
  pending_clips_.with([&](auto& pending) { pending[request.clip] = request; });
  cameras_->tell(std::move(request));
}

void Gateway::note(EventDraft draft) {
  rules_->post([this, draft = std::move(draft)](rules::Rules& rules) {
    rules.note(draft);
    emit(draft);
  });
}

bool Gateway::journalled(const std::function<void()>& say) {
  return kanhu::journalled(*journal_, [&] {
    say();
    rules_->wait();
  });
}

void Gateway::on_clip(ClipRecord record) {
  missing_clips_.note(record);
  pending_clips_.with([&](auto& pending) { pending.erase(record.clip); });
  rules_->post([this, record = std::move(record)](rules::Rules& rules) { rules.clip(record, clock_.wall()); });
}

void Gateway::on_worker_message(std::size_t worker, relay::Message message) {
  std::visit(
      Overloaded{
          [&](relay::Observed& observed) { rules_->observe(std::move(observed.observation)); },
          [&](relay::CameraReport& report) { camera_stats_.update(report, clock_.mono()); },
          [&](relay::ClipDone& clip) { on_clip(std::move(clip.record)); },
          [&](relay::PicturePart& part) { queries_->pictures().part(part); },
          [&](relay::PictureFailed& failed) { queries_->pictures().fail(failed.id, std::move(failed.why)); },
          [&](relay::SourceConnected& connected) { cameras_->tell(std::move(connected)); },
          [&](relay::SourceUp& up) { cameras_->tell(std::move(up)); },
          [&](relay::SourceEnded& ended) { cameras_->tell(std::move(ended)); },
          [](relay::LogLine& line) { log::write(static_cast<log::Level>(std::clamp(line.level, 0, 3)), line.area, line.text); },
          // Workers takes its reports and greetings, Sensors its rounds, and no camera's worker is given a task.
          [&](OneOf<relay::Hello, relay::WorkerReport, relay::SensorsRound, relay::TaskMoved, relay::TaskPart, relay::TaskFailed> auto&) {
            log::error("gateway", "worker {} sent a message that is not for the gateway itself", worker);
          },
          [&](relay::OnlyToWorker auto&) { log::error("gateway", "worker {} sent a message that only a gateway sends", worker); },
      },
      message);
}

void Gateway::on_worker_gone(const Assignments::WorkerGone& gone, const std::vector<std::string>& cameras) {
  log::error("gateway", "worker {} {}: {} cameras are not analysed until it is back", gone.worker, gone.cause, cameras.size());
  queries_->pictures().lose(cameras, gone.cause);
  tell_lost(gone.cause, cameras);
  // Its clips end where it did.
  std::vector<ClipRequest> orphans;
  pending_clips_.with([&](auto& pending) {
    for (const auto& [clip, request] : pending) {
      if (std::find(cameras.begin(), cameras.end(), request.source) != cameras.end()) orphans.push_back(request);
    }
  });
  for (ClipRequest& request : orphans) housekeeping_->settle(std::move(request));
}

// On the rules thread.
void Gateway::each_second(rules::Rules& rules) {
  cameras_up_ = rules.cameras_up();
  // What the journal lost is an event of its own, once it can say so durably.
  for (const journal::Loss& loss : journal_->take_losses())
    emit(rules::gateway_events_lost(config()->gateway.id, clock_.wall(), loss.epoch, loss.from, loss.to, loss.count, loss.streams,
                                    loss.reason));
}

void Gateway::look_after_service(MonoTime now) {
  // Fed by progress, not by a timer: this thread turns, the rules think, and Workers::watch has just killed what spins.
  const auto interval = service::watchdog_interval();
  if (interval.count() > 0 && now - fed_ >= interval / 4 && rules_->progress() != rules_seen_) {
    rules_seen_ = rules_->progress();
    fed_ = now;
    service::feed_watchdog();
  }
  if (now - status_said_ >= std::chrono::seconds(2)) {
    status_said_ = now;
    service::status(fmt::format("{} of {} cameras up, {} events", cameras_up_.load(), cameras_enabled_.load(), journal_->head().seq));
  }
}

void Gateway::look_after_galleries(MonoTime now) {
  if (now - galleries_looked_ < std::chrono::seconds(1)) return;
  galleries_looked_ = now;
  galleries_->look(*config(), clock_.wall());
}

}  // namespace kanhu
