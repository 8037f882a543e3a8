// SPDX-License-Identifier: MIT
#include "pipelines/sense/switch_watch.hpp"

#include <algorithm>

namespace kanhu::sense {

SwitchWatch::SwitchWatch(const CameraConfig& source, ObservationSink& sink)
    : id_(source.id), kind_(source.sensor->kind), hold_(source.sensor->hold), sink_(sink) {
  if (kind_ != SensorKind::kPir) return;
  for (const ZoneView& view : source.zones) zones_.push_back({view.zone, {}});
  if (zones_.empty()) zones_.push_back({});
}

template <typename Body>
void SwitchWatch::say(Body body) {
  Observation observation;
  observation.source = id_;
  observation.run = run_;
  observation.time = time_;
  observation.clock = offset_ ? ClockSource::kRtcp : ClockSource::kArrival;
  observation.clock_offset = offset_.value_or(std::chrono::microseconds(0));
  observation.clock_uncertainty = std::chrono::milliseconds(500);
  observation.arrived = arrived_;
  observation.pts = now_;
  observation.ordinal = ordinal_++;
  observation.arrival = arrival_;
  observation.body = std::move(body);
  sink_.observe(std::move(observation));
}

void SwitchWatch::move_to(const CaptureTime& captured, MediaTime media) {
  now_ = std::max(now_, media);
  if (captured.rtcp)
    offset_ = *captured.rtcp - captured.arrival;
  else if (arrival_ != MonoTime{})
    offset_.reset();
  arrived_ = captured.arrival;
  time_ = std::max(time_, captured.arrival + offset_.value_or(std::chrono::microseconds(0)));
}

void SwitchWatch::say_health() {
  if (said_health_) {
    said_health_->last_packet = health_.last_packet;  // its progress alone is no news
    if (*said_health_ == health_) return;
  }
  said_health_ = health_;
  say(health_);
}

void SwitchWatch::say_presence(Presence state, const std::string& reason) {
  for (Zone& zone : zones_) {
    if (zone.said == std::pair(state, reason)) continue;
    zone.said = std::pair(state, reason);
    PresenceObservation body;
    body.zone = zone.name;
    body.state = state;
    body.reason = reason;
    if (state == Presence::kPresent) {
      body.count = 1;
      body.score = 1;
      body.coverage = 1;
      body.track_label = "motion";
    }
    say(std::move(body));
  }
}

void SwitchWatch::begin_run(const std::string& run, const CaptureTime& now, bool well) {
  if (running_) end_run({ErrorKind::kClosed, "another run begins"});
  running_ = true;
  run_ = run;
  ordinal_ = 0;
  now_ = MediaTime{};
  arrival_ = MonoTime{};
  offset_.reset();
  motion_.reset();
  open_.reset();
  move_to(now, MediaTime{});
  if (!well) return;
  for (const HealthFact fact : {HealthFact::kConnected, HealthFact::kPacketsArriving, HealthFact::kDecodable})
    health_.set(fact, Truth::kTrue);
  health_.error.reset();
  health_.cause.clear();
  say_health();
  say_presence(Presence::kUnknown, "no_motion");
}

void SwitchWatch::state(bool active, const CaptureTime& captured, MediaTime media, MonoTime arrival, std::chrono::nanoseconds age) {
  if (!running_) return;
  arrival_ = arrival;
  move_to(captured, media);
  health_.last_packet = time_;
  if (kind_ == SensorKind::kContact) {
    if (std::exchange(open_, active) != active) say(ContactObservation{active});
  } else if (active && age < hold_) {
    motion_ = std::max(motion_.value_or(now_ - age), now_ - age);
    say_presence(Presence::kPresent, "");
  }
}

void SwitchWatch::tick(const Tick& tick) {
  if (!running_) return;
  arrival_ = MonoTime{};
  move_to(tick.wall, tick.media);
  if (motion_ && now_ - *motion_ >= hold_) {
    motion_.reset();
    say_presence(Presence::kUnknown, "no_motion");
  }
  say(TickObservation{});
}

void SwitchWatch::end_run(const Error& why) {
  if (!running_) return;
  arrival_ = MonoTime{};
  const bool ours = why.kind == ErrorKind::kClosed;
  const bool here = why.kind == ErrorKind::kStalled || why.kind == ErrorKind::kCorrupt;  // the broker is there, and the sensor perhaps
  health_.set(HealthFact::kConnected, ours ? Truth::kUnknown : here ? Truth::kTrue : Truth::kFalse);
  health_.set(HealthFact::kPacketsArriving, ours ? Truth::kUnknown : why.kind == ErrorKind::kCorrupt ? Truth::kTrue : Truth::kFalse);
  health_.set(HealthFact::kDecodable, why.kind == ErrorKind::kCorrupt ? Truth::kFalse : Truth::kUnknown);
  health_.error = why.kind;
  health_.cause = ours ? "not watched at the moment" : why.message;
  say_presence(Presence::kUnknown, ours ? "not_analysed" : "camera_offline");
  say_health();
  running_ = false;
}

}  // namespace kanhu::sense
