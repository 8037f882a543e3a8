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

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "pipelines/analyze/mailbox.hpp"

namespace kanhu::analyze {
namespace {

// One source as the pool sees it. Fields marked L are under the scheduler's lock; `analyzer` belongs to the claim.
struct Seat {
  Seat(const CameraConfig& camera, ObservationSink& sink, bool replay)
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
using SeatPtr = std::shared_ptr<Seat>;

// One thread's detectors, one per configuration, and its embedder; a failure is remembered, so that a missing file is not
// looked for at each frame.
class DetectorShelf {
 public:
  DetectorShelf(const DetectorFactory& factory, const EmbedderFactory& embedders) : factory_(factory), embedders_(embedders) {}

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

}  // namespace

struct Scheduler::State {
  State(bool replay_mode, DetectorFactory factory, EmbedderFactory embedder_factory, const Clock& time)
      : replay(replay_mode), detectors(std::move(factory)), embedders(std::move(embedder_factory)), clock(time) {}

  const bool replay;
  const DetectorFactory detectors;
  const EmbedderFactory embedders;
  const Clock& clock;

  std::mutex mutex;
  std::condition_variable work;     // something stands in the queue, or stopping
  std::condition_variable room;     // a mailbox was emptied or closed
  std::condition_variable settled;  // a claim was given back
  std::deque<SeatPtr> queue;
  std::size_t claims = 0;
  std::size_t picks = 0;
  bool stopping = false;
  std::atomic<std::uint64_t> progress{0};
  std::vector<std::atomic<std::int64_t>> at_work_since;  // by thread: nanoseconds of `clock`, 0 between pieces of work
  std::vector<std::thread> threads;

  void enqueue(const SeatPtr& seat) {
    if (seat->queued || seat->claimed || seat->closed || seat->mailbox.empty()) return;
    seat->queued = true;
    queue.push_back(seat);
    work.notify_one();
  }

  void push(const SeatPtr& seat, LaneItem item);
  void close(const SeatPtr& seat);
  SeatPtr pick();
  void loop(int number);
  void serve(int number, Seat& seat, std::vector<LaneItem>& items, DetectorShelf& shelf);
  void analyze(Seat& seat, const Frame& frame, DetectorShelf& shelf);
};

void Scheduler::State::push(const SeatPtr& seat, LaneItem item) {
  std::optional<LaneItem> overtaken;  // its memory goes back to the decoder outside the lock
  {
    std::unique_lock lock(mutex);
    room.wait(lock, [&] { return seat->closed || stopping || !seat->mailbox.full(); });
    if (seat->closed || stopping) return;
    overtaken = seat->mailbox.push(std::move(item));
    enqueue(seat);
  }
  if (overtaken) seat->stats.with([](LaneStats& stats) { ++stats.frames_dropped; });
}

void Scheduler::State::close(const SeatPtr& seat) {
  std::deque<LaneItem> rest;
  {
    std::scoped_lock lock(mutex);
    seat->closed = true;
    rest = seat->mailbox.clear();
    if (seat->queued) std::erase(queue, seat);
    seat->queued = false;
  }
  room.notify_all();
  settled.notify_all();
}

// Round robin; live, three picks of four go to the first source that follows somebody and has a frame, so that the
// others still get their share.
SeatPtr Scheduler::State::pick() {
  auto chosen = queue.begin();
  if (!replay && ++picks % 4 != 0) {
    const auto following =
        std::find_if(queue.begin(), queue.end(), [](const SeatPtr& s) { return s->following && s->mailbox.has_frame(); });
    if (following != queue.end()) chosen = following;
  }
  SeatPtr seat = *chosen;
  queue.erase(chosen);
  seat->queued = false;
  seat->claimed = true;
  ++claims;
  return seat;
}

void Scheduler::State::loop(int number) {
  name_this_thread(fmt::format("analyze/{}", number));
  DetectorShelf shelf(detectors, embedders);
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock, [&] { return stopping || !queue.empty(); });
    if (stopping) return;
    SeatPtr seat = pick();
    std::vector<LaneItem> items = seat->mailbox.take();
    lock.unlock();
    room.notify_all();

    serve(number, *seat, items, shelf);
    items.clear();
    const bool following = seat->analyzer.has_tracks();

    lock.lock();
    seat->following = following;
    seat->claimed = false;
    --claims;
    enqueue(seat);
    settled.notify_all();
  }
}

void Scheduler::State::serve(int number, Seat& seat, std::vector<LaneItem>& items, DetectorShelf& shelf) {
  auto& since = at_work_since[static_cast<std::size_t>(number)];
  for (LaneItem& item : items) {
    since = clock.mono().time_since_epoch().count();
    if (auto* begin = std::get_if<RunBegin>(&item)) {
      seat.analyzer.begin_run(begin->run);
    } else if (auto* end = std::get_if<RunEnd>(&item)) {
      seat.analyzer.end_run(end->why);
    } else if (auto* tick = std::get_if<Tick>(&item)) {
      seat.analyzer.tick(*tick);
    } else {
      auto& waiting = std::get<WaitingFrame>(item);
      const MonoTime start = clock.mono();
      analyze(seat, waiting.frame, shelf);
      const MonoTime end_time = clock.mono();
      seat.stats.with([&](LaneStats& stats) {
        stats.wait.add(start - waiting.since);
        stats.work.add(end_time - start);
      });
    }
    since = 0;
    progress.fetch_add(1, std::memory_order_relaxed);
  }
  const AnalyzerStats now = seat.analyzer.stats();
  seat.stats.with([&](LaneStats& stats) { stats.analyzer = now; });
}

void Scheduler::State::analyze(Seat& seat, const Frame& frame, DetectorShelf& shelf) {
  if (seat.detector.name == "none") return seat.analyzer.analyze_without(frame, {});
  const auto detector = shelf.get(seat.detector);
  if (!detector) return seat.analyzer.analyze_without(frame, "no detector: " + detector.error().message);
  seat.analyzer.analyze(frame, **detector, seat.compares_faces ? shelf.embedder() : nullptr);
}

namespace {

class PooledLane final : public Lane {
 public:
  using Push = std::function<void(LaneItem)>;
  PooledLane(SeatPtr seat, const Clock& clock, Push push, std::function<void()> close, std::function<void()> settle)
      : seat_(std::move(seat)), clock_(clock), push_(std::move(push)), close_(std::move(close)), settle_(std::move(settle)) {}
  ~PooledLane() override {
    close_();
    settle_();
  }

  void begin_run(std::string run) override { push_(RunBegin{std::move(run)}); }
  void frame(Frame frame) override { push_(WaitingFrame{std::move(frame), clock_.mono()}); }
  void tick(Tick tick) override { push_(tick); }
  void end_run(Error why) override { push_(RunEnd{std::move(why)}); }
  void close() override { close_(); }
  LaneStats stats() const override {
    return seat_->stats.with([](const LaneStats& stats) { return stats; });
  }

 private:
  SeatPtr seat_;
  const Clock& clock_;
  Push push_;
  std::function<void()> close_;
  std::function<void()> settle_;
};

}  // namespace

Scheduler::Scheduler(int threads, bool replay, DetectorFactory detectors, const Clock& clock, EmbedderFactory embedders)
    : state_(std::make_shared<State>(replay, std::move(detectors), std::move(embedders), clock)) {
  state_->at_work_since = std::vector<std::atomic<std::int64_t>>(static_cast<std::size_t>(std::max(1, threads)));
  for (int number = 0; number < std::max(1, threads); ++number)
    state_->threads.emplace_back([state = state_.get(), number] { state->loop(number); });
}

Scheduler::~Scheduler() {
  {
    std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work.notify_all();
  state_->room.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

std::unique_ptr<Lane> Scheduler::open(const CameraConfig& camera, ObservationSink& sink) {
  auto seat = std::make_shared<Seat>(camera, sink, state_->replay);
  return std::make_unique<PooledLane>(
      seat, state_->clock, [state = state_, seat](LaneItem item) { state->push(seat, std::move(item)); },
      [state = state_, seat] { state->close(seat); },
      [state = state_, seat] {
        std::unique_lock lock(state->mutex);
        state->settled.wait(lock, [&] { return !seat->claimed; });
      });
}

std::uint64_t Scheduler::progress() const { return state_->progress.load(std::memory_order_relaxed); }

std::chrono::nanoseconds Scheduler::longest_at_work() const {
  const std::int64_t now = state_->clock.mono().time_since_epoch().count();
  std::int64_t longest = 0;
  for (const auto& since : state_->at_work_since) {
    if (const std::int64_t begun = since; begun != 0) longest = std::max(longest, now - begun);
  }
  return std::chrono::nanoseconds(longest);
}

bool Scheduler::idle() const {
  std::scoped_lock lock(state_->mutex);
  return state_->queue.empty() && state_->claims == 0;
}

void Scheduler::wait_idle() const {
  std::unique_lock lock(state_->mutex);
  state_->settled.wait(lock, [&] { return state_->stopping || (state_->queue.empty() && state_->claims == 0); });
}

}  // namespace kanhu::analyze
