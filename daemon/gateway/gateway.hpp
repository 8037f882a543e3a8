// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "base/file_io.hpp"
#include "base/guarded.hpp"
#include "daemon/admin/access_reload.hpp"
#include "daemon/admin/config_reload.hpp"
#include "daemon/admin/gallery_reload.hpp"
#include "daemon/gateway/data_folder.hpp"
#include "daemon/gateway/fault_teller.hpp"
#include "daemon/gateway/rules_thread.hpp"
#include "daemon/http/metrics_server.hpp"
#include "daemon/query/camera_stats.hpp"
#include "daemon/query/infrared_state.hpp"
#include "daemon/query/missing_clips.hpp"
#include "daemon/query/query_service.hpp"
#include "daemon/sensors/sensors.hpp"
#include "daemon/supervise/assignments.hpp"
#include "daemon/supervise/workers.hpp"
#include "evidence/ledger.hpp"
#include "pipelines/journal/journal.hpp"
#include "pipelines/publish/access/admission.hpp"
#include "pipelines/publish/publisher.hpp"
#include "pipelines/publish/query_server.hpp"
#include "pipelines/record/housekeeping.hpp"

namespace kanhu {

// The gateway process: everything behind the workers, as a list of members in dependency order, so that the order of
// destruction is the order of shutdown. It parses no media, and no sensors' messages (daemon/sensors/sensors.hpp).
// Thread: open and run on the main thread, which becomes `control`.
class Gateway final : public rules::RulesSink {
 public:
  // Opens folder, journal and sockets, ends what a crash left open, starts the workers. `config_path` is read again on SIGHUP.
  // SIGTERM, SIGINT and SIGHUP must be blocked in the whole process before this.
  static Result<std::unique_ptr<Gateway>> open(const ConfigPtr& config, const std::string& config_path);
  ~Gateway() override;

  // Until SIGTERM or SIGINT; the first drains to a deadline, a second ends the process. Exit code.
  int run();

 private:
  Gateway(const ConfigPtr& config, std::string config_path, DataFolder folder, std::unique_ptr<FileIo> files);
  Result<void> open_gate();
  Result<void> open_publishing();
  void restore_incidents();
  void open_evidence();  // the ledgers
  void open_watches();   // of galleries and clips
  void open_queries();
  Result<void> open_workers();
  Result<void> open_sockets();
  void open_sensors(const ConfigPtr& config);
  void open_reload();

  // rules::RulesSink, on the rules thread:
  void emit(EventDraft draft) override;
  void request_clip(ClipRequest request) override;
  void keep_series(rules::ThermalSeries series) override;

  void on_worker_message(std::size_t worker, relay::Message message);
  void on_worker_gone(const Assignments::WorkerGone& gone, const std::vector<std::string>& cameras);
  void tell_lost(const std::string& cause, const std::vector<std::string>& sources);
  Workers::Options worker_options(const Config& config) const;
  std::vector<Workers::View> worker_views() const;
  void on_clip(ClipRecord record);
  void each_second(rules::Rules& rules);
  void look_after_service(MonoTime now);
  void look_after_galleries(MonoTime now);
  void look_after_access(MonoTime now);
  void look_after_faults(MonoTime now);
  void shut_down();
  void note(EventDraft draft);
  // Whether everything was on disk that was accepted while `say` ran, and shortly after. Not on the rules thread.
  bool journalled(const std::function<void()>& say);

  journal::JournalHead head() const;
  ConfigPtr config() const {
    return config_.with([](const ConfigPtr& value) { return value; });
  }
  Result<Json> state();
  Json info();
  std::string clip_of(const std::string& subject);  // empty: none that is known of
  bool is_ready() const;

  const std::string config_path_;
  const std::string run_;  // of this gateway, for gateway.started and .stopped
  const std::string subject_;
  SystemClock clock_;
  const WallTime started_wall_;
  const MonoTime started_;
  std::unique_ptr<FileIo> files_;
  DataFolder folder_;
  Guarded<ConfigPtr> config_;
  Guarded<rules::Provenance> provenance_;
  Guarded<std::map<std::string, std::string>> gallery_digests_;  // in force, by facility
  CameraStats camera_stats_;
  InfraredState thermal_;
  Guarded<std::map<std::string, ClipRequest>> pending_clips_;
  MissingClips missing_clips_;
  std::atomic<int> cameras_up_{0};
  std::atomic<int> cameras_enabled_{0};
  mutable std::mutex head_mutex_;
  std::function<Json()> rules_snapshot_;      // of the rules thread
  journal::JournalHead last_head_;            // once the journal is closed; under head_mutex_
  std::unique_ptr<publish::Admission> gate_;  // nullptr: the sockets ask for no key. Before those that stand behind it
  std::unique_ptr<publish::Publisher> publisher_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<EvidenceLedger> ledger_;
  std::unique_ptr<EvidenceLedger> series_;
  std::unique_ptr<RulesThread> rules_;
  std::unique_ptr<GalleryWatch> galleries_;
  std::unique_ptr<AccessWatch> access_;
  std::unique_ptr<ClipHousekeeping> housekeeping_;
  std::unique_ptr<QueryService> queries_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Assignments> cameras_;
  std::unique_ptr<Sensors> sensors_;
  std::atomic<const Sensors*> sensors_shown_{nullptr};  // to those who answer, who are there before it
  std::unique_ptr<ConfigReload> config_reload_;
  std::unique_ptr<MetricsServer> metrics_;

  MonoTime galleries_looked_{}, access_looked_{};
  FaultTeller faults_told_;       // of the control thread
  std::uint64_t rules_seen_ = 0;  // progress when the watchdog was last fed
  MonoTime fed_{};
  MonoTime status_said_{};
};

}  // namespace kanhu
