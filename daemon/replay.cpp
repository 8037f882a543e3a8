#include "daemon/replay.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/bounded_queue.hpp"
#include "base/digest.hpp"
#include "base/file_io.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "daemon/observation_merge.hpp"
#include "daemon/provenance.hpp"
#include "daemon/workers.hpp"
#include "models/registry.hpp"
#include "pipelines/record/recorder.hpp"
#include "pipelines/rules/rules.hpp"

namespace kanhu {
namespace {

// One file to be read as one run of one source.
struct Part {
  std::string path;
  std::string sidecar;  // empty for a plain file
  int number = 0;       // within the sidecar
  std::string sha256;
};

struct Recording {
  std::string facility;
  CameraConfig camera;
  std::vector<Part> parts;
  std::size_t next = 0;
  std::size_t worker = 0;
  double media_seconds = 0;
};

Result<std::string> file_digest(FileIo& files, const std::string& path) {
  auto file = files.open(path, OpenMode::kRead);
  if (!file) return tl::make_unexpected(file.error());
  Sha256Stream digest;
  std::vector<std::byte> bytes(1 << 20);
  for (std::uint64_t offset = 0;;) {
    auto got = (*file)->read_at(offset, bytes);
    if (!got) return tl::make_unexpected(got.error());
    if (*got == 0) return to_hex(digest.finish());
    digest.update(std::span(bytes).first(*got));
    offset += *got;
  }
}

// "clip.mp4", "clip.2.mp4" -> the sidecar beside them, if there is one.
std::optional<std::string> sidecar_beside(FileIo& files, const std::filesystem::path& path) {
  if (path.extension() == ".json") return path.string();
  std::filesystem::path stem = path.parent_path() / path.stem();
  if (files.exists(stem.string() + ".json")) return stem.string() + ".json";
  if (stem.has_extension()) {
    stem = stem.parent_path() / stem.stem();
    if (files.exists(stem.string() + ".json")) return stem.string() + ".json";
  }
  return std::nullopt;
}

// Replays without recording: what a camera's configuration says about clips does not apply.
CameraConfig for_replay(CameraConfig camera, const std::string& path) {
  camera.enabled = true;
  // How its 16-bit counts are read stays.
  const StreamConfig* analysed = stream_for(camera, camera.analyze);
  const auto thermal = analysed != nullptr ? analysed->thermal : std::nullopt;
  camera.main = StreamConfig{"file://" + path, "", Transport::kTcp, thermal};
  camera.sub.reset();
  camera.sensor.reset();
  camera.analyze = StreamRole::kMain;
  camera.record.reset();
  camera.clips.on.clear();
  return camera;
}

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
    desk_.emplace(
        config_, [this](const Observation& observation) { rules_->observe(observation); }, [](const identify::LedgerEntry&) {});
    desk_->use(options_.galleries);
    if (auto begun = begin(); !begun) return tl::make_unexpected(begun.error());
    while (!merge_.done() || ended_ < opened_) {
      auto message = inbox_.pop();
      if (!message) break;
      if (auto handled = handle(*message); !handled) return tl::make_unexpected(handled.error());
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
    std::optional<relay::Message> message;
    std::string lost;
  };

  Result<void> add(const std::string& file) {
    const std::string path = std::filesystem::absolute(file).lexically_normal().string();
    Recording recording;
    std::string wanted = options_.camera;
    if (auto sidecar_path = sidecar_beside(*files_, path)) {
      auto sidecar = record::read_sidecar(*files_, *sidecar_path);
      if (!sidecar) return tl::make_unexpected(sidecar.error());
      const std::filesystem::path folder = std::filesystem::path(*sidecar_path).parent_path();
      for (const record::SidecarPart& part : sidecar->parts) {
        recording.parts.push_back({(folder / std::filesystem::path(part.file).filename()).string(), *sidecar_path, part.number, ""});
      }
      recording.facility = sidecar->record.facility;
      recording.camera.id = sidecar->record.source;
      recording.camera.name = sidecar->camera_name;
      if (wanted.empty()) wanted = sidecar->record.source;
      if (recording.parts.empty()) return fail(ErrorKind::kNotFound, fmt::format("{}: the clip has no files", *sidecar_path));
    } else {
      recording.parts.push_back({path, "", 0, ""});
      recording.facility = "replay";
      recording.camera.id = fmt::format("file-{}", recordings_.size() + 1);
      recording.camera.name = std::filesystem::path(path).filename().string();
    }
    recording.camera.detector.name = options_.detector;
    if (auto chosen = take_config(recording, wanted); !chosen) return chosen;
    for (Part& part : recording.parts) {
      auto digest = file_digest(*files_, part.path);
      if (!digest) return tl::make_unexpected(digest.error());
      part.sha256 = std::move(*digest);
    }
    while (std::any_of(recordings_.begin(), recordings_.end(),
                       [&](const Recording& other) { return other.camera.id == recording.camera.id; })) {
      recording.camera.id = recording.camera.id.substr(0, 28) + "-" + std::to_string(recordings_.size() + 1);
    }
    if (options_.thermal) recording.camera.main = StreamConfig{"", "", Transport::kTcp, options_.thermal};
    recording.camera = for_replay(std::move(recording.camera), recording.parts.front().path);
    recordings_.push_back(std::move(recording));
    return {};
  }

  Result<void> take_config(Recording& recording, const std::string& wanted) {
    if (!options_.config) return {};
    const CameraConfig* camera = options_.config->camera(wanted);
    if (!camera && !options_.camera.empty())
      return fail(ErrorKind::kInvalidArgument, fmt::format("no camera {} in the configuration", kanhu::quoted(wanted)));
    if (!camera) return {};
    recording.camera = *camera;
    recording.facility = options_.config->facility_of(wanted)->id;
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
      for (const Part& part : recording.parts) all += "\n" + recording.camera.id + " " + part.sha256;
    }
    epoch_ = to_hex(sha256(all)).substr(0, 32);
  }

  Result<void> begin() {
    Workers::Options options;
    options.in_process = options_.workers == 0;
    options.setup.models_path = models::model_search_path(config_->gateway.models_dir);
    options.setup.analysis_threads =
        options_.threads > 0 ? options_.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    options.setup.replay = true;
    options.memory_bytes = config_->gateway.worker_memory_bytes;
    workers_.emplace(std::move(options),
                     Workers::Upcalls{[this](std::size_t, relay::Message message) {
                                        inbox_.push({std::move(message), ""});
                                      },
                                      [this](std::size_t, const std::string& cause) {
                                        inbox_.push({std::nullopt, cause});
                                      }},
                     clock_);
    const std::size_t count = static_cast<std::size_t>(std::max(1, options_.workers));
    for (std::size_t i = 0; i < count; ++i) {
      if (auto started = workers_->start(); !started) return tl::make_unexpected(started.error());
    }
    for (std::size_t i = 0; i < recordings_.size(); ++i) {
      recordings_[i].worker = i % count;
      merge_.add_source(recordings_[i].camera.id);
    }
    for (Recording& recording : recordings_) {
      if (auto opened = open_next(recording); !opened) return opened;
    }
    return {};
  }

  Result<void> open_next(Recording& recording) {
    const Part& part = recording.parts[recording.next++];
    recording.camera.main->url = "file://" + part.path;
    relay::Assign assign;
    assign.facility = recording.facility;
    assign.camera = recording.camera;
    assign.file_start = options_.start;
    assign.sidecar = part.sidecar;
    assign.part = part.number;
    if (auto sent = workers_->send(recording.worker, assign); !sent) return sent;
    ++opened_;
    return workers_->send(recording.worker, relay::Open{recording.camera.id, StreamRole::kMain});
  }

  Result<void> handle(Inbound& inbound) {
    if (!inbound.message) return fail(ErrorKind::kInternal, "a worker died while replaying: " + inbound.lost);
    if (auto* observed = std::get_if<relay::Observed>(&*inbound.message)) return take(std::move(observed->observation));
    auto* ended = std::get_if<relay::SourceEnded>(&*inbound.message);
    if (ended) ++ended_;
    if (ended && ended->why.kind != ErrorKind::kEndOfStream) {
      summary_.problems.push_back(ended->camera + ": " + ended->why.message);
    }
    if (auto* line = std::get_if<relay::LogLine>(&*inbound.message)) {
      log::write(static_cast<log::Level>(std::clamp(line->level, 0, 3)), line->area, line->text);
    }
    return {};
  }

  // The health observation that carries an error is the last one of a run: only then may the next part begin.
  Result<void> take(Observation observation) {
    auto found =
        std::find_if(recordings_.begin(), recordings_.end(), [&](const Recording& each) { return each.camera.id == observation.source; });
    if (found == recordings_.end()) return {};
    found->media_seconds = std::max(found->media_seconds, to_seconds(observation.pts.time_since_epoch()));
    const auto* health = std::get_if<HealthObservation>(&observation.body);
    const bool over = health && health->error;
    merge_.push(std::move(observation));
    if (!over) return {};
    if (found->next < found->parts.size()) return open_next(*found);
    merge_.finish(found->camera.id);
    return {};
  }

  void judge(const Observation& observation) {
    const WallTime second = std::chrono::floor<std::chrono::seconds>(observation.time);
    if (second > advanced_) {
      advanced_ = second;
      rules_->advance(second);
    }
    last_time_ = std::max(last_time_, observation.time);
    desk_->observe(observation);
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
  std::optional<identify::Desk> desk_;
  ObservationMerge merge_;
  // Parts of recordings. What a part ended with, which may be its only trouble, comes beside the observations.
  std::size_t opened_ = 0;
  std::size_t ended_ = 0;
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
