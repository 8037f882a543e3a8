// SPDX-License-Identifier: MIT
// The sensors inside a worker: orders in, observations, statistics and rounds out.
#include "daemon/sensors/sensor_sources.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

#include <catch2/catch.hpp>

namespace kanhu {
namespace {

using namespace std::chrono_literals;

// Hears all that a worker's sensors say, and lets a test wait for it. Thread: any.
class SeatsBench final : public ObservationSink {
 public:
  SeatsBench()
      : seats(
            *this,
            [this](const relay::Message& message) {
              const std::scoped_lock lock(mutex_);
              said_.push_back(message);
              changed_.notify_all();
            },
            {}, clock_) {}

  void observe(Observation observation) override {
    const std::scoped_lock lock(mutex_);
    seen_.push_back(std::move(observation));
    changed_.notify_all();
  }

  static relay::Assign contact() {
    relay::Assign assign;
    assign.facility = "f";
    assign.camera.id = "door";
    assign.camera.detector.name = "none";
    assign.camera.sensor.emplace();
    assign.camera.sensor->kind = SensorKind::kContact;
    assign.camera.sensor->broker = "b";
    assign.camera.sensor->topic = "t";
    assign.camera.sensor->silent_after = 1h;
    return assign;
  }

  relay::SensorMessage message(const std::string& bytes, bool is_last = true) const {
    relay::SensorMessage made;
    made.broker = "b";
    made.topic = "t";
    made.bytes = bytes;
    made.is_last = is_last;
    made.payload = bytes.size();
    made.mono = clock_.mono();
    made.wall = clock_.wall();
    made.messages = 7;
    return made;
  }

  template <typename Enough>
  bool wait(Enough&& enough) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return enough(seen_, said_); });
  }
  bool wait_for_round(std::uint64_t number) {
    return wait([number](const auto&, const auto& said) {
      return std::any_of(said.begin(), said.end(), [number](const relay::Message& one) {
        const auto* round = std::get_if<relay::SensorsRound>(&one);
        return round != nullptr && round->number == number;
      });
    });
  }
  std::optional<bool> open() {
    const std::scoped_lock lock(mutex_);
    std::optional<bool> open;
    for (const Observation& one : seen_)
      if (const auto* contact = std::get_if<ContactObservation>(&one.body)) open = contact->open;
    return open;
  }

 private:
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Observation> seen_;
  std::vector<relay::Message> said_;

 public:
  SensorSources seats;  // last: its thread uses the others
};

}  // namespace

TEST_CASE("a sensor's message is read in the worker, in parts too, and its round is said back when it was") {
  SeatsBench bench;
  bench.seats.take(SeatsBench::contact());
  bench.seats.take(relay::BrokerState{"b", "", std::nullopt});
  bench.seats.take(bench.message("op", false));
  bench.seats.take(bench.message("en"));
  bench.seats.take(relay::SensorsRound{41});
  REQUIRE(bench.wait_for_round(41));
  CHECK(bench.open() == true);
  bench.seats.take(bench.message("closed"));
  bench.seats.take(relay::SensorsRound{42});
  REQUIRE(bench.wait_for_round(42));
  CHECK(bench.open() == false);
}

TEST_CASE("sensors are ticked and counted every second, also while no message comes") {
  SeatsBench bench;
  bench.seats.take(SeatsBench::contact());
  bench.seats.take(relay::BrokerState{"b", "", std::nullopt});
  CHECK(bench.wait([](const auto& seen, const auto&) {
    return std::any_of(seen.begin(), seen.end(), [](const Observation& one) { return std::holds_alternative<TickObservation>(one.body); });
  }));
  bench.seats.take(bench.message("open"));
  CHECK(bench.wait([](const auto&, const auto& said) {
    return std::any_of(said.begin(), said.end(), [](const relay::Message& one) {
      const auto* stats = std::get_if<relay::CameraReport>(&one);
      return stats != nullptr && stats->camera == "door" && stats->packets == 7 && stats->frames_decoded == 1;
    });
  }));
}

TEST_CASE("a sensor that is taken away ends its run, and a new one at a connected broker begins at once") {
  SeatsBench bench;
  const auto count_of = [&bench](bool ended) {
    return bench.wait([ended](const auto& seen, const auto&) {
      return std::any_of(seen.begin(), seen.end(), [ended](const Observation& one) {
        const auto* health = std::get_if<HealthObservation>(&one.body);
        return health != nullptr && health->error.has_value() == ended;
      });
    });
  };
  bench.seats.take(relay::BrokerState{"b", "", std::nullopt});
  bench.seats.take(SeatsBench::contact());
  bench.seats.take(bench.message("open"));
  CHECK(count_of(false));
  bench.seats.take(relay::Release{"door"});
  CHECK(count_of(true));
}

}  // namespace kanhu
