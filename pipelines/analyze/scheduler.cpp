// SPDX-License-Identifier: MIT
#include "pipelines/analyze/scheduler.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <pthread.h>
#include <time.h>

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "config/detectors.hpp"
#include "pipelines/analyze/mailbox.hpp"

namespace kanhu::analyze {

// One source as the pool sees it. Fields marked L are under the scheduler's lock; `analyzer` belongs to the claim.
struct AnalysedSource {
  AnalysedSource(const CameraConfig& camera, ObservationSink& sink, bool replay)
      : detector(camera.detector), compares_faces(camera.faces.recognize), id(camera.id), analyzer(camera, sink), mailbox(replay) {}

  const DetectorConfig detector;
  const bool compares_faces;
  const std::string id;
  SourceAnalyzer analyzer;
  Mailbox mailbox;         // L
  bool claimed = false;    // L: a thread works for it
  bool queued = false;     // L: it stands in the queue
  bool following = false;  // L: it had tracks after its last frame
  bool closed = false;     // L
  Guarded<LaneStats> stats;
};

namespace {

using SourcePtr = std::shared_ptr<AnalysedSource>;

// One thread's detectors, one per configuration, and its embedder; a failure is remembered, so that a missing file is not
// looked for at each frame.
class ThreadDetectors {
 public:
  ThreadDetectors(const DetectorFactory& factory, const EmbedderFactory& embedders) : factory_(factory), embedders_(embedders) {}

  // nullptr when there is none.
  models::FaceEmbedder* embedder() {
    if (!embedder_) embedder_ = make_embedder();
    return embedder_->get();
  }

  Result<models::Detector*> get(const DetectorConfig& config) {
    const auto known = std::find_if(made_.begin(), made_.end(), [&](const auto& entry) { return entry.first == config; });
    auto& made = known != made_.end() ? known->second : made_.emplace_back(config, make(config)).second;
    if (!made) return tl::unexpected<Error>(made.error());
    return made->get();
  }

 private:
  std::unique_ptr<models::FaceEmbedder> make_embedder() {
    if (!embedders_) return nullptr;
    auto made = embedders_();
    if (!made) log::error("analyze", "faces are not compared: {}", made.error().message);
    return made ? std::move(*made) : nullptr;
  }

  Result<std::unique_ptr<models::Detector>> make(const DetectorConfig& config) {
    try {
      auto made = factory_(config);
      if (made && !*made) made = fail(ErrorKind::kInternal, "the factory made no detector");
      if (!made) log::error("analyze", "detector {}: {}", config.name, made.error().message);
      return made;
    } catch (const std::exception& error) {
      log::error("analyze", "detector {}: {}", config.name, error.what());
      return fail(ErrorKind::kInternal, error.what());
    }
  }

  const DetectorFactory& factory_;
  const EmbedderFactory& embedders_;
  std::optional<std::unique_ptr<models::FaceEmbedder>> embedder_;
  std::vector<std::pair<DetectorConfig, Result<std::unique_ptr<models::Detector>>>> made_;
};

// The piece of work that a thread is at. Written by that thread, looked at by others.
struct WorkAtHand {
  std::mutex mutex;
  clockid_t clock = 0;  // of the thread's own processor time
  std::string source;   // empty: nothing
  MonoTime since{};
  std::chrono::nanoseconds used_before{0};
};

std::chrono::nanoseconds processor_time_of(clockid_t clock) {
  timespec used{};
  if (::clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace

struct AnalysisPool {
  AnalysisPool(bool replay_mode, DetectorFactory factory, EmbedderFactory embedder_factory, const Clock& time)
      : replay(replay_mode), detectors(std::move(factory)), embedders(std::move(embedder_factory)), clock(time) {}

  const bool replay;
  const DetectorFactory detectors;
  const EmbedderFactory embedders;
  const Clock& clock;

  std::mutex mutex;
  std::condition_variable work;     // something stands in the queue, or stopping
  std::condition_variable room;     // a mailbox was emptied or closed
  std::condition_variable settled;  // a claim was given back
  std::deque<SourcePtr> queue;
  std::size_t claims = 0;
  std::size_t picks = 0;
  bool stopping = false;
  std::atomic<std::uint64_t> progress{0};
  std::deque<WorkAtHand> at_hand;  // by thread
  std::vector<std::thread> threads;

  void enqueue(const SourcePtr& source) {
    if (source->queued || source->claimed || source->closed || source->mailbox.empty()) return;
    source->queued = true;
    queue.push_back(source);
    work.notify_one();
  }

  void push(const SourcePtr& source, LaneItem item);
  void close(const SourcePtr& source);
  void wait_for_claim(const AnalysedSource& source);
  SourcePtr pick();
  void loop(int number);
  void serve(int number, AnalysedSource& source, std::vector<LaneItem>& items, ThreadDetectors& own);
  void analyze(AnalysedSource& source, const Frame& frame, ThreadDetectors& own);
};

void AnalysisPool::push(const SourcePtr& source, LaneItem item) {
  std::optional<LaneItem> overtaken;  // its memory goes back to the decoder outside the lock
  {
    std::unique_lock lock(mutex);
    room.wait(lock, [&] { return source->closed || stopping || !source->mailbox.full(); });
    if (source->closed || stopping) return;
    overtaken = source->mailbox.push(std::move(item));
    enqueue(source);
  }
  if (overtaken) source->stats.with([](LaneStats& stats) { ++stats.frames_dropped; });
}

void AnalysisPool::close(const SourcePtr& source) {
  std::deque<LaneItem> rest;
  {
    std::scoped_lock lock(mutex);
    source->closed = true;
    rest = source->mailbox.clear();
    if (source->queued) std::erase(queue, source);
    source->queued = false;
  }
  room.notify_all();
  settled.notify_all();
}

// Until no thread works for the source.
void AnalysisPool::wait_for_claim(const AnalysedSource& source) {
  std::unique_lock lock(mutex);
  settled.wait(lock, [&] { return !source.claimed; });
}

// Round robin; live, three picks of four go to the first source that follows somebody and has a frame, so that the
// others still get their share.
SourcePtr AnalysisPool::pick() {
  auto chosen = queue.begin();
  if (!replay && ++picks % 4 != 0) {
    const auto following =
        std::find_if(queue.begin(), queue.end(), [](const SourcePtr& s) { return s->following && s->mailbox.has_frame(); });
    if (following != queue.end()) chosen = following;
  }
  SourcePtr source = *chosen;
  queue.erase(chosen);
  source->queued = false;
  source->claimed = true;
  ++claims;
  return source;
}

void AnalysisPool::loop(int number) {
  name_this_thread(fmt::format("analyze/{}", number));
  {
    WorkAtHand& mine = at_hand[static_cast<std::size_t>(number)];
    std::scoped_lock mine_lock(mine.mutex);
    ::pthread_getcpuclockid(::pthread_self(), &mine.clock);
  }
  ThreadDetectors own(detectors, embedders);
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock, [&] { return stopping || !queue.empty(); });
    if (stopping) return;
    SourcePtr source = pick();
    std::vector<LaneItem> items = source->mailbox.take();
    lock.unlock();
    room.notify_all();

    serve(number, *source, items, own);
    items.clear();
    const bool following = source->analyzer.has_tracks();

    lock.lock();
    source->following = following;
    source->claimed = false;
    --claims;
    enqueue(source);
    settled.notify_all();
  }
}

void AnalysisPool::serve(int number, AnalysedSource& source, std::vector<LaneItem>& items, ThreadDetectors& own) {
  WorkAtHand& mine = at_hand[static_cast<std::size_t>(number)];
  for (LaneItem& item : items) {
    {
      std::scoped_lock lock(mine.mutex);
      mine.source = source.id;
      mine.since = clock.mono();
      mine.used_before = processor_time_of(CLOCK_THREAD_CPUTIME_ID);
    }
    if (auto* begin = std::get_if<RunBegin>(&item)) {
      source.analyzer.begin_run(begin->run);
    } else if (auto* end = std::get_if<RunEnd>(&item)) {
      source.analyzer.end_run(end->why, end->packets_arrive);
    } else if (auto* tick = std::get_if<Tick>(&item)) {
      source.analyzer.tick(*tick);
    } else {
      auto& waiting = std::get<WaitingFrame>(item);
      const MonoTime start = clock.mono();
      analyze(source, waiting.frame, own);
      const MonoTime end_time = clock.mono();
      source.stats.with([&](LaneStats& stats) {
        stats.wait.add(start - waiting.since);
        stats.work.add(end_time - start);
      });
    }
    {
      std::scoped_lock lock(mine.mutex);
      mine.source.clear();
    }
    progress.fetch_add(1, std::memory_order_relaxed);
  }
  const AnalyzerStats now = source.analyzer.stats();
  source.stats.with([&](LaneStats& stats) { stats.analyzer = now; });
}

void AnalysisPool::analyze(AnalysedSource& source, const Frame& frame, ThreadDetectors& own) {
  if (!analyses(source.detector.name)) return source.analyzer.analyze_without(frame, {});
  const auto detector = own.get(source.detector);
  if (!detector) return source.analyzer.analyze_without(frame, "no detector: " + detector.error().message);
  source.analyzer.analyze(frame, **detector, source.compares_faces ? own.embedder() : nullptr);
}

Lane::~Lane() {
  close();
  pool_->wait_for_claim(*source_);
}
void Lane::begin_run(std::string run) { pool_->push(source_, RunBegin{std::move(run)}); }
void Lane::frame(Frame frame) { pool_->push(source_, WaitingFrame{std::move(frame), pool_->clock.mono()}); }
void Lane::tick(Tick tick) { pool_->push(source_, tick); }
void Lane::end_run(Error why, std::optional<bool> packets_arrive) { pool_->push(source_, RunEnd{std::move(why), packets_arrive}); }
void Lane::close() { pool_->close(source_); }
LaneStats Lane::stats() const {
  return source_->stats.with([](const LaneStats& stats) { return stats; });
}

Scheduler::Scheduler(int threads, bool replay, DetectorFactory detectors, const Clock& clock, EmbedderFactory embedders)
    : pool_(std::make_shared<AnalysisPool>(replay, std::move(detectors), std::move(embedders), clock)) {
  for (int number = 0; number < std::max(1, threads); ++number) pool_->at_hand.emplace_back();
  for (int number = 0; number < std::max(1, threads); ++number)
    pool_->threads.emplace_back([pool = pool_.get(), number] { pool->loop(number); });
}

Scheduler::~Scheduler() {
  {
    std::scoped_lock lock(pool_->mutex);
    pool_->stopping = true;
  }
  pool_->work.notify_all();
  pool_->room.notify_all();
  for (std::thread& thread : pool_->threads) thread.join();
}

std::unique_ptr<Lane> Scheduler::open(const CameraConfig& camera, ObservationSink& sink) {
  return std::unique_ptr<Lane>(new Lane(pool_, std::make_shared<AnalysedSource>(camera, sink, pool_->replay)));
}

std::uint64_t Scheduler::progress() const { return pool_->progress.load(std::memory_order_relaxed); }

std::vector<Scheduler::AtWork> Scheduler::at_work() const {
  std::vector<AtWork> all;
  for (std::size_t number = 0; number < pool_->at_hand.size(); ++number) {
    WorkAtHand& work = pool_->at_hand[number];
    std::scoped_lock lock(work.mutex);
    if (work.source.empty()) continue;
    all.push_back({static_cast<int>(number), work.source, work.since, processor_time_of(work.clock) - work.used_before});
  }
  return all;
}

bool Scheduler::idle() const {
  std::scoped_lock lock(pool_->mutex);
  return pool_->queue.empty() && pool_->claims == 0;
}

void Scheduler::wait_idle() const {
  std::unique_lock lock(pool_->mutex);
  pool_->settled.wait(lock, [&] { return pool_->stopping || (pool_->queue.empty() && pool_->claims == 0); });
}

}  // namespace kanhu::analyze
