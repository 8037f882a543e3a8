// SPDX-License-Identifier: MIT
#include "daemon/sensors/sensor_source.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "config/yaml/scalars.hpp"
#include "daemon/sensors/sensor_health.hpp"
#include "media/frame.hpp"
#include "models/registry.hpp"
#include "pipelines/analyze/source_analyzer.hpp"
#include "pipelines/sense/decoder.hpp"
#include "pipelines/sense/reading_age.hpp"
#include "pipelines/sense/sender_clock.hpp"
#include "pipelines/sense/switch_watch.hpp"

namespace kanhu {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

constexpr nanoseconds kLeastGap = 15ms;  // no such sensor measures more than 64 times a second
constexpr int kBadInARow = 3;            // payloads, and for so long, before a sensor counts as unreadable
constexpr nanoseconds kBadFor = 2s;
constexpr nanoseconds kSummaryEvery = 10s;  // of a flood
constexpr nanoseconds kAnotherWordAfter = 10s;

const char* noun_of(SensorKind kind) { return kind == SensorKind::kThermalArray ? "reading" : "message"; }

}  // namespace

class SensorSource::State {
 public:
  State(const CameraConfig& the_source, ObservationSink& sink, const std::vector<std::string>& models_path)
      : source(the_source), sensor(*source.sensor), health_(sink) {
    if (sensor.kind != SensorKind::kThermalArray) {
      switch_.emplace(source, health_);
      return;
    }
    analyzer_.emplace(source, health_);
    const auto choice = models::choose_detector(source.detector, models_path);
    auto made = choice ? models::make_detector(*choice, source.detector) : tl::make_unexpected(choice.error());
    if (made)
      detector_ = std::move(*made);
    else
      detector_fault_ = made.error().message;
  }

  const CameraConfig source;
  const SensorConfig& sensor;

  void broker_up(const Moment& now);
  void lose(const Error& why, const Moment& now);
  void reading(const sense::Delivery& delivery);
  void availability(const sense::Delivery& delivery);
  void tick(const Moment& now);
  void close(const Moment& now);
  relay::CameraReport stats(const sense::TopicCount& count) const;

  void broker_down(const Error& why, const Moment& now);
  void refused(const Error& why, const Moment& now);

 private:
  bool is_array() const { return analyzer_.has_value(); }
  void open_run(const Moment& now, bool well);
  void begin(const Moment& now);
  void end(const Error& why, const Moment& now);
  void bad(const std::string& words, const Moment& now);
  void look(ThermalFrame frame, const CaptureTime& captured, const Moment& at);
  bool is_duplicate(const sense::Reading& reading, std::string_view payload);
  MediaTime media(MonoTime at);
  void say_notice(const Moment& now);
  void sum_up_flood(const Moment& now);

  SensorHealth health_;
  std::optional<analyze::SourceAnalyzer> analyzer_;
  std::optional<sense::SwitchWatch> switch_;
  std::unique_ptr<models::Detector> detector_;
  std::string detector_fault_;
  sense::SenderClock clock_;
  sense::ReadingAge age_{sensor};

  bool connected_ = false;  // with the broker
  bool running_ = false;
  std::string run_;
  MonoTime run_began_{};
  MediaTime last_media_{};
  std::uint64_t sequence_ = 0;
  std::optional<Error> lost_;    // why the last run ended; only between runs
  std::optional<Error> stands_;  // a reason that silence does not replace: offline by its own word, topic refused
  MonoTime lost_at_{};
  MonoTime heard_{};   // the last good reading, or since when one is waited for
  MonoTime looked_{};  // at the last payload
  int bad_in_row_ = 0;
  MonoTime bad_since_{}, said_fault_at_{};
  std::string bad_words_, fault_, said_fault_;
  std::optional<std::pair<WallTime, std::size_t>> newest_;  // the sender's time of the last reading, and its payload's hash

  std::uint64_t decoded_ = 0, decode_errors_ = 0, too_fast_ = 0, duplicates_ = 0, old_ = 0;
  mutable std::uint64_t overtaken_ = 0;
  std::uint64_t summed_up_ = 0;
  MonoTime summed_at_{};
};

MediaTime SensorSource::State::media(MonoTime at) {
  last_media_ = std::max(last_media_ + 1ns, MediaTime(at - run_began_));
  return last_media_;
}

void SensorSource::State::open_run(const Moment& now, bool well) {
  running_ = true;
  run_ = random_id();
  run_began_ = now.mono;
  last_media_ = MediaTime{};
  sequence_ = 0;
  health_.notice("");
  CaptureTime time;
  time.arrival = now.wall;
  if (is_array())
    analyzer_->begin_run(run_);
  else
    switch_->begin_run(run_, time, well);
}

void SensorSource::State::begin(const Moment& now) {
  if (std::exchange(lost_, std::nullopt)) log::info("sense", "sensor {}: it is heard again", source.id);
  stands_.reset();
  heard_ = now.mono;
  open_run(now, true);
}

void SensorSource::State::end(const Error& why, const Moment& now) {
  // What its observations are dated with.
  Tick tick{media(now.mono), {}};
  tick.wall.arrival = now.wall;
  health_.end_words(why.message);
  if (is_array()) {
    if (sequence_ == 0) analyzer_->tick(tick);
    analyzer_->end_run(why);
  } else {
    switch_->tick(tick);
    switch_->end_run(why);
  }
  running_ = false;
}

void SensorSource::State::lose(const Error& why, const Moment& now) {
  if (!running_) {
    // Who sends another nonsense with every message does not get another word for each.
    if (lost_ && (lost_->message == why.message || (lost_->kind == why.kind && now.mono - lost_at_ < kAnotherWordAfter))) return;
    open_run(now, false);  // what cannot even begin fails as a run that ended at once
  }
  lost_ = why;
  lost_at_ = now.mono;
  end(why, now);
  log::warning("sense", "sensor {}: {}", source.id, why.message);
}

void SensorSource::State::broker_up(const Moment& now) {
  if (std::exchange(connected_, true)) return;
  stands_.reset();
  heard_ = now.mono;
  if (!is_array() && sensor.availability_topic.empty() && !running_) begin(now);
}

void SensorSource::State::broker_down(const Error& why, const Moment& now) {
  connected_ = false;
  lose(why, now);
}

void SensorSource::State::refused(const Error& why, const Moment& now) {
  stands_ = why;
  lose(why, now);
}

void SensorSource::State::bad(const std::string& words, const Moment& now) {
  ++decode_errors_;
  bad_words_ = words;
  if (++bad_in_row_ == 1) bad_since_ = now.mono;
  if (bad_in_row_ >= kBadInARow && (!running_ || now.mono - bad_since_ >= kBadFor)) lose({ErrorKind::kCorrupt, words}, now);
}

bool SensorSource::State::is_duplicate(const sense::Reading& reading, std::string_view payload) {
  if (!reading.measured) return false;
  const std::pair now(*reading.measured, std::hash<std::string_view>{}(payload));
  return std::exchange(newest_, now) == now;
}

void SensorSource::State::reading(const sense::Delivery& delivery) {
  if (!connected_) return;
  const Moment at{delivery.mono, delivery.wall};
  if (is_array() && delivery.retained) {
    ++old_;
    return;
  }
  if (is_array() && looked_ != MonoTime{} && at.mono - looked_ < kLeastGap) {
    ++too_fast_;
    return;
  }
  looked_ = at.mono;
  if (delivery.bytes > delivery.payload.size())
    return bad(fmt::format("the payload has {} bytes, at most {} are read", delivery.bytes, sense::most_payload_bytes(sensor.kind)), at);
  auto reading = sense::decode(sensor, delivery.payload);
  if (!reading) return bad(reading.error().message, at);
  if (is_array() && is_duplicate(*reading, delivery.payload)) {
    ++duplicates_;
    return;
  }
  if (!reading->time_fault.empty()) {
    ++old_;
    if (!delivery.retained) age_.unreadable(reading->time_fault);
    if (!delivery.retained) fault_ = age_.fault();
    return;
  }
  const auto [counts, age] = age_.judge(reading->measured, delivery.wall, delivery.mono, delivery.retained);
  if (!counts) {
    ++old_;
    if (!age_.fault().empty()) fault_ = age_.fault();
    return;
  }
  const CaptureTime captured = clock_.take(reading->measured, delivery.wall);
  fault_ = clock_.fault();
  ++decoded_;
  bad_in_row_ = 0;
  bad_words_.clear();
  if (!running_) begin(at);
  heard_ = at.mono;
  if (is_array())
    look(std::move(reading->frame), captured, at);
  else
    switch_->state(reading->active, captured, media(at.mono), at.mono, age);
}

void SensorSource::State::look(ThermalFrame frame, const CaptureTime& captured, const Moment& at) {
  auto values = std::make_shared<const std::vector<std::int16_t>>(std::move(frame.values));
  ImageView image;
  image.format = PixelFormat::kCentiCelsius;
  image.width = frame.width;
  image.height = frame.height;
  image.calibrating = frame.calibrating;
  image.planes[0] = {reinterpret_cast<const std::uint8_t*>(values->data()), frame.width * static_cast<int>(sizeof(std::int16_t))};
  const Frame picture(source.id, run_, sequence_++, media(at.mono), captured, at.mono, image, values);
  if (detector_)
    analyzer_->analyze(picture, *detector_);
  else
    analyzer_->analyze_without(picture, detector_fault_);
}

void SensorSource::State::availability(const sense::Delivery& delivery) {
  if (!connected_) return;
  const Moment at{delivery.mono, delivery.wall};
  const auto online = sense::decode_availability(sensor, delivery.payload);
  if (!online) {
    fault_ = fmt::format("its availability says neither {} nor {}", sensor.online, sensor.offline);
  } else if (!*online) {
    stands_ = Error{ErrorKind::kEndOfStream, "the sensor is offline, as its last will says"};
    lose(*stands_, at);
  } else if (!running_) {
    stands_.reset();
    heard_ = at.mono;
    if (!is_array()) begin(at);
  }
}

// What is odd and no reason to end the run.
void SensorSource::State::say_notice(const Moment& now) {
  const std::string& fault = bad_words_.empty() ? fault_ : bad_words_;
  health_.notice(fault);
  if (fault.empty() || fault == said_fault_ || (said_fault_at_ != MonoTime{} && now.mono - said_fault_at_ < kAnotherWordAfter)) return;
  log::warning("sense", "sensor {}: {}", source.id, fault);
  said_fault_ = fault;
  said_fault_at_ = now.mono;
}

void SensorSource::State::sum_up_flood(const Moment& now) {
  if (now.mono - summed_at_ < kSummaryEvery) return;
  const std::uint64_t dropped = too_fast_ + overtaken_;
  // A picture now and then is overtaken in any network.
  if (dropped - summed_up_ > 100) {
    log::warning("sense", "sensor {}: {} {}s in {:.0f} s came faster than they can count, {} identical ones; the newest were taken",
                 source.id, dropped - summed_up_, noun_of(sensor.kind), to_seconds(now.mono - summed_at_), duplicates_);
  }
  summed_up_ = dropped;
  summed_at_ = now.mono;
}

void SensorSource::State::tick(const Moment& now) {
  if (summed_at_ == MonoTime{}) summed_at_ = now.mono;
  sum_up_flood(now);
  if (!connected_) return;
  if (now.mono - heard_ >= sensor.silent_after && !stands_) {
    // Brokers withhold what a client says is too large for it, without a word: nobody else will name that.
    const std::string hint = !age_.fault().empty() ? " that counts: " + age_.fault()
                             : is_array()          ? " (brokers withhold any over 320 KiB)"
                                                   : "";
    return lose({ErrorKind::kStalled, fmt::format("no {} for {}{}", noun_of(sensor.kind), format_duration(sensor.silent_after), hint)},
                now);
  }
  if (!running_) return;
  say_notice(now);
  Tick tick{media(now.mono), {}};
  tick.wall.arrival = now.wall;
  if (is_array())
    analyzer_->tick(tick);
  else
    switch_->tick(tick);
}

void SensorSource::State::close(const Moment& now) {
  if (running_) end({ErrorKind::kClosed, "not watched at the moment"}, now);
}

relay::CameraReport SensorSource::State::stats(const sense::TopicCount& count) const {
  overtaken_ = count.overtaken;
  relay::CameraReport stats;
  stats.camera = source.id;
  stats.packets = count.messages;
  stats.bytes = count.bytes;
  stats.frames_decoded = decoded_;
  stats.decode_errors = decode_errors_;
  stats.packets_not_decoded = old_ + duplicates_;
  stats.frames_dropped = count.overtaken + too_fast_;
  stats.detector = source.detector.name;
  stats.detector_notice = detector_fault_;
  stats.has_rtcp_time = newest_.has_value();
  if (is_array()) {
    const analyze::AnalyzerStats seen = analyzer_->stats();
    stats.frames_analysed = seen.frames_analysed;
    stats.detections = seen.detections;
    stats.tracks = seen.tracks_started;
    stats.width = sensor.width;
    stats.height = sensor.height;
  }
  return stats;
}

SensorSource::SensorSource(const CameraConfig& source, ObservationSink& sink, const std::vector<std::string>& models_path)
    : state_(std::make_unique<State>(source, sink, models_path)) {}
SensorSource::~SensorSource() = default;

void SensorSource::broker_up(const Moment& now) { state_->broker_up(now); }
void SensorSource::broker_down(const Error& why, const Moment& now) { state_->broker_down(why, now); }
void SensorSource::refused(const Error& why, const Moment& now) { state_->refused(why, now); }
void SensorSource::reading(const sense::Delivery& delivery) { state_->reading(delivery); }
void SensorSource::availability(const sense::Delivery& delivery) { state_->availability(delivery); }
void SensorSource::tick(const Moment& now) { state_->tick(now); }
void SensorSource::close(const Moment& now) { state_->close(now); }
const CameraConfig& SensorSource::source() const { return state_->source; }
relay::CameraReport SensorSource::stats(const sense::TopicCount& count) const { return state_->stats(count); }

}  // namespace kanhu
