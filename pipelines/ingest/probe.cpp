// SPDX-License-Identifier: MIT
#include "pipelines/ingest/probe.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "pipelines/ingest/rtsp/errors.hpp"
#include "pipelines/ingest/rtsp/redirect.hpp"
#include "pipelines/ingest/source.hpp"
#include "pipelines/ingest/watchdog.hpp"

namespace kanhu::ingest {
namespace {

constexpr std::chrono::seconds kEnoughCounts{2};  // for the rate
constexpr std::chrono::seconds kLeastPause{2};    // what is shorter is a camera's or a network's hesitation
constexpr int kPauseOfIntervals = 5;              // and of a camera that sends seldom, what is usual
constexpr const char* kOpenStep = "open";

enum Step : std::size_t { kResolve, kConnect, kDescribe, kSetup, kPlay, kKeyFrame, kDecode, kSteady, kSteps };
constexpr std::array<const char*, kSteps> kNames{"resolve", "connect", "describe", "setup", "play", "key frame", "decode", "steady"};

ProbeReport::Warmth warmth_of(const ImageView& image) {
  std::vector<std::int16_t> values(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
  for (int row = 0; row < image.height; ++row)
    std::memcpy(values.data() + static_cast<std::ptrdiff_t>(row) * image.width,
                image.planes[0].data + static_cast<std::ptrdiff_t>(row) * image.planes[0].stride,
                2 * static_cast<std::size_t>(image.width));
  std::sort(values.begin(), values.end());
  return {values.front() / 100.0, values[values.size() / 2] / 100.0, values.back() / 100.0};
}

using SteadyTime = std::chrono::steady_clock::time_point;

// When pictures arrived, and when for long none did. The gateway's own patience is the bound for a camera of which too little was seen.
// Thread: confined to its owner.
class Pauses {
 public:
  void arrived(SteadyTime now) {
    if (last_) {
      ++intervals_;
      const auto interval = now - *last_;
      if (interval > kLeastPause) long_.push_back(interval);
      longest_ = std::max<std::chrono::nanoseconds>(longest_, interval);
      sum_ += interval;
    }
    last_ = now;
  }

  // At `now`: nothing when it never paused.
  std::optional<Error> fault(SteadyTime now, std::chrono::nanoseconds patience) const {
    if (!last_) return std::nullopt;
    // The longest is no example of what is usual.
    const auto usual = intervals_ > 1 ? (sum_ - longest_) / (intervals_ - 1) : patience / kPauseOfIntervals;
    const auto bound =
        std::max<std::chrono::nanoseconds>(kLeastPause, std::min<std::chrono::nanoseconds>(kPauseOfIntervals * usual, patience));
    const auto silent = now - *last_;
    if (silent > bound)
      return Error{ErrorKind::kStalled, fmt::format("no picture for the last {:.1f} s although the connection is open; check the camera's "
                                                    "network and load",
                                                    to_seconds(silent))};
    const auto count = std::count_if(long_.begin(), long_.end(), [&](std::chrono::nanoseconds each) { return each > bound; });
    if (count == 0) return std::nullopt;
    return Error{ErrorKind::kStalled, fmt::format("the stream paused {} {}, longest {:.1f} s; check the camera's network and load", count,
                                                  count == 1 ? "time" : "times", to_seconds(longest_))};
  }

 private:
  std::optional<SteadyTime> last_;
  std::vector<std::chrono::nanoseconds> long_;  // at most one in kLeastPause
  std::int64_t intervals_ = 0;
  std::chrono::nanoseconds longest_{0}, sum_{0};
};

// Measures a camera. Thread: the sink from the source's thread, the rest from the caller's.
class Meter final : public SourceSink {
 public:
  void on_packet(PacketPtr packet) override {
    std::scoped_lock lock(mutex_);
    pauses_.arrived(std::chrono::steady_clock::now());
    ++packets_;
    bytes_ += packet->bytes.size();
    if (last_pts_ && packet->pts < *last_pts_) reordered_ = true;
    last_pts_ = packet->pts;
    first_ = std::min(first_.value_or(packet->pts), packet->pts);
    latest_ = std::max(latest_.value_or(packet->pts), packet->pts);
    if (packet->is_key) {
      if (last_key_) gop_ = std::max(gop_, packet->pts - *last_key_);
      last_key_ = packet->pts;
      ++keys_;
    }
    if (packet->captured.rtcp) {
      // What is sent soonest after capture shows the offset best; all later ones add their way.
      const auto offset = *packet->captured.rtcp - packet->captured.arrival;
      offset_ = std::max(offset_.value_or(offset), offset);
    }
    changed_.notify_all();
  }
  void on_frame(Frame frame) override {
    std::scoped_lock lock(mutex_);
    if (!frame_) frame_.emplace(std::move(frame));
    changed_.notify_all();
  }
  void on_tick(Tick) override {}
  void on_end(Error why) override {
    std::scoped_lock lock(mutex_);
    end_ = std::move(why);
    changed_.notify_all();
  }

  // Until the source ends, or `until`; with `enough_video` also when there is a picture and that much of it.
  void watch(std::chrono::steady_clock::time_point until, std::optional<std::chrono::nanoseconds> enough_video) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return end_ || (frame_ && enough_video && span() >= *enough_video); });
  }
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return end_.has_value(); });
  }

  // After the end, once: the picture moves into the report.
  void report(ProbeReport& report) {
    std::scoped_lock lock(mutex_);
    const double seconds = to_seconds(span());
    if (seconds > 0) {
      report.measured_frames_per_second = static_cast<double>(packets_ - 1) / seconds;
      report.kilobits_per_second = static_cast<double>(bytes_) * 8 / 1000 / seconds;
    }
    report.gop_seconds = to_seconds(gop_);
    report.has_b_frames = reordered_;
    report.has_rtcp_time = offset_.has_value();
    if (offset_) report.clock_offset = std::chrono::duration_cast<std::chrono::milliseconds>(*offset_);
    if (frame_ && frame_->image().format == PixelFormat::kCentiCelsius) report.warmth = warmth_of(frame_->image());
    report.picture = std::exchange(frame_, std::nullopt);
  }
  std::optional<Error> end() const {
    std::scoped_lock lock(mutex_);
    return end_;
  }
  // Up to now: nothing when pictures came all the time.
  std::optional<Error> pause(std::chrono::nanoseconds patience) const {
    std::scoped_lock lock(mutex_);
    return pauses_.fault(std::chrono::steady_clock::now(), patience);
  }
  bool saw_key() const {
    std::scoped_lock lock(mutex_);
    return keys_ > 0;
  }
  bool saw_frame() const {
    std::scoped_lock lock(mutex_);
    return frame_.has_value();
  }

 private:
  std::chrono::nanoseconds span() const { return first_ ? *latest_ - *first_ : std::chrono::nanoseconds(0); }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Pauses pauses_;
  std::size_t packets_ = 0;
  std::size_t keys_ = 0;
  std::size_t bytes_ = 0;
  std::optional<MediaTime> first_, latest_, last_pts_, last_key_;
  std::chrono::nanoseconds gop_{0};
  std::optional<std::chrono::microseconds> offset_;
  bool reordered_ = false;
  std::optional<Frame> frame_;
  std::optional<Error> end_;
};

// The first step that was not passed.
Step failed_step(const Signs& signs, const Meter& meter, const std::optional<Error>& why) {
  switch (signs.stage.load()) {
    case Stage::kConnect:
      return why && why->kind == ErrorKind::kNameResolution ? kResolve : kConnect;
    case Stage::kDescribe:
      return kDescribe;
    case Stage::kSetup:
      return kSetup;
    case Stage::kPlay:
    case Stage::kDevice:
      return kPlay;
    case Stage::kStreaming:
      break;
  }
  if (!meter.saw_key()) return kKeyFrame;
  return meter.saw_frame() ? kSteady : kDecode;
}

// `silence`: what the silence of the camera means, as far as it has come.
Error out_of_patience(Step step, const Error& silence) {
  switch (step) {
    case kKeyFrame:
      return {
          ErrorKind::kNoKeyFrame,
          "packets arrive, but no key frame came in time; shorten the key frame interval in the camera, and check that it sends the codec "
          "it is set to"};
    case kDecode:
      return {ErrorKind::kCorrupt, "packets arrive, but no picture could be decoded in time"};
    default:
      return silence;
  }
}

std::string passed_detail(Step step, const RtspAddress& address, const ProbeReport& report) {
  switch (step) {
    case kResolve:
      return fmt::format("{} has an address", address.host);
    case kConnect:
      return fmt::format("port {} answers", address.port);
    case kDescribe:
      return "path, user and password are accepted";
    case kSetup:
      return report.transport == Transport::kUdp ? "by UDP" : "by TCP";
    case kPlay:
      return "the camera sends";
    case kKeyFrame:
      return "decoding can start";
    case kDecode:
      return "a picture came out";
    case kSteady:
      return "no break and no pause in the whole time";
    case kSteps:
      break;
  }
  return {};
}

// The steps of a 16-bit source, which has no conversation.
void tell_counts_steps(ProbeReport& report, const Meter& meter, const std::optional<Error>& why) {
  const char* const names[] = {kOpenStep, "pictures", "temperatures"};
  const char* const details[] = {"it can be read", "16-bit counts come", "they are temperatures"};
  const std::size_t passed = report.picture ? 3 : meter.saw_key() ? 2 : why ? 0 : 1;
  for (std::size_t step = 0; step < passed; ++step) report.steps.push_back({names[step], true, details[step]});
  if (passed == 3) return;
  report.error =
      why.value_or(passed == 1 ? Error{ErrorKind::kTimeout, "the device is open, but sent no picture; unplug it and plug it in again"}
                               : Error{ErrorKind::kTimeout, "pictures come, but not enough of them to tell; give it more --seconds"});
  report.steps.push_back({names[passed], false, report.error->message});
}

constexpr std::chrono::seconds kGoodbye{1};

// One connection, watched.
struct Watched {
  std::optional<Error> why;    // it ended of its own accord
  std::optional<Error> pause;  // it gave pictures, but not all the time
  Error silence;               // what it means if nothing came
  Step failed = kResolve;      // kSteady: it gave pictures
  std::string sent_to;         // by a redirect, or empty
};

// `first` is when a picture must have come, `until` when the watching is over.
Result<Watched> watch_once(const SourceSpec& spec, Meter& meter, SteadyTime first, SteadyTime until, ProbeReport& report) {
  static const SystemClock clock;
  auto made = make_watched_source(spec, clock);
  if (!made) return tl::unexpected(made.error());
  made->source->start(meter);
  meter.watch(first, spec.stream.thermal ? kEnoughCounts : std::chrono::nanoseconds(0));
  if (!meter.end() && meter.saw_frame() && !spec.stream.thermal) meter.watch(until, std::nullopt);
  Watched watched;
  watched.why = meter.end();
  if (!watched.why) watched.pause = meter.pause(spec.health.stall_after);
  watched.silence = nothing_came(*made->signs);
  watched.failed = failed_step(*made->signs, meter, watched.why);
  const SourceStats stats = made->source->stats();
  made->source->stop();
  meter.wait_for_end();
  watched.sent_to = stats.sent_to;
  if (stats.packets > 0 || report.format.width == 0) report.format = stats.format;
  if (stats.keep_alive != KeepAlive::kUnknown) report.keep_alive = stats.keep_alive;
  return watched;
}

// The stream gave pictures and ended: connects again and again until the time is over, as the gateway would.
Error watch_breaks(const SourceSpec& spec, SteadyTime began, SteadyTime until, Error first_break, ProbeReport& report) {
  report.breaks = 1;
  while (std::chrono::steady_clock::now() + kGoodbye < until) {
    std::this_thread::sleep_for(kGoodbye);
    Meter meter;
    const auto watched = watch_once(spec, meter, until, until, report);
    if (!watched || watched->why) ++report.breaks;
  }
  const double seconds = std::chrono::duration<double>(until - began).count();
  return {first_break.kind, fmt::format("the stream broke {} times in {:.0f} s: {}", report.breaks, seconds, first_break.message)};
}

ProbeReport probe_by(Transport transport, const StreamConfig& stream, const Credential& credential, SteadyTime first, SteadyTime until) {
  const auto began = std::chrono::steady_clock::now();
  ProbeReport report;
  report.transport = transport;
  SourceSpec spec;
  spec.source = "probe";
  spec.stream = stream;
  spec.stream.transport = transport;
  spec.credential = credential;
  spec.decode = true;
  spec.frames_per_second = 1;
  Meter meter;
  const auto watched = watch_once(spec, meter, first, until, report);
  if (!watched) {
    report.error = watched.error();
    report.steps.push_back({stream.thermal ? kOpenStep : kNames[kResolve], false, watched.error().message});
    return report;
  }
  meter.report(report);
  if (stream.thermal) {
    report.format.height -= telemetry_row_count(*stream.thermal);
    tell_counts_steps(report, meter, watched->why);
    return report;
  }
  const bool steady = watched->failed == kSteady && stream.url.starts_with("rtsp:");
  const bool broke = steady && watched->why;
  const bool paused = steady && watched->pause;
  const Step failed = watched->failed == kSteady && !broke && !paused ? kSteps : watched->failed;
  const RtspAddress address = rtsp_address(stream.url);
  for (std::size_t step = kResolve; step < failed; ++step)
    report.steps.push_back({kNames[step], true, passed_detail(static_cast<Step>(step), address, report)});
  if (failed == kSteps) return report;
  const auto impatient = [&] {
    Error why = out_of_patience(failed, watched->silence);
    why.message = after_redirect(watched->sent_to, std::move(why.message));
    return why;
  };
  report.error = broke          ? watch_breaks(spec, began, until, *watched->why, report)
                 : paused       ? *watched->pause
                 : watched->why ? *watched->why
                                : impatient();
  report.steps.push_back({kNames[failed], false, report.error->message});
  return report;
}

}  // namespace

ProbeReport probe(const StreamConfig& stream, const Credential& credential, std::chrono::seconds patience) {
  const auto now = std::chrono::steady_clock::now();
  const auto until = now + patience;
  if (stream.thermal) return probe_by(Transport::kTcp, stream, credential, until, until);
  // Two thirds of the patience for TCP, so that UDP gets its turn when nothing arrives.
  const auto first = stream.url.starts_with("rtsp:") ? now + patience * 2 / 3 : until;
  auto by_tcp = probe_by(Transport::kTcp, stream, credential, first, until);
  const bool otherwise =
      by_tcp.error && by_tcp.breaks == 0 && (by_tcp.error->kind == ErrorKind::kTransport || by_tcp.error->kind == ErrorKind::kTimeout);
  if (!otherwise) return by_tcp;
  // The camera is given time to notice the end of the first try: one that serves a single viewer answers 453 until then.
  std::this_thread::sleep_for(kGoodbye);
  auto by_udp = probe_by(Transport::kUdp, stream, credential, until, until);
  return std::move(by_udp.steps.size() >= by_tcp.steps.size() ? by_udp : by_tcp);
}

}  // namespace kanhu::ingest
