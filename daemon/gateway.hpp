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
#include "daemon/access_watch.hpp"
#include "daemon/camera_board.hpp"
#include "daemon/camera_control.hpp"
#include "daemon/clip_answer.hpp"
#include "daemon/clip_keeper.hpp"
#include "daemon/data_folder.hpp"
#include "daemon/evidence_ledger.hpp"
#include "daemon/fetch_answer.hpp"
#include "daemon/gallery_watch.hpp"
#include "daemon/metrics.hpp"
#include "daemon/picture_answer.hpp"
#include "daemon/rules_thread.hpp"
#include "daemon/sensor_desk.hpp"
#include "daemon/thermal_board.hpp"
#include "daemon/workers.hpp"
#include "pipelines/publish/gate.hpp"
#include "pipelines/publish/journal.hpp"
#include "pipelines/publish/publisher.hpp"

namespace kanhu {

// The gateway process: everything behind the workers, as a list of members in dependency order, so that the order of
// destruction is the order of shutdown. It parses no media; of sensors it reads small messages (daemon/sensor_desk.hpp).
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
  void open_pictures();  // clips and the journal, for who asks
  Result<void> open_workers();
  Result<void> open_sockets();
  void open_sensors(const ConfigPtr& config);

  // rules::RulesSink, on the rules thread:
  void emit(EventDraft draft) override;
  void request_clip(ClipRequest request) override;
  void keep_series(rules::ThermalSeries series) override;

  void on_worker_message(std::size_t worker, relay::Message message);
  void on_worker_gone(const CameraControl::WorkerGone& gone, const std::vector<std::string>& cameras);
  void on_clip(ClipRecord record);
  void each_second(rules::Rules& rules);
  void look_after_service(MonoTime now);
  void look_after_galleries(MonoTime now);
  void look_after_access(MonoTime now);
  void reload();
  void shut_down();
  void note(EventDraft draft);
  // Whether everything was on disk that was accepted while `say` ran, and shortly after. Not on the rules thread.
  bool journalled(const std::function<void()>& say);

  publish::JournalHead head() const;
  Json state_answer(const publish::Rights& rights);
  Json info_answer();
  Result<Json> look_answer(const Json& request, const publish::Rights& rights);
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
  CameraBoard board_;
  ThermalBoard thermal_;
  Guarded<std::map<std::string, ClipRequest>> pending_clips_;
  ClipFates clip_fates_;
  std::atomic<int> cameras_up_{0};
  std::atomic<int> cameras_enabled_{0};
  mutable std::mutex head_mutex_;
  std::function<Json()> rules_snapshot_;  // of the rules thread
  publish::JournalHead last_head_;        // once the journal is closed; under head_mutex_
  std::unique_ptr<publish::Gate> gate_;   // nullptr: the sockets ask for no key. Before those that stand behind it
  std::unique_ptr<publish::Publisher> publisher_;
  std::unique_ptr<publish::Journal> journal_;
  std::unique_ptr<EvidenceLedger> ledger_;
  std::unique_ptr<EvidenceLedger> series_;
  std::unique_ptr<RulesThread> rules_;
  std::unique_ptr<GalleryWatch> galleries_;
  std::unique_ptr<AccessWatch> access_;
  std::unique_ptr<ClipKeeper> keeper_;
  std::unique_ptr<AccessBook> access_book_;
  std::unique_ptr<AccessControl> access_control_;
  std::unique_ptr<record::ClipShelf> shelf_;
  std::unique_ptr<PictureDesk> pictures_;
  std::unique_ptr<publish::JournalPages> journal_pages_;  // of the disk's thread
  std::unique_ptr<DiskJobs> disk_;
  std::unique_ptr<FetchAnswer> fetch_answer_;
  std::unique_ptr<ClipAnswer> clip_answer_;
  std::unique_ptr<PictureAnswer> picture_answer_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<CameraControl> cameras_;
  std::unique_ptr<SensorDesk> sensors_;
  std::unique_ptr<publish::QueryServer> query_;
  std::unique_ptr<MetricsServer> metrics_;

  MonoTime galleries_looked_{}, access_looked_{};
  std::uint64_t rules_seen_ = 0;  // progress when the watchdog was last fed
  MonoTime fed_{};
  MonoTime status_said_{};
};

}  // namespace kanhu
