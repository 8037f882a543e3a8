// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "pipelines/observation.hpp"

namespace kanhu {

// Between a sensor and the rules: gives a run that ended the words of its end instead of those for cameras, and says what is odd about
// a sensor that still works (its clock runs backwards) as the cause of an otherwise good health. Numbers the observations anew,
// because it adds some. Thread: confined.
class SensorHealth final : public ObservationSink {
 public:
  explicit SensorHealth(ObservationSink& sink) : sink_(sink) {}

  void observe(Observation observation) override {
    if (observation.run != run_) {
      run_ = observation.run;
      ordinal_ = 0;
      health_.reset();
    }
    if (auto* health = std::get_if<HealthObservation>(&observation.body)) {
      health_ = *health;
      phrase(*health);
    }
    last_ = observation;
    last_->body = TickObservation{};
    say(std::move(observation));
  }

  // Of the runs that end from now on.
  void end_words(std::string words) { end_words_ = std::move(words); }

  // Empty: nothing is odd.
  void notice(const std::string& words) {
    if (words == notice_) return;
    notice_ = words;
    if (!health_ || health_->error || !last_) return;
    Observation again = *last_;
    HealthObservation body = *health_;
    phrase(body);
    again.body = std::move(body);
    say(std::move(again));
  }

 private:
  void phrase(HealthObservation& health) const {
    if (health.error)
      health.cause = *health.error == ErrorKind::kClosed || end_words_.empty() ? health.cause : end_words_;
    else if (health.cause.empty())
      health.cause = notice_;
  }

  void say(Observation observation) {
    observation.ordinal = ordinal_++;
    sink_.observe(std::move(observation));
  }

  ObservationSink& sink_;
  std::string run_, end_words_, notice_;
  std::uint64_t ordinal_ = 0;
  std::optional<HealthObservation> health_;  // the last of this run, in the analyzer's words
  std::optional<Observation> last_;
};

}  // namespace kanhu
