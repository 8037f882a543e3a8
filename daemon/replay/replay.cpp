// SPDX-License-Identifier: MIT
#include "daemon/replay/replay.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/bounded_queue.hpp"
#include "base/digest.hpp"
#include "base/file_io.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "daemon/provenance.hpp"
#include "daemon/replay/media_worker.hpp"
#include "daemon/replay/merge.hpp"
#include "daemon/replay/replay_recording.hpp"
#include "daemon/supervise/workers.hpp"
#include "models/registry.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu {
namespace {

constexpr auto kTurn = std::chrono::milliseconds(100);
constexpr std::size_t kMostLogLines = 1000;  // of workers, which may have been taken over by what they read

class Replay {
 public:
  Replay(const ReplayOptions& options, const std::function<void(const std::string&)>& each)
      : options_(options),
        each_(each),
        files_(make_posix_file_io()),
        merge_([this](const Observation& observation) { judge(observation); }) {}

  // Nobody takes from the inbox any more: readers that wait for room must not be waited for.
  ~Replay() { inbox_.close(); }

  Result<ReplaySummary> run() {
    for (const std::string& file : options_.files) {
      if (auto added = add(file); !added) return tl::make_unexpected(added.error());
    }
    make_config();
    number_from_content();
    sink_.owner = this;
    rules_.emplace(config_, sink_);
    identifier_.emplace(
        config_, [this](const Observation& observation) { rules_->observe(observation); }, [](const identify::LedgerEntry&) {});
    identifier_->use(options_.galleries);
    if (auto begun = begin(); !begun) return tl::make_unexpected(begun.error());
    while (std::any_of(recordings_.begin(), recordings_.end(), [this](const Recording& each) { return is_open(each); })) {
      if (auto message = inbox_.pop_for(kTurn)) handle(*message);
      look_after();
    }
    inbox_.close();
    workers_.reset();
    rules_->finish(last_time_, "recording_ended");
    for (const Recording& recording : recordings_) summary_.media_seconds += recording.media_seconds;
    return summary_;
  }

 private:
  struct Sink final : rules::RulesSink {
    Replay* owner = nullptr;
    void emit(EventDraft draft) override { owner->number(draft); }
    void request_clip(ClipRequest) override {}
    void keep_series(rules::ThermalSeries) override {}
  };

  // What a worker said, or that it has gone.
  struct Inbound {
    std::size_t worker = 0;
    std::optional<relay::Message> message;
    std::string lost;
  };

  Result<void> add(const std::string& file) {
    auto read = recording_of(*files_, file, options_, recordings_.size() + 1);
    if (!read) return tl::make_unexpected(read.error());
    Recording& recording = *read;
    while (std::any_of(recordings_.begin(), recordings_.end(),
                       [&](const Recording& other) { return other.camera.id == recording.camera.id; })) {
      recording.camera.id = recording.camera.id.substr(0, 28) + "-" + std::to_string(recordings_.size() + 1);
    }
    if (options_.thermal) recording.camera.main = StreamConfig{"", "", Transport::kTcp, options_.thermal};
    recording.camera = camera_for_replay(std::move(recording.camera), recording.parts.front().path);
    recordings_.push_back(std::move(recording));
    return {};
  }

  // A configuration with just these cameras; its digest is the given one's, or says which detector was asked for.
  void make_config() {
    auto config = std::make_shared<Config>();
    if (options_.config) *config = *options_.config;
    config->gateway.id = options_.config ? config->gateway.id : "replay";
    if (!options_.config) config->digest = to_hex(sha256("kanhu replay/1 " + options_.detector));
    for (FacilityConfig& facility : config->facilities) facility.cameras.clear();
    for (const Recording& recording : recordings_) {
      auto found = std::find_if(config->facilities.begin(), config->facilities.end(),
                                [&](const auto& facility) { return facility.id == recording.facility; });
      if (found == config->facilities.end()) {
        config->facilities.push_back({recording.facility, recording.facility, "community_station", "UTC", {}, {}});
        found = std::prev(config->facilities.end());
      }
      found->cameras.push_back(recording.camera);
    }
    std::erase_if(config->facilities, [](const FacilityConfig& facility) { return facility.cameras.empty(); });
    provenance_ = provenance_of(*config);
    config_ = std::move(config);
  }

  void number_from_content() {
    std::string all = config_->digest;
    for (const auto& [facility, matcher] : options_.galleries) all += "\n" + facility + " " + matcher->digest();
    for (const Recording& recording : recordings_) {
      for (const RecordingPart& part : recording.parts) all += "\n" + recording.camera.id + " " + part.sha256;
    }
    epoch_ = to_hex(sha256(all)).substr(0, 32);
  }

  Result<void> begin() {
    Workers::Options options;
    options.for_command = true;
    options.setup.models_path = models::model_search_path(config_->gateway.models_dir);
    options.setup.analysis_threads =
        options_.threads > 0 ? options_.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    options.setup.replay = true;
    options.memory_bytes = config_->gateway.worker_memory_bytes;
    std::vector<std::string> reads;
    for (const Recording& recording : recordings_) {
      for (const RecordingPart& part : recording.parts) {
        reads.push_back(part.path);
        if (!part.sidecar.empty()) reads.push_back(part.sidecar);
      }
    }
    options.setup.files = paths_to_read(reads);
    workers_.emplace(std::move(options),
                     Workers::Upcalls{[this](std::size_t worker, relay::Message message) {
                                        inbox_.push({worker, std::move(message), ""});
                                      },
                                      [this](std::size_t worker, const std::string& cause) {
                                        inbox_.push({worker, std::nullopt, cause});
                                      }},
                     clock_);
    const std::size_t count = std::min(recordings_.size(), static_cast<std::size_t>(std::max(1, options_.workers)));
    for (std::size_t i = 0; i < count; ++i) {
      if (auto started = workers_->start(); !started) return tl::make_unexpected(started.error());
    }
    for (std::size_t i = 0; i < recordings_.size(); ++i) {
      recordings_[i].worker = i % count;
      recordings_[i].alone = recordings_.size() <= count;
      merge_.add_source(recordings_[i].camera.id);
    }
    for (Recording& recording : recordings_) open_next(recording);
    return {};
  }

  void open_next(Recording& recording) {
    ++recording.next;
    recording.told = recording.known = 0;
    open(recording);
  }

  // A worker that has gone is told by its `lost`.
  void open(Recording& recording) {
    const RecordingPart& part = recording.parts[recording.next - 1];
    recording.camera.main->url = "file://" + part.path;
    relay::Assign assign;
    assign.facility = recording.facility;
    assign.camera = recording.camera;
    assign.file_start = options_.start;
    assign.sidecar = part.sidecar;
    assign.part = part.number;
    assign.file_digest = part.sha256;
    ++recording.sessions;
    recording.moved = clock_.mono();
    (void)workers_->send(recording.worker, assign);
    (void)workers_->send(recording.worker, relay::Open{recording.camera.id, StreamRole::kMain});
  }

  Recording* find(const std::string& camera) {
    const auto found =
        std::find_if(recordings_.begin(), recordings_.end(), [&](const Recording& each) { return each.camera.id == camera; });
    return found == recordings_.end() ? nullptr : &*found;
  }

  // Whether a worker speaks of what it was given.
  Recording* of_worker(std::size_t worker, const std::string& camera) {
    Recording* recording = find(camera);
    return recording != nullptr && recording->worker == worker ? recording : nullptr;
  }

  void handle(Inbound& inbound) {
    if (!inbound.message) return lose(inbound.worker, inbound.lost);
    if (auto* observed = std::get_if<relay::Observed>(&*inbound.message)) {
      take(inbound.worker, std::move(observed->observation));
    } else if (auto* ended = std::get_if<relay::SourceEnded>(&*inbound.message)) {
      Recording* recording = of_worker(inbound.worker, ended->camera);
      if (recording == nullptr) return;
      recording->sessions = std::max(0, recording->sessions - 1);
      if (ended->why.kind != ErrorKind::kEndOfStream) summary_.problems.push_back(ended->camera + ": " + plain_words(ended->why.message));
    } else if (auto* stats = std::get_if<relay::CameraReport>(&*inbound.message)) {
      // Whatever is counted: packets while pictures are being decoded, pictures while a slow detector looks.
      Recording* recording = of_worker(inbound.worker, stats->camera);
      if (recording != nullptr) move(*recording, stats->packets + stats->frames_decoded + stats->decode_errors + stats->frames_analysed);
    } else if (auto* line = std::get_if<relay::LogLine>(&*inbound.message); line != nullptr && lines_ < kMostLogLines) {
      ++lines_;
      log::write(static_cast<log::Level>(std::clamp(line->level, 0, 3)), "worker", plain_words(line->text));
    }
  }

  void move(Recording& recording, std::uint64_t moves) {
    if (std::exchange(recording.moves, moves) != moves) recording.moved = clock_.mono();
  }

  // The health observation that carries an error is the last one of a run: only then may the next part begin.
  void take(std::size_t worker, Observation observation) {
    Recording* recording = of_worker(worker, observation.source);
    if (recording == nullptr || recording->is_over) return;
    recording->moved = clock_.mono();
    // A second worker says again what a first one said that died: recordings give the same each time.
    if (++recording->told <= recording->known) return;
    recording->media_seconds = std::max(recording->media_seconds, to_seconds(observation.pts.time_since_epoch()));
    const auto* health = std::get_if<HealthObservation>(&observation.body);
    const bool over = health && health->error;
    merge_.push(std::move(observation));
    if (!over) return;
    if (recording->next < recording->parts.size()) return open_next(*recording);
    finish(*recording);
  }

  void finish(Recording& recording) {
    recording.is_over = true;
    merge_.finish(recording.camera.id);
  }

  void give_up(Recording& recording, const std::string& words) {
    summary_.problems.push_back(fmt::format("{}: {}: {}", recording.camera.id, kanhu::quoted(recording.path(), 300), words));
    recording.sessions = 0;
    if (!recording.is_over) finish(recording);
  }

  bool is_open(const Recording& recording) const { return !recording.is_over || recording.sessions > 0; }

  // For a worker of its own; nothing can come of it meanwhile.
  bool is_waiting(const Recording& recording) const { return std::find(waiting_.begin(), waiting_.end(), &recording) != waiting_.end(); }

  // What was read in a worker that died: alone it is the culprit, among others it is read again, alone.
  void lose(std::size_t worker, const std::string& cause) {
    if (worker == lone_worker_) lone_worker_.reset();
    for (Recording& recording : recordings_) {
      if (recording.worker != worker || !is_open(recording)) continue;
      recording.sessions = 0;
      if (recording.is_over) continue;
      if (recording.alone) {
        give_up(recording, lost_words(cause));
      } else {
        recording.alone = true;
        waiting_.push_back(&recording);
      }
    }
  }

  // Ends workers that read something which does not get on, and reads again, one by one, what died with others.
  void look_after() {
    const MonoTime now = clock_.mono();
    if (now - looked_ < kTurn) return;
    // While somebody does not read what is printed, nobody is heard.
    const auto away = looked_ == MonoTime{} ? std::chrono::nanoseconds(0) : now - looked_ - 2 * kTurn;
    looked_ = now;
    workers_->watch();
    for (Recording& recording : recordings_) {
      if (away.count() > 0) recording.moved += away;
      if (!is_open(recording) || is_waiting(recording) || now - recording.moved <= kMediaPatience) continue;
      // Among others it may only wait for one of them: `lose` has each read again alone.
      recording.moved = now;
      if (recording.alone) give_up(recording, no_progress_words());
      workers_->end(recording.worker, "made no progress");
    }
    read_again(now);
  }

  void read_again(MonoTime now) {
    if (waiting_.empty()) return;
    const bool busy = lone_worker_ && std::any_of(recordings_.begin(), recordings_.end(),
                                                  [&](const Recording& each) { return each.worker == *lone_worker_ && each.sessions > 0; });
    if (busy) return;
    Recording& recording = *waiting_.front();
    waiting_.pop_front();
    if (!lone_worker_) {
      auto started = workers_->start();
      if (!started) return give_up(recording, started.error().message);
      lone_worker_ = *started;
    }
    recording.worker = *lone_worker_;
    recording.known = recording.told;
    recording.told = 0;
    recording.moves = 0;
    recording.moved = now;
    open(recording);
  }

  void judge(const Observation& observation) {
    const WallTime second = std::chrono::floor<std::chrono::seconds>(observation.time);
    if (second > advanced_) {
      advanced_ = second;
      rules_->advance(second);
    }
    last_time_ = std::max(last_time_, observation.time);
    identifier_->observe(observation);
  }

  void number(const EventDraft& draft) {
    EventId id;
    id.epoch = epoch_;
    id.seq = ++seq_;
    id.stream_seq = ++stream_seq_[draft.facility];
    rules::Provenance provenance = provenance_;
    if (const auto found = options_.galleries.find(draft.facility); found != options_.galleries.end())
      provenance.gallery = found->second->digest();
    each_(rules::event_body(draft, id, config_->gateway.id, provenance));
    ++summary_.events;
  }

  const ReplayOptions& options_;
  const std::function<void(const std::string&)>& each_;
  SystemClock clock_;
  std::unique_ptr<FileIo> files_;
  std::vector<Recording> recordings_;
  ConfigPtr config_;
  rules::Provenance provenance_;
  Sink sink_;
  std::optional<rules::Rules> rules_;
  std::optional<identify::Identifier> identifier_;
  ObservationMerge merge_;
  std::deque<Recording*> waiting_;  // to be read again, alone
  std::optional<std::size_t> lone_worker_;
  MonoTime looked_{};
  std::size_t lines_ = 0;  // of workers' logs
  // Holds back the workers' readers, not this thread: waiting observations live in the merge.
  BoundedQueue<Inbound> inbox_{4096};
  std::optional<Workers> workers_;
  std::string epoch_;
  std::uint64_t seq_ = 0;
  std::map<std::string, std::uint64_t> stream_seq_;
  WallTime advanced_{};
  WallTime last_time_{};
  ReplaySummary summary_;
};

}  // namespace

Result<ReplaySummary> replay(const ReplayOptions& options, const std::function<void(const std::string& body)>& each) {
  return Replay(options, each).run();
}

}  // namespace kanhu
