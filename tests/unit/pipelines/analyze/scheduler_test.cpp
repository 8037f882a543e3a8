// SPDX-License-Identifier: MIT
#include "pipelines/analyze/scheduler.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "pipelines/analyze/mailbox.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/scripted_detector.hpp"

using namespace kanhu;
using namespace kanhu::analyze;
using std::chrono::milliseconds;
using test::detection;
using test::grey_frame;
using test::media;

namespace {

CameraConfig camera(const std::string& id) {
  CameraConfig config;
  config.id = id;
  config.detector.name = "scripted";
  config.detector.smallest_px = 4;
  config.presence.warm_up = milliseconds(0);
  return config;
}

Tick tick_at(std::int64_t ms) {
  Tick tick;
  tick.media = media(ms);
  tick.wall.arrival = test::wall_at(ms);
  return tick;
}

// Holds every detector call until it is let through; counts what has arrived.
class Turnstile {
 public:
  void pass(MediaTime time) {
    std::unique_lock lock(mutex_);
    seen_.push_back(std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count());
    changed_.notify_all();
    changed_.wait(lock, [&] { return permits_ > 0; });
    --permits_;
  }
  void permit(int count) {
    std::scoped_lock lock(mutex_);
    permits_ += count;
    changed_.notify_all();
  }
  void await(std::size_t arrivals) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return seen_.size() >= arrivals; });
  }
  std::vector<std::int64_t> seen() {
    std::scoped_lock lock(mutex_);
    return seen_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int permits_ = 0;
  std::vector<std::int64_t> seen_;
};

DetectorFactory factory(test::ScriptedDetector::Script script) {
  return [script](const DetectorConfig&) -> Result<std::unique_ptr<models::Detector>> {
    return std::make_unique<test::ScriptedDetector>(script);
  };
}

std::string text(const Observation& o) {
  std::string line = fmt::format("{} {} {} {} {}", o.source, o.run, o.ordinal, to_microseconds(o.time), o.models.size());
  if (const auto* p = std::get_if<PresenceObservation>(&o.body))
    line += fmt::format(" presence {} {} {} {} {}", p->zone, to_string(p->state), p->reason, p->count, p->coverage);
  if (const auto* t = std::get_if<TrackObservation>(&o.body))
    line += fmt::format(" track {} {} {} {} {}", to_string(t->phase), t->id, t->box.x, t->box.y, t->end_reason);
  if (const auto* h = std::get_if<HealthObservation>(&o.body)) line += fmt::format(" health {} {}", h->cause, h->dark);
  return line;
}

// People walk through by the time alone, so that every detector instance sees the same.
models::DetectionResult walkers(const ImageView&, MediaTime time) {
  const double t = to_seconds(time.time_since_epoch());
  models::DetectionResult result;
  if (t > 2 && t < 9) result.detections = {detection(0.1 + 0.08 * (t - 2), 0.4), detection(0.7 - 0.08 * (t - 2), 0.42, 0.1, 0.2, 0.8)};
  return result;
}

std::map<std::string, std::vector<std::string>> replay(int threads, int sources) {
  const test::FakeClock clock;
  test::ObservationCollector sink;
  {
    Scheduler scheduler(threads, true, factory(walkers), clock);
    std::vector<std::unique_ptr<Lane>> lanes;
    for (int i = 0; i < sources; ++i) lanes.push_back(scheduler.open(camera(fmt::format("cam-{}", i)), sink));
    std::vector<std::thread> feeders;
    for (int i = 0; i < sources; ++i)
      feeders.emplace_back([&lane = *lanes[static_cast<std::size_t>(i)], id = fmt::format("cam-{}", i)] {
        for (const std::string run : {"a", "b"}) {
          lane.begin_run(run);
          for (std::int64_t at = 0; at < 14000; at += 200) {
            if (at % 1000 == 0) lane.tick(tick_at(at));
            lane.frame(grey_frame(id, run, at, test::noise(at), 64, 36));
          }
          lane.end_run({ErrorKind::kEndOfStream, "done"}, std::nullopt);
        }
      });
    for (std::thread& feeder : feeders) feeder.join();
    scheduler.wait_idle();
    CHECK(scheduler.idle());
    CHECK(scheduler.progress() == static_cast<std::uint64_t>(sources) * 2 * (2 + 14 + 70));
    for (const auto& lane : lanes) CHECK(lane->stats().frames_dropped == 0);
  }
  std::map<std::string, std::vector<std::string>> lines;
  for (const Observation& observation : sink.all()) lines[observation.source].push_back(text(observation));
  return lines;
}

}  // namespace

TEST_CASE("a replay gives the same observations on one and on four threads") {
  const auto one = replay(1, 3);
  const auto four = replay(4, 3);
  REQUIRE(one.size() == 3);
  CHECK(one.at("cam-0").size() > 40);
  CHECK(one == four);
}

TEST_CASE("live, the newest frame wins and the loss is counted") {
  const test::FakeClock clock;
  test::ObservationCollector sink;
  Turnstile turnstile;
  Scheduler scheduler(1, false, factory([&](const ImageView&, MediaTime time) -> models::DetectionResult {
                        turnstile.pass(time);
                        return {};
                      }),
                      clock);
  const auto lane = scheduler.open(camera("c"), sink);
  lane->begin_run("a");
  lane->frame(grey_frame("c", "a", 0, test::noise(0)));
  turnstile.await(1);
  for (int at = 200; at <= 1000; at += 200) lane->frame(grey_frame("c", "a", at, test::noise(at)));
  for (int i = 1; i <= 8; ++i) lane->tick(tick_at(1000 * i));
  CHECK_FALSE(scheduler.idle());
  turnstile.permit(2);
  scheduler.wait_idle();
  CHECK(turnstile.seen() == std::vector<std::int64_t>{0, 1000});
  CHECK(lane->stats().frames_dropped == 4);
  CHECK(lane->stats().analyzer.frames_analysed == 2);
  CHECK(lane->stats().work.count() == 2);
  CHECK(sink.of<TickObservation>().size() == 8);
}

TEST_CASE("a mailbox drops frames and ticks beyond its measure, run changes never") {
  Mailbox box(false);
  for (int i = 0; i < 20; ++i) {
    box.push(RunBegin{fmt::format("run-{}", i)});
    for (int t = 0; t < 12; ++t) box.push(tick_at(1000 * t));
    const auto overtaken = box.push(WaitingFrame{grey_frame("c", "r", i, test::noise(i), 8, 8), {}});
    CHECK(overtaken.has_value() == (i > 0));
    box.push(RunEnd{{ErrorKind::kStalled, ""}});
  }
  int begins = 0, ends = 0, frames = 0;
  std::vector<std::int64_t> ticks;
  while (!box.empty())
    for (const LaneItem& item : box.take()) {
      begins += std::holds_alternative<RunBegin>(item);
      ends += std::holds_alternative<RunEnd>(item);
      frames += std::holds_alternative<WaitingFrame>(item);
      if (const auto* tick = std::get_if<Tick>(&item)) ticks.push_back((tick->media - media(0)) / std::chrono::seconds(1));
    }
  CHECK(begins == 20);
  CHECK(ends == 20);
  CHECK(frames == 1);
  REQUIRE(ticks.size() == 20 * 8);
  CHECK(ticks[6] == 6);
  CHECK(ticks[7] == 11);  // the newest took the last place
}

TEST_CASE("a replay push waits for room and wakes when the lane closes") {
  const test::FakeClock clock;
  test::ObservationCollector sink;
  Turnstile turnstile;
  Scheduler scheduler(1, true, factory([&](const ImageView&, MediaTime time) -> models::DetectionResult {
                        turnstile.pass(time);
                        return {};
                      }),
                      clock);
  auto lane = scheduler.open(camera("c"), sink);
  lane->begin_run("a");
  lane->frame(grey_frame("c", "a", 0, test::noise(0)));
  turnstile.await(1);
  std::atomic<int> pushed{0};
  std::thread feeder([&] {
    for (int i = 1; i <= 10; ++i) {
      lane->frame(grey_frame("c", "a", 200 * i, test::noise(i)));
      ++pushed;
    }
  });
  while (pushed < 4) std::this_thread::yield();
  CHECK(pushed == 4);
  lane->close();
  feeder.join();
  CHECK(pushed == 10);
  turnstile.permit(1);
  lane.reset();
  CHECK(turnstile.seen() == std::vector<std::int64_t>{0});
}

TEST_CASE("under load sources take turns, and those that follow somebody come first") {
  const test::FakeClock clock;
  test::ObservationCollector sink;
  Turnstile turnstile;
  // The picture's size tells the source: 64 wide has somebody, the others nobody.
  std::vector<int> order;
  Scheduler scheduler(1, false, factory([&](const ImageView& image, MediaTime time) -> models::DetectionResult {
                        order.push_back(image.width);
                        turnstile.pass(time);
                        models::DetectionResult result;
                        if (image.width == 64) result.detections = {detection(0.4, 0.4, 0.2, 0.4)};
                        return result;
                      }),
                      clock);
  std::vector<std::unique_ptr<Lane>> lanes;
  const std::vector<int> widths{32, 48, 64, 80};
  for (const int width : widths) {
    lanes.push_back(scheduler.open(camera(fmt::format("cam-{}", width)), sink));
    lanes.back()->begin_run("a");
  }
  scheduler.wait_idle();
  const auto push_all = [&](int at) {
    for (std::size_t i = 0; i < lanes.size(); ++i)
      lanes[i]->frame(grey_frame(fmt::format("cam-{}", widths[i]), "a", at, test::noise(at), widths[i], 36));
  };
  std::size_t arrivals = 0;
  for (int round = 0; round < 12; ++round) {
    push_all(200 * round);
    turnstile.permit(4);
    turnstile.await(arrivals += 4);
    scheduler.wait_idle();
  }
  std::map<int, int> turns;
  for (const int width : order) ++turns[width];
  for (const int width : widths) CHECK(turns[width] == 12);

  // All four wait behind one busy detector: whoever follows somebody is served before two of the others at least.
  order.clear();
  lanes[0]->frame(grey_frame("cam-32", "a", 5000, test::noise(1), 32, 36));
  turnstile.await(++arrivals);
  push_all(5200);
  turnstile.permit(5);
  turnstile.await(arrivals += 4);
  scheduler.wait_idle();
  REQUIRE(order.size() == 5);
  const auto place = std::find(order.begin(), order.end(), 64) - order.begin();
  CHECK(place <= 2);
  for (auto& lane : lanes) CHECK(lane->stats().frames_dropped == 0);
}

TEST_CASE("a detector that cannot be made leaves presence unknown and says why, and is asked for once a thread") {
  const test::FakeClock clock;
  test::ObservationCollector sink;
  std::atomic<int> asked{0};
  Scheduler scheduler(
      1, true,
      [&](const DetectorConfig&) -> Result<std::unique_ptr<models::Detector>> {
        ++asked;
        return fail(ErrorKind::kNotFound, "weights missing");
      },
      clock);
  const auto lane = scheduler.open(camera("c"), sink);
  lane->begin_run("a");
  for (int i = 0; i < 50; ++i) lane->frame(grey_frame("c", "a", 200 * i, test::noise(i)));
  scheduler.wait_idle();
  CHECK(asked == 1);
  const auto presences = sink.of<PresenceObservation>();
  REQUIRE(presences.size() == 1);
  CHECK(presences[0].state == Presence::kUnknown);
  CHECK(presences[0].reason == "detector_failed");
  CHECK(sink.of<HealthObservation>().back().cause == "no detector: weights missing");
}

TEST_CASE("a camera without a detector is watched for its health alone") {
  const test::FakeClock clock;
  test::ObservationCollector sink;
  auto config = camera("c");
  config.detector.name = "none";
  Scheduler scheduler(
      2, true,
      [](const DetectorConfig&) -> Result<std::unique_ptr<models::Detector>> { return fail(ErrorKind::kInternal, "must not be asked"); },
      clock);
  const auto lane = scheduler.open(config, sink);
  lane->begin_run("a");
  for (int i = 0; i < 50; ++i) lane->frame(grey_frame("c", "a", 200 * i, test::noise(i)));
  scheduler.wait_idle();
  CHECK(sink.of<PresenceObservation>().back().reason == "not_analysed");
  CHECK(sink.of<HealthObservation>().back().cause == "no detector is configured");
  CHECK(sink.of<HealthObservation>().back().fact(HealthFact::kPictureChanging) == Truth::kTrue);
}

TEST_CASE("each thread has its own detector and a source is analysed by one thread at a time") {
  const test::FakeClock clock;
  test::ObservationCollector sink;
  std::mutex mutex;
  std::map<const void*, std::set<std::thread::id>> users;
  std::map<int, int> in_flight;
  bool twice = false;
  Scheduler scheduler(
      4, true,
      [&](const DetectorConfig&) -> Result<std::unique_ptr<models::Detector>> {
        auto key = std::make_shared<int>(0);
        return std::make_unique<test::ScriptedDetector>([&, key](const ImageView& image, MediaTime) -> models::DetectionResult {
          {
            std::scoped_lock lock(mutex);
            users[key.get()].insert(std::this_thread::get_id());
            twice = twice || in_flight[image.width]++ > 0;
          }
          std::this_thread::yield();
          std::scoped_lock lock(mutex);
          --in_flight[image.width];
          return {};
        });
      },
      clock);
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int i = 0; i < 3; ++i) lanes.push_back(scheduler.open(camera(fmt::format("cam-{}", i)), sink));
  for (int i = 0; i < 3; ++i) lanes[static_cast<std::size_t>(i)]->begin_run("a");
  for (int frame = 0; frame < 40; ++frame)
    for (int i = 0; i < 3; ++i)
      lanes[static_cast<std::size_t>(i)]->frame(
          grey_frame(fmt::format("cam-{}", i), "a", 200 * frame, test::noise(frame), 32 + 16 * i, 36));
  scheduler.wait_idle();
  CHECK_FALSE(twice);
  for (const auto& [detector, threads] : users) CHECK(threads.size() == 1);
}
